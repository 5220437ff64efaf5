using PacketSec.Cli.Net;

namespace PacketSec.Cli.Forward;

/// <summary>The side that is dialled: forwards for all who come, as far as its policy permits.</summary>
internal sealed class ForwardServe(PacketSecEndpoint endpoint, ForwardPolicy policy, Reporter reporter)
{
    private readonly ForwardTally _tally = new();

    /// <summary>Runs until the token ends it.</summary>
    /// <exception cref="CliException">The endpoint failed.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var serving = new HashSet<Task>();
        try
        {
            await foreach (var channel in endpoint.AcceptAllAsync(cancellationToken))
            {
                serving.Add(ServeAsync(channel, cancellationToken));
                foreach (var task in serving.Where(task => task.IsCompleted).ToList())
                {
                    serving.Remove(task);
                    await task;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C and SIGTERM are how it ends.
        }
        catch (PacketSecException error)
        {
            throw Failures.From(error);
        }

        await Task.WhenAll(serving);
        _tally.Print(reporter);
    }

    private async Task ServeAsync(PacketSecChannel channel, CancellationToken cancellationToken)
    {
        await using (channel)
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
}
