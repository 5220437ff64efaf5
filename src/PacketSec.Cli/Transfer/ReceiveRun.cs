using PacketSec.Cli.Net;
using PacketSec.Cli.Tracing;

namespace PacketSec.Cli.Transfer;

/// <summary>Receives the files that peers send.</summary>
internal sealed class ReceiveRun(PacketSecEndpoint endpoint, ReceiveFolder folder, Reporter reporter, TimeProvider time, QlogFile? trace) : IDisposable
{
    private const int ProtocolError = 1;

    // The sender closes when it has the result; one that does not is left.
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _done = new();
    private readonly FileReceiver _receiver = new(folder, reporter, time);

    /// <summary>Receives until the token ends it.</summary>
    /// <param name="once">Whether one file is enough.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="CliException">The endpoint failed.</exception>
    public async Task<int> RunAsync(bool once, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _done.Token);
        var server = new ChannelServer(endpoint, reporter);
        await server.RunAsync((channel, token) => ServeAsync(channel, once, token), stop.Token);
        _receiver.Tally.Print(reporter);
        return once && !_receiver.Tally.HasStored ? ExitCodes.Interrupted : server.ExitCode;
    }

    public void Dispose() => _done.Dispose();

    private async Task ServeAsync(PacketSecChannel channel, bool once, CancellationToken cancellationToken)
    {
        reporter.Status(Tone.Good, "accepted", $"{channel.RemotePeerId} from {channel.RemoteAddress}", line =>
        {
            line.WriteString("peer", channel.RemotePeerId.ToString());
            line.WriteString("remote", channel.RemoteAddress.ToString());
        });

        // A sender that has started anew begins another connection on the channel.
        while (await ServeConnectionAsync(channel, once, cancellationToken))
        {
        }
    }

    /// <returns>Whether the channel has a further connection.</returns>
    private async Task<bool> ServeConnectionAsync(PacketSecChannel channel, bool once, CancellationToken cancellationToken)
    {
        // A stream at a time: what a peer offers meanwhile waits with it.
        await using var connection = PacketSecConnection.Open(channel, new() { MaxStreams = 1, MaxUnidirectionalStreams = 0, Trace = trace?.ForConnection() });
        try
        {
            await foreach (var stream in connection.AcceptAllStreamsAsync(cancellationToken))
            {
                await using (stream)
                {
                    if (await _receiver.ReceiveAsync(connection, stream, cancellationToken) && once)
                    {
                        await SayFarewellAsync(connection);
                        await _done.CancelAsync();
                        return false;
                    }
                }
            }
        }
        catch (TransferProtocolException error)
        {
            reporter.Problem($"{connection.RemotePeerId}: {error.Message}");
            await connection.CloseAsync(ProtocolError, error.Message);
            return false;
        }

        return (await connection.Closed).Error == PacketSecConnectionError.PeerRestarted;
    }

    private static async Task SayFarewellAsync(PacketSecConnection connection)
    {
        using var patience = new CancellationTokenSource(Farewell);
        try
        {
            await connection.ShutdownAsync(patience.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or PacketSecConnectionException)
        {
            // The file is stored; whether the sender heard so is its own matter now.
        }
    }
}
