namespace PacketSec.Cli.Net;

/// <summary>Serves all channels that come, each by itself: what goes wrong with one is told, and ends no other.</summary>
internal sealed class ChannelServer(PacketSecEndpoint endpoint, Reporter reporter)
{
    private int _faults;

    /// <summary>Gets what the command ends with: channels that a fault of this program ended make it a failure.</summary>
    public int ExitCode => Volatile.Read(ref _faults) == 0 ? ExitCodes.Success : ExitCodes.Failed;

    /// <summary>Runs until the token ends it.</summary>
    /// <param name="serve">Serves one channel, which is disposed of afterwards; to be ended by the token, too.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="CliException">The endpoint failed.</exception>
    public async Task RunAsync(Func<PacketSecChannel, CancellationToken, Task> serve, CancellationToken cancellationToken)
    {
        var serving = new HashSet<Task>();
        try
        {
            await foreach (var channel in endpoint.AcceptAllAsync(cancellationToken))
            {
                serving.RemoveWhere(static task => task.IsCompleted);
                serving.Add(ServeAsync(channel, serve, cancellationToken));
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
    }

    private async Task ServeAsync(PacketSecChannel channel, Func<PacketSecChannel, CancellationToken, Task> serve, CancellationToken cancellationToken)
    {
        try
        {
            await using (channel)
            {
                await serve(channel, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The command ends.
        }
        catch (Exception error)
        {
            Interlocked.Increment(ref _faults);
            reporter.Problem($"a fault of psec itself has ended the channel of {channel.RemotePeerId}, and no other; please report it: {error}");
        }
    }
}
