using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Wire;

namespace PacketSec.Cli.Inspect;

/// <summary>What packets of <c>mychips-1</c> show to somebody without keys: the letter, ephemeral keys, and how long the sealed parts are.</summary>
internal static class MyChipsFindings
{
    private const int EphemeralSize = X25519PrivateKey.Size;
    private const int LetterSize = Letters.HeaderSize - SpecLimits.HeaderSize;
    private static readonly MyChipsScheme Scheme = new();

    /// <summary>Describes a packet that begins with a letter of the scheme.</summary>
    //= spec/mychips.md#packet-layout
    public static Finding Of(ReadOnlySpan<byte> packet)
    {
        var step = Scheme.StepOf(packet);
        if (step == HandshakeStep.None)
        {
            return OfTransport(packet);
        }

        var (kind, title) = NamesOf(packet[0]);
        var drop = Scheme.CheckLength(step, packet.Length);
        if (drop != DropReason.None)
        {
            return Finding.Malformed(kind, title, drop, $"it has {Finding.Bytes(packet.Length)}, {(drop == DropReason.TooShort ? "too few" : "too many")}");
        }

        return packet[0] switch
        {
            Letters.Ticket => OfTicket(kind, title, packet),
            Letters.Site => OfSite(kind, title, packet),
            Letters.Known or Letters.Answer => OfEphemeral(kind, title, packet),
            _ => OfFinish(kind, title, packet),
        };
    }

    /// <summary>Tells the header of a transport packet, with its letter.</summary>
    public static void AddHeader(Finding finding, PacketHeader header)
    {
        AddLetter(finding, Letters.Transport);
        DatagramDecoder.AddHeader(finding, header);
    }

    private static (string Kind, string Title) NamesOf(byte letter) => letter switch
    {
        Letters.Ticket => ("mychips_ticket", "first message with a ticket"),
        Letters.Site => ("mychips_site", "first message of a named site"),
        Letters.Known => ("mychips_known", "first message within a channel"),
        Letters.Answer => ("mychips_answer", "answer"),
        _ => ("mychips_finish", "first transport packet"),
    };

    private static Finding OfTicket(string kind, string title, ReadOnlySpan<byte> packet)
    {
        var strings = packet.Length - LetterSize - MyChipsScheme.TicketOverhead - ClaimPayload.MinSize;
        if (strings < 0)
        {
            return Finding.Malformed(kind, title, DropReason.Malformed, $"it has {packet.Length} bytes, too few for a claim");
        }

        var finding = Begin(kind, title, packet[0], packet.Slice(LetterSize, EphemeralSize));

        // The claim's other fields have one length; how these bytes are shared by address, purpose and certificate, nobody can see.
        finding.Add("claim_size", ClaimPayload.MinSize + strings);
        finding.Add("strings_size", strings);
        return finding;
    }

    private static Finding OfSite(string kind, string title, ReadOnlySpan<byte> packet)
    {
        if (!SitePacket.TryRead(packet, out var parts))
        {
            return Finding.Malformed(kind, title, DropReason.Malformed, "it is not N, a site ID of 1 to 255 bytes that is sealed, and a K of 49 bytes");
        }

        var finding = Begin(kind, title, packet[0], parts.Message[..EphemeralSize]);
        finding.AddBytes("name_ephemeral", parts.Name[..EphemeralSize]);
        finding.Add("site_id_size", parts.Name.Length - MyChipsScheme.SealedOverhead);
        return finding;
    }

    private static Finding OfEphemeral(string kind, string title, ReadOnlySpan<byte> packet)
        => packet.Length == MyChipsScheme.AnswerSize
            ? Begin(kind, title, packet[0], packet.Slice(LetterSize, EphemeralSize))
            : Finding.Malformed(kind, title, DropReason.Malformed, $"it has {packet.Length} bytes, not {MyChipsScheme.AnswerSize}");

    //= spec/mychips.md#finish-once
    private static Finding OfFinish(string kind, string title, ReadOnlySpan<byte> packet)
    {
        _ = Letters.TryReadTransport(packet, out var header);
        var finding = new Finding(kind, $"{title} of {MyChipsScheme.SchemeName}", Tone.Good);
        AddHeader(finding, header);
        finding.Add("certificate_size", packet.Length - MyChipsScheme.MinFinish);
        return finding;
    }

    //= spec/mychips.md#transport-layout
    private static Finding OfTransport(ReadOnlySpan<byte> packet)
    {
        var overhead = Letters.OverheadOf(Letters.HeaderSize);
        if (packet.Length < overhead)
        {
            return Finding.Malformed(
                "packet", "packet", DropReason.TooShort, $"it has {Finding.Bytes(packet.Length)}, and a sealed packet with its letter {overhead} or more");
        }

        _ = Letters.TryReadTransport(packet, out var header);
        return header.Counter < PacketCounter.FirstData
            ? Finding.Malformed("packet", "packet", DropReason.ReservedCounter, $"counter {header.Counter} is reserved")
            : DatagramDecoder.OfSealed(packet.Length - overhead, header, AddHeader);
    }

    private static Finding Begin(string kind, string title, byte letter, ReadOnlySpan<byte> ephemeral)
    {
        var finding = new Finding(kind, $"{title} of {MyChipsScheme.SchemeName}", Tone.Good);
        AddLetter(finding, letter);
        finding.AddBytes("ephemeral", ephemeral);
        return finding;
    }

    private static void AddLetter(Finding finding, byte letter) => finding.Add("letter", $"{(char)letter}");
}
