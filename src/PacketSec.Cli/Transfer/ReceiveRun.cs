using PacketSec.Cli.Net;
using PacketSec.Cli.Tracing;

namespace PacketSec.Cli.Transfer;

/// <summary>Receives the files that peers send.</summary>
internal sealed class ReceiveRun(PacketSecEndpoint endpoint, ReceiveFolder folder, Reporter reporter, QlogFile? trace) : IDisposable
{
    private const int ProtocolError = 1;

    // The sender closes when it has the result; one that does not is left.
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _done = new();
    private readonly TransferTally _tally = new();

    /// <summary>Receives until the token ends it.</summary>
    /// <param name="once">Whether one file is enough.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="CliException">The endpoint failed.</exception>
    public async Task<int> RunAsync(bool once, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _done.Token);
        var serving = new HashSet<Task>();
        try
        {
            await foreach (var channel in endpoint.AcceptAllAsync(stop.Token))
            {
                serving.Add(ServeAsync(channel, once, stop.Token));
                foreach (var task in serving.Where(task => task.IsCompleted).ToList())
                {
                    serving.Remove(task);
                    await task;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C, SIGTERM, and the one file are how a receiver ends.
        }
        catch (PacketSecException error)
        {
            throw Failures.From(error);
        }

        await Task.WhenAll(serving);
        _tally.Print(reporter);
        return once && !_tally.HasStored ? ExitCodes.Interrupted : ExitCodes.Success;
    }

    public void Dispose() => _done.Dispose();

    private async Task ServeAsync(PacketSecChannel channel, bool once, CancellationToken cancellationToken)
    {
        await using (channel)
        {
            reporter.Status(Tone.Good, "accepted", $"{channel.RemotePeerId} from {channel.RemoteAddress}", line =>
            {
                line.WriteString("peer", channel.RemotePeerId.ToString());
                line.WriteString("remote", channel.RemoteAddress.ToString());
            });
            try
            {
                // A sender that has started anew begins another connection on the channel.
                while (await ServeConnectionAsync(channel, once, cancellationToken))
                {
                }
            }
            catch (OperationCanceledException)
            {
                // The receiver ends.
            }
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
                    if (await ReceiveAsync(connection, stream, cancellationToken) && once)
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

    /// <returns>Whether a file was stored.</returns>
    private async Task<bool> ReceiveAsync(PacketSecConnection connection, PacketSecStream stream, CancellationToken cancellationToken)
    {
        var receipt = new FileReceipt(folder, connection, stream);
        var showing = Task.CompletedTask;
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            var code = await receipt.RunAsync(
                begun =>
                {
                    PrintReceiving(connection, begun);
                    showing = TransferProgress.FollowAsync(reporter, null, begun.Meter!, over.Task);
                },
                cancellationToken);
            over.SetResult();
            await showing;
            Print(connection, receipt, code);
            _tally.Count(code);
            return code == TransferCode.Good;
        }
        catch (PacketSecConnectionException error)
        {
            over.SetResult();
            await showing;
            PrintInterrupted(receipt, error);
            _tally.CountInterrupted();
            return false;
        }
        finally
        {
            over.TrySetResult();
            await showing;
        }
    }

    private void PrintReceiving(PacketSecConnection connection, FileReceipt receipt)
    {
        var from = receipt.ResumedFrom == 0 ? string.Empty : $" from byte {receipt.ResumedFrom} on";
        var text = $"receiving {receipt.Offer!.Name} ({TransferProgress.Size(receipt.Offer.Size)}){from} of {connection.RemotePeerId}";
        reporter.Status(Tone.Note, "receiving", text, line =>
        {
            line.WriteString("name", receipt.Offer.Name);
            line.WriteNumber("size", receipt.Offer.Size);
            line.WriteNumber("resumed_from", receipt.ResumedFrom);
            line.WriteString("peer", connection.RemotePeerId.ToString());
        });
    }

    private void Print(PacketSecConnection connection, FileReceipt receipt, TransferCode code)
    {
        var name = FileName.Printable(receipt.Offer!.Name);
        if (code != TransferCode.Good)
        {
            reporter.Line(Tone.Bad, "refused", $"not stored: '{name}' of {connection.RemotePeerId}: {receipt.Problem}", line =>
            {
                line.WriteString("name", name);
                line.WriteString("peer", connection.RemotePeerId.ToString());
                line.WriteString("code", code.ToString());
                line.WriteString("reason", receipt.Problem);
            });
            return;
        }

        var meter = receipt.Meter!;
        var hash = Convert.ToHexStringLower(receipt.Hash);
        var text = $"received {name}: {meter.Size} bytes, {receipt.ResumedFrom} of them before, {TransferProgress.Rate(meter.Rate)}, SHA-256 {hash}";
        reporter.Line(Tone.Good, "received", text, line =>
        {
            line.WriteString("name", name);
            line.WriteString("file", folder.FileOf(receipt.Offer.Name));
            line.WriteString("peer", connection.RemotePeerId.ToString());
            line.WriteNumber("bytes", meter.Size);
            line.WriteNumber("resumed_from", receipt.ResumedFrom);
            line.WriteNumber("seconds", Math.Round(meter.Elapsed.TotalSeconds, 3));
            line.WriteNumber("bytes_per_second", Math.Round(meter.Rate));
            line.WriteString("sha256", hash);
        });
    }

    private void PrintInterrupted(FileReceipt receipt, PacketSecConnectionException error)
    {
        if (receipt.Meter is { } meter)
        {
            reporter.Line(Tone.Note, "interrupted", $"interrupted: {meter.Name}{FileName.PartSuffix} keeps {meter.Position} bytes: {error.Message}", line =>
            {
                line.WriteString("name", meter.Name);
                line.WriteNumber("bytes", meter.Position);
                line.WriteString("reason", error.Message);
            });
        }
    }
}
