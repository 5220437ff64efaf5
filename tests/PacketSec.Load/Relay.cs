using System.Net;
using System.Net.Sockets;

namespace PacketSec.Load;

/// <summary>
/// Stands between two endpoints, so that what is forged comes from the peer's own address. Records the genuine datagrams of each kind.
/// </summary>
internal sealed class Relay : IDisposable
{
    private const int Kept = 64;

    private readonly Socket _front = NewSocket();
    private readonly Socket _back = NewSocket();
    private readonly EndPoint _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<uint, List<byte[]>> _kinds = [];
    private readonly List<byte[]> _towardsListener = [];
    private readonly Task _loops;
    private EndPoint? _dialler;

    public Relay(IPEndPoint listener)
    {
        _listener = listener;
        _loops = Task.WhenAll(RelayAsync(_front, fromDialler: true), RelayAsync(_back, fromDialler: false));
    }

    public IPEndPoint FrontEndPoint => (IPEndPoint)_front.LocalEndPoint!;

    /// <summary>Gets the genuine datagrams by kind (first words of handshakes, one kind for data of each direction), and those sent to the listener.</summary>
    public (List<List<byte[]>> ByKind, List<byte[]> TowardsListener) Recorded()
    {
        lock (_gate)
        {
            return ([.. _kinds.OrderBy(kind => kind.Key).Select(kind => kind.Value.ToList())], [.. _towardsListener]);
        }
    }

    /// <summary>Sends a forged datagram to the listener, from the address that it knows its peer by.</summary>
    public void Inject(ReadOnlySpan<byte> datagram, SocketAddress listener) => _back.SendTo(datagram, SocketFlags.None, listener);

    public void Dispose()
    {
        _stop.Cancel();
        try
        {
            _loops.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            // The loops end this way; anything else is a fault of the run and is seen.
        }

        _front.Dispose();
        _back.Dispose();
        _stop.Dispose();
    }

    private static Socket NewSocket()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { SendBufferSize = 1 << 22, ReceiveBufferSize = 1 << 22 };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    // No counter that is seen here.
    private const uint FrameKind = 0x7FFF0000;

    /// <summary>Whether a datagram of the dial that is relayed here is a frame of its negotiation.</summary>
    public static bool IsFrame(ReadOnlySpan<byte> datagram)
        => datagram.Length < 4 || (datagram[0] == 0 && datagram[1] >= 2) || (datagram[0] == 1 && datagram.Length == 2 + datagram[1]);

    private static uint KindOf(ReadOnlySpan<byte> datagram)
    {
        // Frames of the negotiation have no header: each type is a kind of its own.
        if (IsFrame(datagram))
        {
            return FrameKind | datagram[0];
        }

        var word = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(datagram);
        return (word & 0x7FFFFFFF) < 16 ? word : (word & 0x80000000) | (datagram.Length == 20 ? 16u : 17u);
    }

    private async Task RelayAsync(Socket socket, bool fromDialler)
    {
        var buffer = new byte[65536];
        while (!_stop.IsCancellationRequested)
        {
            var received = await socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
            var datagram = buffer[..received.ReceivedBytes];
            if (fromDialler)
            {
                _dialler = received.RemoteEndPoint;
            }

            Record(datagram, fromDialler);
            var to = fromDialler ? _listener : _dialler;
            if (to is not null)
            {
                await (fromDialler ? _back : _front).SendToAsync(datagram, to, _stop.Token);
            }
        }
    }

    private void Record(byte[] datagram, bool towardsListener)
    {
        lock (_gate)
        {
            var kind = KindOf(datagram);
            if (!_kinds.TryGetValue(kind, out var list))
            {
                _kinds[kind] = list = [];
            }

            if (list.Count < Kept)
            {
                list.Add(datagram);
                if (towardsListener)
                {
                    _towardsListener.Add(datagram);
                }
            }
        }
    }
}
