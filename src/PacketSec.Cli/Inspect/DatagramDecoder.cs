using PacketSec.Protocol;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Wire;

namespace PacketSec.Cli.Inspect;

/// <summary>What was seen between two addresses before a datagram. It decides what the datagram can be.</summary>
internal sealed class FlowState
{
    /// <summary>Gets or sets whether a handshake message or a sealed packet was seen.</summary>
    public bool HasSession { get; set; }

    /// <summary>Gets or sets what was accepted or shaken hands with; null while unknown.</summary>
    public string? Scheme { get; set; }

    /// <summary>Gets which side proposed; the index is 0 for the smaller address.</summary>
    public bool[] HasProposed { get; } = new bool[2];
}

/// <summary>Tells what the bytes of a datagram are.</summary>
/// <remarks>
/// A receiver decides by its keys (spec/psec.md, section 9). Without keys what parses strictly as a frame is taken for one, because hardly any sealed
/// packet does. What is left to doubt is called ambiguous.
/// </remarks>
internal static class DatagramDecoder
{
    /// <summary>Decodes one datagram.</summary>
    /// <param name="datagram">All its bytes.</param>
    /// <param name="flow">What went before; it learns from this datagram. A new one where nothing is known.</param>
    /// <param name="side">Who sent it, 0 or 1.</param>
    public static Finding Decode(ReadOnlySpan<byte> datagram, FlowState flow, int side)
    {
        if (datagram.IsEmpty)
        {
            return Finding.Malformed("datagram", "datagram", DropReason.TooShort, "it is empty");
        }

        return datagram[0] switch
        {
            (byte)PsecFrameType.Proposal when PsecFrame.LooksLikeProposal(datagram) => DecodeProposal(datagram, flow, side),
            (byte)PsecFrameType.Accept => DecodeAccept(datagram, flow, side),
            (byte)PsecFrameType.Reject when datagram.Length == 1 => PsecFindings.OfReject(),
            _ when Letters.Leads(datagram) => DecodeLettered(datagram, flow),
            _ => DecodePacket(datagram, flow),
        };
    }

    /// <summary>Tells what can be told of a datagram whose end was not captured.</summary>
    /// <param name="captured">Its beginning.</param>
    /// <param name="length">Its whole length in bytes.</param>
    /// <param name="flow">What went before; it learns from this datagram.</param>
    public static Finding DecodeCut(ReadOnlySpan<byte> captured, int length, FlowState flow)
    {
        var finding = new Finding("truncated", "not captured whole", Tone.Note);
        finding.Add("captured", captured.Length);
        var canBeFrame = PsecFrame.LooksLikeProposal(captured) || captured is [(byte)PsecFrameType.Accept, ..];
        if (Letters.TryReadTransport(captured, out var behindLetter))
        {
            MyChipsFindings.AddHeader(finding, behindLetter);
            flow.HasSession |= length >= Letters.OverheadOf(Letters.HeaderSize);
        }
        else if (PacketHeader.TryRead(captured, out var header) && !canBeFrame && !Letters.Leads(captured))
        {
            AddHeader(finding, header);
            flow.HasSession |= length >= SpecLimits.DatagramOverhead;
        }

        return finding;
    }

    /// <summary>Describes a sealed packet.</summary>
    /// <param name="payload">The length of its payload in bytes.</param>
    /// <param name="header">Its header.</param>
    /// <param name="addHeader">Tells the header.</param>
    public static Finding OfSealed(int payload, PacketHeader header, Action<Finding, PacketHeader> addHeader)
    {
        var finding = header.Counter == PacketCounter.Closing ? new Finding("closing", "closing message", Tone.Note)
            : payload == 0 ? new Finding("data", "empty packet", Tone.Note)
            : new Finding("data", "data", Tone.Plain);
        addHeader(finding, header);
        finding.Add("payload_size", payload);
        return finding;
    }

    /// <summary>Tells a header of four bytes.</summary>
    public static void AddHeader(Finding finding, PacketHeader header)
    {
        finding.Add("direction", header.Direction == Direction.InitiatorToResponder ? "i2r" : "r2i");
        finding.Add("counter", header.Counter.Value);
    }

    private static Finding DecodeProposal(ReadOnlySpan<byte> datagram, FlowState flow, int side)
    {
        if (FrameProblem.OfProposal(datagram) is { } problem)
        {
            var malformed = Finding.Malformed("proposal", "proposal", DropReason.Malformed, problem);
            return datagram.Length < SpecLimits.DatagramOverhead ? malformed
                : flow.HasSession ? DecodePacket(datagram, flow)
                : Ambiguous(datagram, malformed);
        }

        //= spec/psec.md#frame-size
        if (datagram.Length > PsecFrame.MaxProposal)
        {
            return Finding.Malformed(
                "proposal", "proposal", DropReason.TooLong, $"it has {datagram.Length} bytes, more than {PsecFrame.MaxProposal}");
        }

        _ = WireMessage.TryRead<ProposalFrame>(datagram, out var frame);
        flow.HasProposed[side] = true;
        return PsecFindings.OfProposal(frame);
    }

