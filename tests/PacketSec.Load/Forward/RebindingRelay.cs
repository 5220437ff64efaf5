using System.Net;
using System.Net.Sockets;

namespace PacketSec.Load.Forward;

/// <summary>A NAT between a dialler and a listener, which gives the dialler another port when it is told to; what comes to the former one is lost.</summary>
internal sealed class RebindingRelay : IAsyncDisposable
{
    private readonly Socket _front = NewSocket();
    private readonly IPEndPoint _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _loops = [];
    private Socket _back = NewSocket();
    private EndPoint? _dialler;

    public RebindingRelay(IPEndPoint listener)
    {
        _listener = listener;
        _loops.Add(OutwardsAsync());
        _loops.Add(InwardsAsync(_back));
    }

    public IPEndPoint LocalEndPoint => (IPEndPoint)_front.LocalEndPoint!;

    public void Rebind()
    {
        var former = _back;
        var next = NewSocket();
        Volatile.Write(ref _back, next);
        _loops.Add(InwardsAsync(next));
        former.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_loops);
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

    private async Task OutwardsAsync()
    {
        var buffer = new byte[65_536];
        try
        {
            while (true)
            {
                var received = await _front.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                _dialler = received.RemoteEndPoint;
                Volatile.Read(ref _back).SendTo(buffer.AsSpan(0, received.ReceivedBytes), SocketFlags.None, _listener);
            }
        }
        catch (OperationCanceledException)
        {
            // The run is over.
        }
    }

    private async Task InwardsAsync(Socket back)
    {
        var buffer = new byte[65_536];
        try
        {
            while (true)
            {
                var received = await back.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                if (_dialler is { } dialler)
                {
                    _front.SendTo(buffer.AsSpan(0, received.ReceivedBytes), SocketFlags.None, dialler);
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The run is over, or the port is another one now.
        }
    }
}
