using System.Text;
using System.Text.Unicode;

namespace PacketSec.Protocol.Wire;

/// <summary>The kinds of PSEC frames by their type byte.</summary>
internal enum PsecFrameType : byte
{
    Proposal = 0,
    Accept = 1,
    Reject = 255,
}

/// <summary>What the frames of PSEC share, and the strings with a meaning of their own.</summary>
internal static class PsecFrame
{
    /// <summary>The longest proposal. Past it: <see cref="DropReason.TooLong"/>.</summary>
    public const int MaxProposal = ImplementationLimits.HandshakeMessageSize;

    /// <summary>Begins every string that is no scheme.</summary>
    public const string ReservedPrefix = "psec-";

    /// <summary>Begins the string that makes the proposals of different attempts different.</summary>
    public const string AttemptPrefix = "psec-attempt-1:";

    /// <summary>Says that the proposer takes a retry.</summary>
    public const string Retry = "psec-retry-1";

    /// <summary>Begins the string that carries a cookie.</summary>
    public const string RetryPrefix = "psec-retry-1:";

    /// <summary>The bytes of a reject.</summary>
    public static ReadOnlySpan<byte> Reject => [(byte)PsecFrameType.Reject];

    /// <summary>
    /// Whether the bytes begin as a proposal and as no packet of a scheme without a session: <c>00 00</c> begins first messages, and no peer ID has
    /// one byte.
    /// </summary>
    public static bool LooksLikeProposal(ReadOnlySpan<byte> datagram)
        => datagram.Length >= 2 && datagram[0] == (byte)PsecFrameType.Proposal && datagram[1] >= 2;

    /// <summary>Whether the bytes are, from the first to the last, a frame. Takes time in proportion to them and nothing from the heap.</summary>
    public static bool IsFrame(ReadOnlySpan<byte> datagram)
        => !datagram.IsEmpty && datagram[0] switch
        {
            (byte)PsecFrameType.Proposal => LooksLikeProposal(datagram) && WireMessage.TryRead<ProposalFrame>(datagram, out _),
            (byte)PsecFrameType.Accept => WireMessage.TryRead<AcceptFrame>(datagram, out _),
            (byte)PsecFrameType.Reject => datagram.Length == 1,
            _ => false,
        };

    /// <summary>Whether a string is a scheme's name.</summary>
    public static bool IsScheme(ReadOnlySpan<byte> text) => !text.StartsWith("psec-"u8);

    /// <summary>Whether a string belongs to retries, which are no part of the normal form.</summary>
    public static bool IsRetry(ReadOnlySpan<byte> text) => text.StartsWith("psec-retry-1"u8) && (text.Length == 12 || text[12] == (byte)':');

    /// <summary>Whether bytes are a string as frames have them.</summary>
    public static bool IsString(ReadOnlySpan<byte> text) => !text.IsEmpty && Utf8.IsValid(text);

    /// <summary>The bytes of a string.</summary>
    public static byte[] ToBytes(string text) => Encoding.UTF8.GetBytes(text);
}

/// <summary>Accepts a scheme, or asks for a proposal with a cookie.</summary>
internal readonly ref struct AcceptFrame : IWireMessage<AcceptFrame>
{
    /// <summary>Creates the frame.</summary>
    /// <param name="scheme">The string, UTF-8.</param>
    public AcceptFrame(ReadOnlySpan<byte> scheme) => Scheme = scheme;

    /// <summary>Gets the string, UTF-8.</summary>
    public ReadOnlySpan<byte> Scheme { get; }

    /// <inheritdoc/>
    public int EncodedLength => 1 + Varint.Length((ulong)Scheme.Length) + Scheme.Length;

    /// <inheritdoc/>
    //= spec/psec.md#frame-strict
    public static bool TryRead(scoped ref WireReader reader, out AcceptFrame message)
    {
        var valid = reader.TryReadByte(out var type) & reader.TryReadDelimited(out var scheme);
        message = new(scheme);
        return valid && type == (byte)PsecFrameType.Accept && reader.IsAtEnd && PsecFrame.IsString(scheme);
    }

    /// <inheritdoc/>
    public void WriteTo(ref WireWriter writer)
    {
        writer.WriteByte((byte)PsecFrameType.Accept);
        writer.WriteDelimited(Scheme);
    }
}