    private static Finding DecodeAccept(ReadOnlySpan<byte> datagram, FlowState flow, int side)
    {
        if (FrameProblem.OfAccept(datagram) is { } problem)
        {
            return datagram.Length < SpecLimits.DatagramOverhead
                ? Finding.Malformed("accept", "accept", DropReason.Malformed, problem)
                : DecodePacket(datagram, flow);
        }

        _ = WireMessage.TryRead<AcceptFrame>(datagram, out var frame);
        var accept = PsecFindings.OfAccept(frame);
        if (datagram.Length >= SpecLimits.DatagramOverhead && flow.HasSession && !flow.HasProposed[1 - side])
        {
            return Ambiguous(datagram, accept);
        }

        if (PsecFrame.IsScheme(frame.Scheme))
        {
            flow.Scheme = System.Text.Encoding.UTF8.GetString(frame.Scheme);
        }

        return accept;
    }

    // To other schemes these are packets with counters that no session reaches, so what fits is of this one, whatever was seen before.
    //= spec/mychips.md#letters-by-state
    private static Finding DecodeLettered(ReadOnlySpan<byte> datagram, FlowState flow)
    {
        var finding = MyChipsFindings.Of(datagram);
        if (finding.Type != "malformed")
        {
            flow.HasSession = true;
            flow.Scheme = MyChipsScheme.SchemeName;
            return finding;
        }

        return flow.Scheme == MyChipsScheme.SchemeName || datagram.Length < SpecLimits.DatagramOverhead ? finding
            : flow.HasSession ? DecodePacket(datagram, flow)
            : Ambiguous(datagram, finding);
    }

    private static Finding DecodePacket(ReadOnlySpan<byte> datagram, FlowState flow)
    {
        if (!PacketHeader.TryRead(datagram, out var header))
        {
            return Finding.Malformed("packet", "packet", DropReason.TooShort, $"it has {Finding.Bytes(datagram.Length)}, less than a header");
        }

        if (header.Counter >= PacketCounter.FirstData)
        {
            return DecodeSealed(datagram, header, flow);
        }

        var finding = DecodeHandshake(datagram, header);
        var isMessage = finding.Type != "malformed";
        if (header.Word == 0 && isMessage)
        {
            flow.Scheme = P2pkeScheme.SchemeName;
        }
        else if ((flow.Scheme is { } agreed and not (P2pkeScheme.SchemeName or MyChipsScheme.SchemeName) ? agreed : SchemeOf(header.Word)) is { } scheme)
        {
            finding = OfOtherScheme(datagram, header, scheme);
            isMessage = true;
        }

        flow.HasSession |= isMessage;
        return finding;
    }

    //= spec/p2pke.md#reserved-counters
    private static Finding DecodeHandshake(ReadOnlySpan<byte> datagram, PacketHeader header) => header.Word switch
    {
        0 => P2pkeFindings.OfInitHello(datagram),
        0x80000001 => P2pkeFindings.OfRespHello(datagram),
        2 => P2pkeFindings.OfInitDone(datagram),
        _ when header.Counter.Value > 2 => Finding.Malformed(
            "packet", "packet", DropReason.ReservedCounter, $"counter {header.Counter} is reserved"),
        _ => Finding.Malformed(
            "packet", "packet", DropReason.UnexpectedHandshake, $"counter {header.Counter} is never sent by the {SenderOf(header)}"),
    };

    // The schemes whose messages say by their first word which they are, and otherwise nothing.
    private static string? SchemeOf(uint word) => word switch
    {
        0x00000004 or 0x80000005 or 0x00000006 => "noise-xx-1",
        0x00000008 or 0x80000009 or 0x0000000a => "secret-handshake-1",
        _ => null,
    };

    private static Finding OfOtherScheme(ReadOnlySpan<byte> datagram, PacketHeader header, string scheme)
    {
        var finding = new Finding("handshake", "handshake message of another scheme", Tone.Good);
        finding.AddForeign("scheme", scheme);
        AddHeader(finding, header);
        finding.Add("length_after_header", datagram.Length - PacketHeader.Size);
        return finding;
    }

    //= spec/p2pke.md#data-layout
    private static Finding DecodeSealed(ReadOnlySpan<byte> datagram, PacketHeader header, FlowState flow)
    {
        if (datagram.Length < SpecLimits.DatagramOverhead)
        {
            return Finding.Malformed(
                "packet", "packet", DropReason.TooShort, $"it has {Finding.Bytes(datagram.Length)}, and a sealed packet {SpecLimits.DatagramOverhead} or more");
        }

        flow.HasSession = true;
        return OfSealed(datagram.Length - SpecLimits.DatagramOverhead, header, AddHeader);
    }

    // Ambiguous are only bytes that are long enough for a sealed packet, and whose counter is that of one.
    private static Finding Ambiguous(ReadOnlySpan<byte> datagram, Finding frame)
    {
        _ = PacketHeader.TryRead(datagram, out var header);
        var finding = new Finding("ambiguous", $"ambiguous: {frame.Title}, or data", Tone.Note);
        finding.Add("frame", frame);
        finding.Add("packet", OfSealed(datagram.Length - SpecLimits.DatagramOverhead, header, AddHeader));
        return finding;
    }

    private static string SenderOf(PacketHeader header) => header.Direction == Direction.InitiatorToResponder ? "initiator" : "responder";
}
