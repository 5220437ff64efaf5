using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;

namespace PacketSec.Cli.Inspect;

/// <summary>Says in words where bytes stop being a frame of PSEC. The core only says that they are none: a receiver needs no more.</summary>
internal static class FrameProblem
{
    /// <summary>Returns what keeps bytes from being a proposal, or null for one.</summary>
    //= spec/psec.md#frame-strict
    public static string? OfProposal(ReadOnlySpan<byte> frame)
    {
        var reader = new WireReader(frame);
        if (!reader.TryReadByte(out var type) || type != (byte)PsecFrameType.Proposal)
        {
            return "the type byte is not 00";
        }

        if (OfDelimited(ref reader, "the peer ID", out var peerId) is { } peerProblem)
        {
            return peerProblem;
        }

        if (!PeerId.TryRead(peerId, out _))
        {
            return $"the peer ID, {Finding.Bytes(peerId.Length)}, is neither an identity multihash of 1 to 42 bytes nor a SHA-256 one";
        }

        if (!reader.TryReadByte(out var count))
        {
            return "the frame ends before the number of strings";
        }

        if (count == 0)
        {
            return "the number of strings is 0";
        }

        for (var i = 1; i <= count; i++)
        {
            if (OfString(ref reader, $"string {i} of {count}") is { } stringProblem)
            {
                return stringProblem;
            }
        }

        if (reader.IsAtEnd)
        {
            return null;
        }

        return OfDelimited(ref reader, "the first packet", out var firstPacket)
            ?? (firstPacket.IsEmpty ? "the first packet is empty" : OfEnd(reader));
    }

    /// <summary>Returns what keeps bytes from being an accept, or null for one.</summary>
    //= spec/psec.md#frame-strict
    public static string? OfAccept(ReadOnlySpan<byte> frame)
    {
        var reader = new WireReader(frame);
        return !reader.TryReadByte(out var type) || type != (byte)PsecFrameType.Accept
            ? "the type byte is not 01"
            : OfString(ref reader, "the scheme") ?? OfEnd(reader);
    }

    private static string? OfString(scoped ref WireReader reader, string what)
        => OfDelimited(ref reader, what, out var text) is { } problem ? problem
            : text.IsEmpty ? $"{what} is empty"
            : PsecFrame.IsString(text) ? null
            : $"{what} is not UTF-8";

    private static string? OfDelimited(scoped ref WireReader reader, string what, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (reader.IsAtEnd)
        {
            return $"the frame ends before {what}";
        }

        var rest = reader;
        if (!rest.TryReadVarint(out var length))
        {
            return rest.TryReadLenientVarint(out _)
                ? $"the length of {what} is not a minimal varint of at most 9 bytes"
                : $"the length of {what} is cut, or longer than 9 bytes";
        }

        return reader.TryReadDelimited(out bytes) ? null : $"{what} claims {length} bytes where {rest.Remaining} are left";
    }

    private static string? OfEnd(in WireReader reader)
        => reader.IsAtEnd ? null : $"after the end comes more: {Finding.Bytes(reader.Remaining)}";
}
