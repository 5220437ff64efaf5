using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace PacketSec.Cli.Transfer;

/// <summary>Sends one file, by as many tries as it takes; each goes on where the one before ended.</summary>
internal sealed class FileSender
{
    private readonly string _path;
    private bool _sentAll;

    private FileSender(string path, long size)
    {
        _path = path;
        Meter = new(Path.GetFileName(path), size);
    }

    public TransferMeter Meter { get; }

    /// <summary>Gets the bytes that the receiver had when the newest try began.</summary>
    public long ResumedFrom { get; private set; }

    /// <summary>Gets the file's hash, once it is sent.</summary>
    public byte[]? Hash { get; private set; }

    /// <exception cref="CliException">There is no such file, it cannot be read, or has a name that receivers do not take.</exception>
    public static FileSender Open(string path)
    {
        var name = Path.GetFileName(path);
        if (FileName.ProblemOf(name) is { } problem)
        {
            throw new CliException(ExitCodes.Usage, $"'{name}' is no name that a receiver takes: {problem}. Rename the file.");
        }

        using var file = OpenFile(path);
        return new(path, RandomAccess.GetLength(file));
    }

    /// <summary>Tries once.</summary>
    /// <param name="connection">Open, and of nobody else.</param>
    /// <param name="cancellationToken">Ends the try.</param>
    /// <exception cref="TransferException">The receiver refuses, or what it stored is not the file.</exception>
    /// <exception cref="TransferProtocolException">The receiver speaks something else.</exception>
    /// <exception cref="PacketSecConnectionException">The connection ended.</exception>
    /// <exception cref="CliException">The file cannot be read any more.</exception>
    public async Task RunAsync(PacketSecConnection connection, CancellationToken cancellationToken)
    {
        await using var stream = await connection.OpenStreamAsync(cancellationToken);
        await RunAsync(connection, stream, cancellationToken);
    }

    /// <summary>Tries once, on a stream that is open already; otherwise as the other one.</summary>
    public async Task RunAsync(PacketSecConnection connection, PacketSecStream stream, CancellationToken cancellationToken)
    {
        using var file = new HashingFile(OpenFile(_path));
        var offer = new FileOffer(Meter.Name, Meter.Size, _sentAll);
        await stream.WriteAsync(offer.ToBytes(), cancellationToken);
        var answer = await FileAnswer.ReadAsync(stream, offer, cancellationToken);
        if (answer.Code == TransferCode.Compare)
        {
            await CompareAsync(file, answer, cancellationToken);
        }
        else if (answer.Code == TransferCode.Good)
        {
            await SendRestAsync(connection, stream, file, answer, cancellationToken);
        }
        else
        {
            throw Failure(answer.Code);
        }

        Meter.End();
    }

    private static SafeFileHandle OpenFile(string path)
    {
        try
        {
            return File.OpenHandle(path, options: FileOptions.SequentialScan);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCodes.File, $"'{path}' cannot be read: {error.Message}", error);
        }
    }

    private async Task CompareAsync(HashingFile file, FileAnswer answer, CancellationToken cancellationToken)
    {
        if (answer.Offset != Meter.Size || !await HasAsync(file, answer, cancellationToken))
        {
            throw Failure(TransferCode.Exists);
        }

        Hash = answer.Hash;
    }

    /// <summary>Whether the receiver has what the file begins with. The file stands behind it then.</summary>
    private async Task<bool> HasAsync(HashingFile file, FileAnswer answer, CancellationToken cancellationToken)
        => await Task.Run(() => Guard(() => file.Skip(answer.Offset, cancellationToken)), cancellationToken)
            && CryptographicOperations.FixedTimeEquals(file.Hash(), answer.Hash);

    private async Task SendRestAsync(
        PacketSecConnection connection, PacketSecStream stream, HashingFile file, FileAnswer answer, CancellationToken cancellationToken)
    {
        if (!await HasAsync(file, answer, cancellationToken))
        {
            file.Restart();
        }

        ResumedFrom = file.Position;
        Meter.Begin(connection, file.Position);
        var result = FileResult.ReadAsync(stream, cancellationToken);
        try
        {
            await stream.WriteAsync(OffsetBytes(file.Position), cancellationToken);
            await SendBytesAsync(stream, file, cancellationToken);
            Hash = file.Hash();
            await stream.WriteAsync(Hash, cancellationToken);
            stream.CompleteWrites();
            _sentAll = true;
        }
        catch (PacketSecConnectionException error) when (error.Error == PacketSecConnectionError.StreamStopped)
        {
            // The receiver wants no more; its result says why.
        }
        catch (Exception)
        {
            // The stream is given up, and with it the wait for a result.
            stream.Reset(1);
            _ = result.ContinueWith(static late => late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            throw;
        }

        var (code, hash) = await result;
        if (code != TransferCode.Good)
        {
            throw Failure(code);
        }

        if (Hash is null || !hash.AsSpan().SequenceEqual(Hash))
        {
            throw new TransferProtocolException("The peer says that it stored the file, but names another hash.");
        }
    }

    /// <summary>Reads and hashes a piece while the one before goes out.</summary>
    private async Task SendBytesAsync(PacketSecStream stream, HashingFile file, CancellationToken cancellationToken)
    {
        byte[][] buffers = [new byte[HashingFile.Piece], new byte[HashingFile.Piece]];
        var left = Meter.Size - file.Position;
        var reading = ReadAsync(file, buffers[0], left);
        try
        {
            for (var turn = 1; left > 0; turn++)
            {
                var count = await reading;
                if (count == 0)
                {
                    throw new CliException(ExitCodes.File, $"'{_path}' has become shorter while it was sent: send it again when nobody writes it.");
                }

                left -= count;
                reading = ReadAsync(file, buffers[turn % 2], left);
                await stream.WriteAsync(buffers[(turn - 1) % 2].AsMemory(0, count), cancellationToken);
                Meter.Add(count);
            }
        }
        finally
        {
            // The file is closed after this.
            await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private Task<int> ReadAsync(HashingFile file, byte[] buffer, long left) => left == 0
        ? Task.FromResult(0)
        : Task.Run(() => Guard(() => file.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, left)))));

    private T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (IOException error)
        {
            throw new CliException(ExitCodes.File, $"'{_path}' cannot be read: {error.Message}", error);
        }
    }

    private static byte[] OffsetBytes(long offset)
    {
        var bytes = new byte[sizeof(long)];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(bytes, offset);
        return bytes;
    }

    private TransferException Failure(TransferCode code) => code switch
    {
        TransferCode.Compare => new(ExitCodes.Failed, $"What arrived of '{Meter.Name}' is not what was sent, and was deleted: the file changed, or a disk fails."),
        TransferCode.BadName => new(ExitCodes.Refused, $"The receiver does not take the name '{Meter.Name}': rename the file."),
        TransferCode.Exists => new(ExitCodes.Refused, $"The receiver has a file '{Meter.Name}' already: rename this one, or start psec receive with --overwrite."),
        TransferCode.NoSpace => new(ExitCodes.Refused, $"The receiver has no room for the {Meter.Size} bytes of '{Meter.Name}': free some there."),
        TransferCode.Busy => new(ExitCodes.Refused, $"The receiver is busy, or takes a file '{Meter.Name}' from another sender: try again later.", mayPass: true),
        TransferCode.CannotWrite => new(ExitCodes.Refused, "The receiver cannot write the file: its own output tells why."),
        _ => throw new ArgumentOutOfRangeException(nameof(code), code, "It is no failure."),
    };
}
