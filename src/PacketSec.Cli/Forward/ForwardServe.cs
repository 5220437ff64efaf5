using PacketSec.Cli.Net;

namespace PacketSec.Cli.Forward;

/// <summary>The side that is dialled: forwards for all who come, as far as its policy permits.</summary>
internal sealed class ForwardServe(PacketSecEndpoint endpoint, ForwardPolicy policy, Reporter reporter)
{
    private readonly ForwardTally _tally = new();

    /// <summary>Runs until the token ends it.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="CliException">The endpoint failed.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var server = new ChannelServer(endpoint, reporter);
        await server.RunAsync(ServeAsync, cancellationToken);
        _tally.Print(reporter);
        return server.ExitCode;
    }

    private async Task ServeAsync(PacketSecChannel channel, CancellationToken cancellationToken)
    {
        reporter.Line(Tone.Good, "accepted", $"{channel.RemotePeerId} from {channel.RemoteAddress}", line =>
        {
            line.WriteString("peer", channel.RemotePeerId.ToString());
            line.WriteString("remote", channel.RemoteAddress.ToString());
        });

        // A peer that has started anew begins another connection on the channel.
        PacketSecConnectionClosed end;
        do
        {
            await using var connection = PacketSecConnection.Open(channel, ForwardSession.Options);
            using var session = new ForwardSession(connection, policy, _tally, reporter);
            using var closing = cancellationToken.Register(static state => _ = ((PacketSecConnection)state!).CloseAsync(0).AsTask(), connection);
            end = await session.RunAsync();
        }
        while (end.Error == PacketSecConnectionError.PeerRestarted && !cancellationToken.IsCancellationRequested);

        reporter.Line(Tone.Note, "left", $"{channel.RemotePeerId} left ({end.Error})", line =>
        {
            line.WriteString("peer", channel.RemotePeerId.ToString());
            line.WriteString("reason", $"{end.Error}");
        });
    }
}
