using System.Net;
using System.Net.Sockets;

namespace PacketSec.Cli.Demo;

/// <summary>A socket on the path between two endpoints, which decides what becomes of each datagram.</summary>
internal abstract class Relay : IAsyncDisposable
{
    private const int BufferSize = 65_535;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly CancellationTokenSource _end = new();
    private Task _forwarding = Task.CompletedTask;

    protected Relay() => _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));

    /// <summary>Gets the address to dial.</summary>
    public IPEndPoint LocalEndPoint => (IPEndPoint)_socket.LocalEndPoint!;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _forwarding;
        _socket.Dispose();
        _end.Dispose();
    }

    protected void Start() => _forwarding = ForwardAsync(_end.Token);

    /// <summary>Handles a datagram; one at a time.</summary>
    /// <param name="datagram">The datagram, valid and writable during the call.</param>
    /// <param name="from">The sender.</param>
    /// <param name="cancellationToken">Ends the relay.</param>
    protected abstract Task HandleAsync(Memory<byte> datagram, EndPoint from, CancellationToken cancellationToken);

    protected async Task SendAsync(ReadOnlyMemory<byte> datagram, EndPoint to, CancellationToken cancellationToken)
        => await _socket.SendToAsync(datagram, SocketFlags.None, to, cancellationToken);

    private async Task ForwardAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferSize];
        var any = new IPEndPoint(IPAddress.Any, 0);
        try
        {
            while (true)
            {
                var received = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, any, cancellationToken);
                await HandleAsync(buffer.AsMemory(0, received.ReceivedBytes), received.RemoteEndPoint, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The demo is over.
        }
    }
}
