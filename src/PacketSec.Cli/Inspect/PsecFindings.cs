using System.Text;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Wire;

namespace PacketSec.Cli.Inspect;

/// <summary>What frames of PSEC say.</summary>
internal static class PsecFindings
{
    private const int DigestSize = 32;

    /// <summary>Describes a proposal.</summary>
    public static Finding OfProposal(in ProposalFrame frame)
    {
        var finding = new Finding("proposal", "proposal", Tone.Good);
        if (PeerId.TryRead(frame.PeerId, out var peerId))
        {
            finding.Add("peer_id", peerId.ToString());

            // Which of the two it is, nobody can see.
            finding.Add("peer_id_is_hash", !peerId.IsInline);
        }

        var strings = new List<string>();
        foreach (var text in frame)
        {
            strings.Add(Encoding.UTF8.GetString(text));
        }

        var schemes = strings.Where(text => !text.StartsWith(PsecFrame.ReservedPrefix, StringComparison.Ordinal)).ToList();
        finding.AddForeign("schemes", schemes);
        finding.AddForeign("psec_strings", strings.Where(text => text.StartsWith(PsecFrame.ReservedPrefix, StringComparison.Ordinal)).ToList());
        Span<byte> digest = stackalloc byte[DigestSize];
        CryptoProvider.Default.Hash(HashAlgorithm.Sha256, frame.ToNormalForm(), default, digest);
        finding.AddBytes("digest", digest);
        if (!frame.FirstPacket.IsEmpty)
        {
            finding.Add("first_packet", OfFirstPacket(schemes.FirstOrDefault(), frame.FirstPacket));
        }

        return finding;
    }

    /// <summary>Describes an accept, which may be a retry.</summary>
    public static Finding OfAccept(in AcceptFrame frame)
    {
        var text = Encoding.UTF8.GetString(frame.Scheme);
        var isRetry = text.StartsWith(PsecFrame.RetryPrefix, StringComparison.Ordinal);
        var finding = isRetry ? new Finding("retry", "retry", Tone.Good) : new Finding("accept", "accept", Tone.Good);
        finding.AddForeign(isRetry ? "cookie" : "scheme", isRetry ? text[PsecFrame.RetryPrefix.Length..] : text);
        return finding;
    }

    /// <summary>Describes a reject.</summary>
    public static Finding OfReject() => new("reject", "reject", Tone.Good);

    private static Finding OfFirstPacket(string? scheme, ReadOnlySpan<byte> packet)
    {
        if (scheme == P2pkeScheme.SchemeName)
        {
            return P2pkeFindings.OfInitHello(packet);
        }

        if (scheme == MyChipsScheme.SchemeName)
        {
            return Letters.LeadsFirst(packet)
                ? MyChipsFindings.Of(packet)
                : Finding.Malformed("packet", "packet", DropReason.UnexpectedHandshake, "it does not begin with I, N or K");
        }

        var finding = new Finding("handshake", "handshake message of another scheme", Tone.Good);
        finding.AddForeign("scheme", scheme ?? "");
        finding.Add("length", packet.Length);
        return finding;
    }
}
