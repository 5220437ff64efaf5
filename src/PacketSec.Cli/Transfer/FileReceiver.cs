namespace PacketSec.Cli.Transfer;

/// <summary>Receives files, one for each stream, and tells of them.</summary>
internal sealed class FileReceiver(ReceiveFolder folder, Reporter reporter, TimeProvider time)
{
    /// <summary>Gets what became of all that was offered.</summary>
    public TransferTally Tally { get; } = new();

    /// <summary>Receives what one stream offers.</summary>
    /// <param name="connection">The stream's connection.</param>
    /// <param name="stream">The stream, at its beginning.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Whether a file was stored.</returns>
    /// <exception cref="TransferProtocolException">The sender does not keep to the protocol.</exception>
    public async Task<bool> ReceiveAsync(PacketSecConnection connection, PacketSecStream stream, CancellationToken cancellationToken)
    {
        var receipt = new FileReceipt(folder, connection, stream, time);
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
            Tally.Count(code);
            return code == TransferCode.Good;
        }
        catch (PacketSecConnectionException error)
        {
            over.SetResult();
            await showing;
            PrintInterrupted(receipt, error);
            Tally.CountInterrupted();
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
