using System.Text;

namespace PacketSec.Interop.Faults;

/// <summary>What a datagram is to PSEC.</summary>
internal enum PsecFrame
{
    /// <summary>No frame: a packet of the scheme, or garbage.</summary>
    None,

    Proposal,

    /// <summary>A proposal with the first packet of its first scheme inside.</summary>
    ProposalWithFirstPacket,

    Accept,

    /// <summary>An accept whose string is a cookie.</summary>
    Retry,

    Reject,
}

/// <summary>
/// Reads frames as far as a path has to tell them from packets. Where it is less strict than the specification, the datagram is one that no peer sends.
/// </summary>
internal static class PsecFrames
{
    private const byte ProposalType = 0;
    private const byte AcceptType = 1;
    private const byte RejectType = 0xFF;
    private const int HashSize = 32;
    private const int LongestInlineId = 42;
    private const int IdentityCode = 0x00;
    private const int HashCode = 0x12;
    private const int HeaderSize = 4;

    private static ReadOnlySpan<byte> RetryPrefix => "psec-retry-1:"u8;

    public static PsecFrame Read(ReadOnlySpan<byte> datagram) => datagram switch
    {
        [RejectType] => PsecFrame.Reject,
        [AcceptType, .. var rest] when TryTake(ref rest, out var text) && rest.IsEmpty && IsText(text)
            => text.StartsWith(RetryPrefix) && text.Length > RetryPrefix.Length ? PsecFrame.Retry : PsecFrame.Accept,
        [ProposalType, .. var rest] => ReadProposal(rest),
        _ => PsecFrame.None,
    };

    /// <summary>Tells whether a datagram is the first packet of <c>p2pke-1</c> by itself: counter 0 of an initiator.</summary>
    public static bool IsFirstPacket(ReadOnlySpan<byte> datagram) => datagram.Length > HeaderSize && datagram.StartsWith(stackalloc byte[HeaderSize]);

    private static PsecFrame ReadProposal(ReadOnlySpan<byte> rest)
    {
        if (!TryTake(ref rest, out var id) || !IsPeerId(id) || rest is not [> 0 and var count, .. var strings])
        {
            return PsecFrame.None;
        }

        for (; count > 0; count--)
        {
            if (!TryTake(ref strings, out var text) || !IsText(text))
            {
                return PsecFrame.None;
            }
        }

        return strings.IsEmpty ? PsecFrame.Proposal
            : TryTake(ref strings, out var packet) && strings.IsEmpty && !packet.IsEmpty ? PsecFrame.ProposalWithFirstPacket
            : PsecFrame.None;
    }

    private static bool IsPeerId(ReadOnlySpan<byte> id)
        => id.Length > 2 && id[1] == id.Length - 2 && (id[0] == HashCode ? id[1] == HashSize : id[0] == IdentityCode && id[1] <= LongestInlineId);

    private static bool IsText(ReadOnlySpan<byte> text) => !text.IsEmpty && Encoding.UTF8.GetCharCount(text) > 0;

    /// <summary>Takes a field with its length before it. Two bytes of length reach past the longest proposal.</summary>
    private static bool TryTake(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> field)
    {
        const int More = 0x80;
        var (length, size) = rest switch
        {
            [< More and var only, ..] => (only, 1),
            [>= More and var low, < More and var high, ..] => ((low & ~More) | (high << 7), 2),
            _ => (int.MaxValue, 0),
        };
        var fits = length <= rest.Length - size;
        field = fits ? rest.Slice(size, length) : default;
        rest = fits ? rest[(size + length)..] : rest;
        return fits;
    }
}
