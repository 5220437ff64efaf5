using System.Buffers.Binary;
using System.Security.Cryptography;

namespace PacketSec.Cli.Transfer;

/// <summary>Receives what one stream offers.</summary>
internal sealed class FileReceipt(ReceiveFolder folder, PacketSecConnection connection, PacketSecStream stream, TimeProvider time)
{
    private const int UnixNoSpace = 28;
    private const int WindowsDiskFull = 112;

    private bool _isAnswered;

    /// <summary>Gets what is offered, once it has come.</summary>
    public FileOffer? Offer { get; private set; }

    /// <summary>Gets how far it has come; null for what is refused.</summary>
    public TransferMeter? Meter { get; private set; }

    /// <summary>Gets the bytes that were here before.</summary>
    public long ResumedFrom { get; private set; }

    public byte[] Hash { get; private set; } = [];

    /// <summary>Gets why it is refused, or failed, for people; empty where it is not.</summary>
    public string Problem { get; private set; } = string.Empty;

    /// <summary>Reads the offer, and the file where it is taken.</summary>
    /// <returns><see cref="TransferCode.Good"/> where the file is stored; otherwise what the sender was told.</returns>
    /// <exception cref="TransferProtocolException">The sender does not keep to the protocol.</exception>
    /// <exception cref="PacketSecConnectionException">The connection ended, or the sender gave up. What has come is kept.</exception>
    public async Task<TransferCode> RunAsync(Action<FileReceipt> begun, CancellationToken cancellationToken)
    {
        using var patience = new Patience(time, cancellationToken);
        var offer = Offer = await patience.WaitAsync(token => new ValueTask<FileOffer>(FileOffer.ReadAsync(stream, token)));
        if (FileName.ProblemOf(offer.Name) is { } problem)
        {
            return await RefuseAsync(TransferCode.BadName, problem, patience);
        }

        if (!folder.TryEnter(offer.Name))
        {
            return await RefuseAsync(TransferCode.Busy, "it is being received, or too much is", patience);
        }

        try
        {
            return await ReceiveAsync(offer, begun, patience, cancellationToken);
        }
        catch (StorageException failure)
        {
            return await FailAsync(failure, patience);
        }
        finally
        {
            folder.Leave(offer.Name);
        }
    }

    private async Task<TransferCode> ReceiveAsync(FileOffer offer, Action<FileReceipt> begun, Patience patience, CancellationToken cancellationToken)
    {
        var isThere = Directory.Exists(folder.FileOf(offer.Name)) || (File.Exists(folder.FileOf(offer.Name)) && !folder.Overwrites);
        if (isThere && offer.IsRepeated && File.Exists(folder.FileOf(offer.Name)))
        {
            return await CompareAsync(offer, patience, cancellationToken);
        }

        if (isThere)
        {
            return await RefuseAsync(TransferCode.Exists, "there is one", patience);
        }

        var part = new FileInfo(folder.PartOf(offer.Name));
        var has = part.Exists && part.Length <= offer.Size ? part.Length : 0;
        if (offer.Size - has > Guard(folder.Free))
        {
            return await RefuseAsync(TransferCode.NoSpace, $"its {offer.Size} bytes have no room", patience);
        }

        bool isSame;
        using (var file = Guard(() => OpenPart(offer.Name, has)))
        {
            await Task.Run(() => Guard(() => file.Skip(has, cancellationToken)), cancellationToken);
            await WriteAsync(new FileAnswer(TransferCode.Good, file.Position, file.Hash()).ToBytes(), patience);
            _isAnswered = true;
            await TakeOffsetAsync(file, patience);
            ResumedFrom = file.Position;
            Meter = new(offer.Name, offer.Size);
            Meter.Begin(connection, file.Position);
            begun(this);
            await TakeBytesAsync(file, offer.Size - file.Position, patience);
            Hash = file.Hash();
            isSame = await IsEndAsync(patience);
            if (isSame)
            {
                await Task.Run(() => Guard(file.Flush), cancellationToken);
            }
        }

        return await StoreAsync(offer.Name, isSame, patience, cancellationToken);
    }

