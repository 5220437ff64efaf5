using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace PacketSec.Interop.Faults;

/// <summary>
/// A UDP path with faults, on loopback: one socket that diallers send to, and one socket for each of them towards the listener, so that the
/// listener sees as many addresses as there are diallers. Reads nothing of a datagram but its first four bytes.
/// </summary>
/// <remarks>Thread-safe. The diallers' sockets are numbered in the order in which they first send.</remarks>
internal sealed class FaultProxy : IAsyncDisposable
{
    /// <summary>A cell has a handful of diallers; what comes from further addresses is counted as cut.</summary>
    public const int MaxClients = 32;

    /// <summary>Some ten times what the busiest cell sends; the rest is counted as cut, so that a loop between peers comes to an end.</summary>
    public const long MaxDatagrams = 500_000;

    private const int MaxDatagramSize = 65_535;
    private const int SocketBuffer = 1 << 20;

    private readonly IPEndPoint _listener;
    private readonly FaultPlan _plan;
    private readonly Socket _front;
    private readonly DelayLine _delays = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<SocketAddress, Client> _clients = new();
    private readonly Task _frontLoop;
    private long _datagrams;
    private volatile bool _cut;

    /// <summary>Opens the path.</summary>
    /// <param name="listener">Where datagrams go, an IPv4 loopback address.</param>
    /// <param name="profile">What happens to them.</param>
    /// <param name="seed">Decides to which.</param>
    public FaultProxy(IPEndPoint listener, FaultProfile profile, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(IPAddress.IsLoopback(listener.Address), true);
        _listener = listener;
        _plan = new FaultPlan(profile, seed);
        _front = Open();
        EndPoint = (IPEndPoint)_front.LocalEndPoint!;
        _frontLoop = ReceiveFrontAsync();
    }

    /// <summary>Gets the address that diallers dial in the listener's stead.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Gets or sets a value indicating whether nothing gets through, either way.</summary>
    public bool Cut
    {
        get => _cut;
        set => _cut = value;
    }

    /// <summary>Returns the counts of one class and direction over all clients.</summary>
    public FaultCounts Counts(PacketClass packetClass, PacketDirection direction)
        => _clients.Values.Select(client => client.Counts(packetClass, direction)).Aggregate(new FaultCounts(), (sum, counts) => sum + counts);

    /// <summary>Returns the counts of one class, both ways.</summary>
    public FaultCounts Counts(PacketClass packetClass)
        => Counts(packetClass, PacketDirection.ToListener) + Counts(packetClass, PacketDirection.ToDialler);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _frontLoop;
        foreach (var client in _clients.Values)
        {
            await client.Loop;
        }

        _delays.Dispose();
        foreach (var client in _clients.Values)
        {
            client.Back.Dispose();
        }

        _front.Dispose();
        _stop.Dispose();
    }

    private static Socket Open()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)
        {
            ReceiveBufferSize = SocketBuffer,
            SendBufferSize = SocketBuffer,
        };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private async Task ReceiveFrontAsync()
    {
        var from = new SocketAddress(AddressFamily.InterNetwork);
        await ReceiveAsync(
            buffer => _front.ReceiveFromAsync(buffer, SocketFlags.None, from, _stop.Token),
            datagram =>
            {
                if (ClientAt(from) is { } client)
                {
                    Pass(client, PacketDirection.ToListener, datagram);
                }
            });
    }

    private Task ReceiveBackAsync(Client client)
        => ReceiveAsync(
            buffer => client.Back.ReceiveAsync(buffer, SocketFlags.None, _stop.Token),
            datagram => Pass(client, PacketDirection.ToDialler, datagram));

    private async Task ReceiveAsync(Func<Memory<byte>, ValueTask<int>> receive, Action<Memory<byte>> handle)
    {
        var buffer = new byte[MaxDatagramSize];
        while (!_stop.IsCancellationRequested)
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

    private Client? ClientAt(SocketAddress from)
    {
        if (_clients.TryGetValue(from, out var known))
        {
            return known;
        }

        // Only the front loop adds.
        if (_clients.Count == MaxClients)
        {
            return null;
        }

        var back = Open();
        back.Connect(_listener);
        var address = Copy(from);
        var client = new Client(_clients.Count, address, back);
        _clients[address] = client;
        client.Loop = ReceiveBackAsync(client);
        return client;
    }

    /// <summary>The buffer that a receive fills is reused by the next one.</summary>
    private static SocketAddress Copy(SocketAddress address)
    {
        var copy = new SocketAddress(address.Family, address.Size);
        address.Buffer[..address.Size].CopyTo(copy.Buffer);
        return copy;
    }

    private void Pass(Client client, PacketDirection direction, Memory<byte> datagram)
    {
        var packetClass = PacketClasses.Classify(datagram.Span);
        var ordinal = client.Next(packetClass, direction);
        if (_cut || Interlocked.Increment(ref _datagrams) > MaxDatagrams)
        {
            client.Count(packetClass, direction, new() { Received = 1, Cut = 1 });
            return;
        }

        var verdict = _plan.Decide(new(client.Number, direction, packetClass, ordinal));
        if (verdict.Lost)
        {
            client.Count(packetClass, direction, new() { Received = 1, Lost = 1 });
            return;
        }

        var over = 0;
        if (verdict.DuplicateDelay is { } later)
        {
            over += Forward(client, direction, datagram, later) ? 0 : 1;
        }

        verdict.Corrupt(datagram.Span);
        over += Forward(client, direction, datagram, verdict.Delay) ? 0 : 1;
        client.Count(packetClass, direction, new()
        {
            Received = 1,
            Duplicated = verdict.DuplicateDelay is null ? 0 : 1,
            Late = verdict.IsLate ? 1 : 0,
            Corrupted = verdict.CorruptBit is null ? 0 : 1,
            Cut = over,
        });
    }

    private bool Forward(Client client, PacketDirection direction, Memory<byte> datagram, TimeSpan delay)
    {
        if (delay <= TimeSpan.Zero)
        {
            Send(client, direction, datagram.Span);
            return true;
        }

        var copy = datagram.ToArray();
        return _delays.TryAdd(delay, () => Send(client, direction, copy));
    }

    private void Send(Client client, PacketDirection direction, ReadOnlySpan<byte> datagram)
    {
        try
        {
            if (direction == PacketDirection.ToListener)
            {
                client.Back.Send(datagram, SocketFlags.None);
            }
            else
            {
                _front.SendTo(datagram, SocketFlags.None, client.Address);
            }
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

    private sealed class Client(int number, SocketAddress address, Socket back)
    {
        private readonly Lock _gate = new();
        private readonly FaultCounts[] _counts = [new(), new(), new(), new()];
        private readonly long[] _ordinals = new long[4];

        public int Number { get; } = number;

        public SocketAddress Address { get; } = address;

        public Socket Back { get; } = back;

        public Task Loop { get; set; } = Task.CompletedTask;

        /// <summary>Numbers the datagrams of a class and direction; each direction has one loop.</summary>
        public long Next(PacketClass packetClass, PacketDirection direction) => _ordinals[Index(packetClass, direction)]++;

        public void Count(PacketClass packetClass, PacketDirection direction, FaultCounts counts)
        {
            lock (_gate)
            {
                _counts[Index(packetClass, direction)] += counts;
            }
        }

        public FaultCounts Counts(PacketClass packetClass, PacketDirection direction)
        {
            lock (_gate)
            {
                return _counts[Index(packetClass, direction)];
            }
        }

        private static int Index(PacketClass packetClass, PacketDirection direction) => ((int)packetClass * 2) + (int)direction;
    }
}
