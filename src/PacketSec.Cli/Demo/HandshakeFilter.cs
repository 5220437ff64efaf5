using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace PacketSec.Cli.Demo;

/// <summary>
/// A relay between two endpoints that can stop to forward handshakes: what a network does that lets a session live and no other follow.
/// </summary>
internal sealed class HandshakeFilter : IAsyncDisposable
{
    // Below this counter there are only handshake messages.
    private const uint FirstDataCounter = 16;
    private const int BufferSize = 65_535;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly CancellationTokenSource _end = new();
    private readonly IPEndPoint _server;
    private readonly Task _forwarding;
    private EndPoint? _client;
    private bool _isBlocking;

    /// <summary>Starts the relay.</summary>
    /// <param name="server">Where it forwards what comes from anybody else, whose address it keeps for the answers.</param>
    public HandshakeFilter(IPEndPoint server)
    {
        _server = server;
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _forwarding = ForwardAsync();
    }

    /// <summary>Gets the address for the client to dial.</summary>
    public IPEndPoint LocalEndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Drops all handshake messages from here on.</summary>
    public void Block() => Volatile.Write(ref _isBlocking, true);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _forwarding;
        _socket.Dispose();
        _end.Dispose();
    }

    private static bool IsHandshake(ReadOnlySpan<byte> datagram)
        => datagram.Length >= sizeof(uint) && (BinaryPrimitives.ReadUInt32BigEndian(datagram) & int.MaxValue) < FirstDataCounter;

    private async Task ForwardAsync()
    {
        var buffer = new byte[BufferSize];
        var any = new IPEndPoint(IPAddress.Any, 0);
        try
        {
            while (true)
            {
                var received = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, any, _end.Token);
                var isFromServer = received.RemoteEndPoint.Equals(_server);
                if (!isFromServer)
                {
                    _client = received.RemoteEndPoint;
                }

                var target = isFromServer ? _client : _server;
                if (target is not null && !(Volatile.Read(ref _isBlocking) && IsHandshake(buffer.AsSpan(0, received.ReceivedBytes))))
                {
                    await _socket.SendToAsync(buffer.AsMemory(0, received.ReceivedBytes), SocketFlags.None, target, _end.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The demo is over.
        }
    }
}
