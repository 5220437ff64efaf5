using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace PacketSec.Cli.Transfer;

/// <summary>What a receiver says to an offer or at the end. The numbers are on the wire.</summary>
internal enum TransferCode : byte
{
    /// <summary>As an answer: go on. As a result: the file is stored.</summary>
    Good = 0,

    /// <summary>As an answer: the file is here. As a result: the hashes differ.</summary>
    Compare = 1,

    BadName = 16,
    Exists = 17,
    NoSpace = 18,
    Busy = 19,
    CannotWrite = 20,
}

/// <summary>The other side does not keep to the protocol of transfers.</summary>
internal sealed class TransferProtocolException(string message) : Exception(message);

/// <summary>The first message of a transfer.</summary>
/// <param name="Name">The file's name, as it came: not checked but for its length and encoding.</param>
/// <param name="Size">The file's size in bytes.</param>
/// <param name="IsRepeated">Whether all of it was sent before, and the result did not come.</param>
internal sealed record FileOffer(string Name, long Size, bool IsRepeated)
{
    private const byte Version = 1;
    private const byte RepeatedFlag = 0x01;
    private const int FixedLength = 19;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private static ReadOnlySpan<byte> Magic => "psecfile"u8;

    /// <summary>Reads an offer; null where the stream ends before it begins.</summary>
    /// <exception cref="TransferProtocolException">It is none.</exception>
    public static async Task<FileOffer> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var head = await ExactAsync(stream, FixedLength, cancellationToken);
        if (!head.AsSpan(0, Magic.Length).SequenceEqual(Magic) || head[8] != Version)
        {
            throw new TransferProtocolException("The peer offers no file, or by another version of the protocol: both sides need the same psec.");
        }

        var size = BinaryPrimitives.ReadInt64BigEndian(head.AsSpan(10));
        int nameLength = head[18];
        if ((head[9] & ~RepeatedFlag) != 0 || size < 0 || nameLength is 0 or > FileName.MaxLength)
        {
            throw new TransferProtocolException("The peer's offer of a file is badly formed.");
        }

        try
        {
            return new(StrictUtf8.GetString(await ExactAsync(stream, nameLength, cancellationToken)), size, (head[9] & RepeatedFlag) != 0);
        }
        catch (DecoderFallbackException)
        {
            throw new TransferProtocolException("The name in the peer's offer is no UTF-8.");
        }
    }

    public byte[] ToBytes()
    {
        var name = StrictUtf8.GetBytes(Name);
        var bytes = new byte[FixedLength + name.Length];
        Magic.CopyTo(bytes);
        bytes[8] = Version;
        bytes[9] = IsRepeated ? RepeatedFlag : (byte)0;
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(10), Size);
        bytes[18] = checked((byte)name.Length);
        name.CopyTo(bytes, FixedLength);
        return bytes;
    }

    /// <exception cref="TransferProtocolException">The stream ends before.</exception>
    internal static async Task<byte[]> ExactAsync(Stream stream, int length, CancellationToken cancellationToken)
    {
        var bytes = new byte[length];
        return await stream.ReadAtLeastAsync(bytes, length, throwOnEndOfStream: false, cancellationToken) == length
            ? bytes
            : throw new TransferProtocolException("The peer ended a message of the file transfer in its middle.");
    }
}

/// <summary>What the receiver answers.</summary>
/// <param name="Code">Go on, compare, or a refusal.</param>
/// <param name="Offset">The bytes that it has.</param>
/// <param name="Hash">Their hash.</param>
internal sealed record FileAnswer(TransferCode Code, long Offset, byte[] Hash)
{
    private const int Length = 1 + sizeof(long) + SHA256.HashSizeInBytes;

    public static FileAnswer Refusal(TransferCode code) => new(code, 0, new byte[SHA256.HashSizeInBytes]);

    /// <exception cref="TransferProtocolException">It is badly formed, or has no place behind this offer.</exception>
    public static async Task<FileAnswer> ReadAsync(Stream stream, FileOffer offer, CancellationToken cancellationToken)
    {
        var bytes = await FileOffer.ExactAsync(stream, Length, cancellationToken);
        var answer = new FileAnswer((TransferCode)bytes[0], BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(1)), bytes[(1 + sizeof(long))..]);
        var isSound = answer.Code switch
        {
            TransferCode.Good => answer.Offset >= 0 && answer.Offset <= offer.Size,
            TransferCode.Compare => offer.IsRepeated && answer.Offset >= 0,
            _ => Enum.IsDefined(answer.Code) && answer.Offset == 0 && !answer.Hash.AsSpan().ContainsAnyExcept((byte)0),
        };
        return isSound ? answer : throw new TransferProtocolException("The peer's answer to the offer of a file is badly formed.");
    }

    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        bytes[0] = (byte)Code;
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(1), Offset);
        Hash.CopyTo(bytes, 1 + sizeof(long));
        return bytes;
    }
}

/// <summary>What became of the transfer.</summary>
/// <param name="Code">Stored, different, or a failure.</param>
/// <param name="Hash">The hash that the receiver counted; zeros where it failed.</param>
internal sealed record FileResult(TransferCode Code, byte[] Hash)
{
    private const int Length = 1 + SHA256.HashSizeInBytes;

    public static FileResult Failure(TransferCode code) => new(code, new byte[SHA256.HashSizeInBytes]);

    /// <exception cref="TransferProtocolException">It is badly formed.</exception>
    public static async Task<FileResult> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var bytes = await FileOffer.ExactAsync(stream, Length, cancellationToken);
        var code = (TransferCode)bytes[0];
        return code is TransferCode.Good or TransferCode.Compare or TransferCode.NoSpace or TransferCode.CannotWrite
            ? new(code, bytes[1..])
            : throw new TransferProtocolException("The peer's result of the file transfer is badly formed.");
    }

    public byte[] ToBytes() => [(byte)Code, .. Hash];
}
