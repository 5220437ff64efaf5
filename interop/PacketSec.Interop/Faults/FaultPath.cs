using System.Net;
using System.Net.Sockets;

namespace PacketSec.Interop.Faults;

/// <summary>Says whether a datagram may pass; what may not is counted as cut. Called for each, by several threads.</summary>
internal delegate bool DatagramFilter(PacketDirection direction, ReadOnlySpan<byte> datagram);

/// <summary>Counts the datagrams of one client of a path, and numbers them. Thread-safe.</summary>
internal sealed class PathCounts(int client)
{
    private readonly Lock _gate = new();
    private readonly FaultCounts[] _counts = [new(), new(), new(), new()];
    private readonly long[] _ordinals = new long[4];

    /// <summary>Names the next datagram of a class and direction.</summary>
    public PacketPlace Next(PacketClass packetClass, PacketDirection direction)
        => new(client, direction, packetClass, Interlocked.Increment(ref _ordinals[Index(packetClass, direction)]) - 1);

    public void Add(in PacketPlace place, FaultCounts counts)
    {
        lock (_gate)
        {
            _counts[Index(place.Class, place.Direction)] += counts;
        }
    }

    public FaultCounts Of(PacketClass packetClass, PacketDirection direction)
    {
        lock (_gate)
        {
            return _counts[Index(packetClass, direction)];
        }
    }

    private static int Index(PacketClass packetClass, PacketDirection direction) => ((int)packetClass * 2) + (int)direction;
}

/// <summary>What both kinds of proxy have in common: the faults, and sockets on loopback.</summary>
internal sealed class FaultPath(FaultProfile profile, ulong seed) : IDisposable
{
    /// <summary>Some ten times what the busiest cell sends; the rest is counted as cut, so that a loop between peers comes to an end.</summary>
    public const long MaxDatagrams = 500_000;

    private const int MaxDatagramSize = 65_535;
    private const int SocketBuffer = 1 << 20;

    private readonly FaultPlan _plan = new(profile, seed);
    private readonly DelayLine _delays = new();
    private long _datagrams;
    private volatile bool _cut;

    /// <summary>Gets or sets a value indicating whether nothing gets through, either way.</summary>
    public bool Cut
    {
        get => _cut;
        set => _cut = value;
    }

    public DatagramFilter? Filter { get; set; }

    public static Socket Open()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)
        {
            ReceiveBufferSize = SocketBuffer,
            SendBufferSize = SocketBuffer,
        };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    /// <summary>Receives until it is stopped.</summary>
    public static async Task ReceiveAsync(Func<Memory<byte>, ValueTask<int>> receive, Action<Memory<byte>> handle, CancellationToken stop)
    {
        var buffer = new byte[MaxDatagramSize];
        while (!stop.IsCancellationRequested)
        {
            try
            {
                handle(buffer.AsMemory(0, await receive(buffer)));
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // A listener that is down draws "connection refused" reports; the path is as good as before.
            }
        }
    }

    /// <summary>Copies an address: the buffer that a receive fills is reused by the next one.</summary>
    public static SocketAddress Copy(SocketAddress address)
    {
        var copy = new SocketAddress(address.Family, address.Size);
        address.Buffer[..address.Size].CopyTo(copy.Buffer);
        return copy;
    }

    /// <summary>Does to a datagram what its place says, and has it, or what is left of it, sent.</summary>
    /// <param name="counts">Whose datagram it is.</param>
    /// <param name="direction">Where it goes.</param>
    /// <param name="datagram">The bytes, which may be corrupted by the call.</param>
    /// <param name="send">Sends; may be called later, and twice.</param>
    public void Pass(PathCounts counts, PacketDirection direction, Memory<byte> datagram, Action<ReadOnlyMemory<byte>> send)
    {
        var place = counts.Next(PacketClasses.Classify(datagram.Span), direction);
        if (_cut || Filter?.Invoke(direction, datagram.Span) == false || Interlocked.Increment(ref _datagrams) > MaxDatagrams)
        {
            counts.Add(place, new() { Received = 1, Cut = 1 });
            return;
        }

        var verdict = _plan.Decide(place);
        if (verdict.Lost)
        {
            counts.Add(place, new() { Received = 1, Lost = 1 });
            return;
        }

        // Counted before anything leaves: whoever has received it can rely on the count.
        counts.Add(place, new()
        {
            Received = 1,
            Duplicated = verdict.DuplicateDelay is null ? 0 : 1,
            Late = verdict.IsLate ? 1 : 0,
            Corrupted = verdict.CorruptBit is null ? 0 : 1,
        });
        var over = 0;
        if (verdict.DuplicateDelay is { } later)
        {
            over += Forward(datagram, later, send) ? 0 : 1;
        }

        verdict.Corrupt(datagram.Span);
        over += Forward(datagram, verdict.Delay, send) ? 0 : 1;
        if (over > 0)
        {
            counts.Add(place, new() { Cut = over });
        }
    }

    public void Dispose() => _delays.Dispose();

    private bool Forward(Memory<byte> datagram, TimeSpan delay, Action<ReadOnlyMemory<byte>> send)
    {
        if (delay <= TimeSpan.Zero)
        {
            Send(datagram, send);
            return true;
        }

        var copy = datagram.ToArray();
        return _delays.TryAdd(delay, () => Send(copy, send));
    }

    private static void Send(ReadOnlyMemory<byte> datagram, Action<ReadOnlyMemory<byte>> send)
    {
        try
        {
            send(datagram);
        }
        catch (SocketException)
        {
            // As in receiving: the report is about an earlier datagram, and a path does not know who listens.
        }
        catch (ObjectDisposedException)
        {
            // A delivery that was under way when the path was taken down.
        }
    }
}