    private HashingFile OpenPart(string name, long has)
    {
        if (new FileInfo(folder.PartOf(name)).LinkTarget is not null)
        {
            throw new IOException($"'{folder.PartOf(name)}' is a link, and would be followed: delete it.");
        }

        var handle = File.OpenHandle(folder.PartOf(name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        if (RandomAccess.GetLength(handle) != has)
        {
            RandomAccess.SetLength(handle, has);
        }

        return new(handle);
    }

    private async Task TakeOffsetAsync(HashingFile file, Patience patience)
    {
        var from = BinaryPrimitives.ReadInt64BigEndian(await ExactAsync(sizeof(long), patience, toRead: file.Position));
        if (from != file.Position && from != 0)
        {
            throw new TransferProtocolException("The sender goes on at a place of the file that it was not told.");
        }

        if (from != file.Position)
        {
            // What is here begins another file of this name.
            Guard(file.Truncate);
        }
    }

    /// <summary>Writes and hashes a piece while the next one comes. What has come is written whatever ends it.</summary>
    private async Task TakeBytesAsync(HashingFile file, long left, Patience patience)
    {
        byte[][] buffers = [new byte[HashingFile.Piece], new byte[HashingFile.Piece]];
        var writing = Task.CompletedTask;
        var filled = 0;
        for (var turn = 0; left > 0; turn++)
        {
            var buffer = buffers[turn % 2];
            var wanted = (int)Math.Min(buffer.Length, left);
            try
            {
                for (filled = 0; filled < wanted;)
                {
                    var count = await patience.WaitAsync(token => stream.ReadAsync(buffer.AsMemory(filled, wanted - filled), token));
                    filled += count > 0 ? count : throw new TransferProtocolException("The sender ended the file before its size.");
                    Meter!.Add(count);
                }
            }
            finally
            {
                await writing;
                var length = filled;
                writing = Task.Run(() => Guard(() => file.Write(buffer.AsSpan(0, length))), CancellationToken.None);
                if (filled < wanted)
                {
                    await writing;
                }
            }

            left -= filled;
        }

        await writing;
    }

    private async Task<bool> IsEndAsync(Patience patience)
    {
        var hash = await ExactAsync(SHA256.HashSizeInBytes, patience);
        return await patience.WaitAsync(token => stream.ReadAsync(new byte[1], token)) == 0
            ? CryptographicOperations.FixedTimeEquals(hash, Hash)
            : throw new TransferProtocolException("The sender sends more than the file.");
    }

    private async Task<TransferCode> StoreAsync(string name, bool isSame, Patience patience, CancellationToken cancellationToken)
    {
        if (isSame)
        {
            Guard(() => File.Move(folder.PartOf(name), folder.FileOf(name), folder.Overwrites));
            await Task.Run(() => Guard(folder.Flush), cancellationToken);
        }
        else
        {
            Problem = "what came has another hash than what was sent; it is deleted";
            Guard(() => File.Delete(folder.PartOf(name)));
        }

        Meter!.End();
        var code = isSame ? TransferCode.Good : TransferCode.Compare;
        await EndAsync(new FileResult(code, Hash).ToBytes(), patience);
        return code;
    }

    private async Task<TransferCode> CompareAsync(FileOffer offer, Patience patience, CancellationToken cancellationToken)
    {
        using var file = Guard(() => new HashingFile(File.OpenHandle(folder.FileOf(offer.Name), options: FileOptions.SequentialScan)));
        await Task.Run(() => Guard(() => file.Skip(long.MaxValue, cancellationToken)), cancellationToken);
        Problem = "it is here already; its sender compares";
        await EndAsync(new FileAnswer(TransferCode.Compare, file.Position, file.Hash()).ToBytes(), patience);
        return TransferCode.Exists;
    }

    private async Task<TransferCode> RefuseAsync(TransferCode code, string problem, Patience patience)
    {
        Problem = problem;
        await EndAsync(FileAnswer.Refusal(code).ToBytes(), patience);
        return code;
    }

    private async Task<TransferCode> FailAsync(StorageException failure, Patience patience)
    {
        Problem = failure.Message;
        if (!_isAnswered)
        {
            await EndAsync(FileAnswer.Refusal(failure.Code).ToBytes(), patience);
            return failure.Code;
        }

        stream.StopSending(1);
        await EndAsync(FileResult.Failure(failure.Code).ToBytes(), patience);
        return failure.Code;
    }

    private async Task EndAsync(byte[] message, Patience patience)
    {
        await WriteAsync(message, patience);
        stream.CompleteWrites();
    }

    private Task<bool> WriteAsync(byte[] message, Patience patience) => patience.WaitAsync(async token =>
    {
        await stream.WriteAsync(message, token);
        return true;
    });

    private Task<byte[]> ExactAsync(int length, Patience patience, long toRead = 0)
        => patience.WaitAsync(token => new ValueTask<byte[]>(FileOffer.ExactAsync(stream, length, token)), toRead);

    private static void Guard(Action action) => Guard(() =>
    {
        action();
        return true;
    });

    private static T Guard<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(
                (error.HResult & 0xFFFF) is UnixNoSpace or WindowsDiskFull ? TransferCode.NoSpace : TransferCode.CannotWrite, error);
        }
    }

    /// <summary>This side's disk, and not the network, is what failed.</summary>
    private sealed class StorageException(TransferCode code, Exception inner) : Exception(inner.Message, inner)
    {
        public TransferCode Code { get; } = code;
    }
}
