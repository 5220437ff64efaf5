using System.Net;
using PacketSec.Cli.Net;
using PacketSec.Libp2p.Hosting;

namespace PacketSec.Cli.P2p;

/// <summary>A host that others dial, until Ctrl-C or SIGTERM ends it.</summary>
internal sealed class HostRun(LocalHost local, Reporter reporter)
{
    private long _connections;

    /// <param name="bind">Where it listens.</param>
    /// <param name="listening">Is told what the socket is bound to.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="CliException">The address cannot be bound.</exception>
    public async Task<int> RunAsync(IPEndPoint bind, Action<IPEndPoint> listening, CancellationToken cancellationToken)
    {
        local.Host.Connected += (_, connection) => Print(connection);
        listening(await local.ListenAsync(bind));
        await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var connections = Interlocked.Read(ref _connections);
        reporter.Summary("summary", $"{connections} connections", [("connections", $"{connections}")], line => line.WriteNumber("connections", connections));
        return ExitCodes.Success;
    }

    private void Print(PeerConnection connection)
    {
        var number = Interlocked.Increment(ref _connections);
        reporter.Line(Tone.Good, "accepted", $"connection {number}: {connection.RemoteAddress}", line =>
        {
            line.WriteNumber("connection", number);
            line.WriteString("peer", connection.RemotePeerId.ToString());
            line.WriteString("remote", connection.RemoteAddress.ToString());
        });
    }
}
