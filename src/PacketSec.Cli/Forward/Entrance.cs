using System.Net;
using System.Net.Sockets;

namespace PacketSec.Cli.Forward;

/// <summary>A port of the near side.</summary>
internal abstract class Entrance(Socket socket) : IAsyncDisposable
{
    public IPEndPoint LocalEndPoint => (IPEndPoint)Socket.LocalEndPoint!;

    protected Socket Socket => socket;

    /// <summary>Binds a port.</summary>
    /// <exception cref="SocketException">It cannot be bound.</exception>
    public static Entrance Open(IPAddress bind, int port, bool isUdp, ForwardPolicy policy, ForwardTally tally)
    {
        var socket = isUdp ? new Socket(bind.AddressFamily, SocketType.Dgram, ProtocolType.Udp) : new(bind.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(bind, port));
            if (!isUdp)
            {
                socket.Listen();
            }
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        return isUdp ? new UdpEntrance(socket, policy, tally) : new TcpEntrance(socket);
    }

    /// <summary>Takes what comes until the token ends it.</summary>
    /// <param name="session">Gives the session that carries it; null while there is none.</param>
    /// <param name="request">What asks the other side for the rest of the way.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public abstract Task RunAsync(Func<ForwardSession?> session, ForwardRequest request, CancellationToken cancellationToken);

    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>A TCP port.</summary>
internal sealed class TcpEntrance(Socket socket) : Entrance(socket)
{
    // The system has no file for one more; others are closed meanwhile.
    private static readonly TimeSpan Recovery = TimeSpan.FromMilliseconds(100);

    public override async Task RunAsync(Func<ForwardSession?> session, ForwardRequest request, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                try
                {
                    var accepted = await Socket.AcceptAsync(cancellationToken);
                    accepted.NoDelay = true;
                    if (session() is { Over.IsCancellationRequested: false } current)
                    {
                        _ = current.CarryAsync(accepted, request);
                    }
                    else
                    {
                        TcpPump.Abort(accepted);
                    }
                }
                catch (SocketException)
                {
                    await Task.Delay(Recovery, cancellationToken);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The port is closed.
        }
    }
}
