using System.Buffers.Text;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;

namespace PacketSec.Exploration.Model;

/// <summary>Whoever can send under the peer's address, and reads along. Pure: what it makes follows from the receiver.</summary>
internal static class Stranger
{
    private const byte Below = 0x01;
    private const byte Above = 0x7F;

    /// <summary>Returns in how many ways something can be forged for a side as it is.</summary>
    public static int Choices(Side receiver, Forgery forgery) => forgery switch
    {
        Forgery.First => Served(receiver).Count(),
        Forgery.Reflection => receiver.Negotiator.Own is { IsSent: true } ? 1 : 0,
        Forgery.AcceptFirst or Forgery.AcceptLast or Forgery.Reject => receiver.Negotiator.Own is { IsSent: true } ? 1 : 0,
        _ => 1,
    };

    public static Packet Make(Side receiver, Forgery forgery, int choice)
    {
        var peer = receiver.Place.Peer.Multihash.ToArray();
        var schemes = receiver.Place.Configuration is var configuration && receiver.Index == 0 ? configuration.B.Schemes : configuration.A.Schemes;
        return forgery switch
        {
            Forgery.AcceptFirst => Accept(receiver.Place.Party.Schemes[0]),
            Forgery.AcceptLast => Accept(receiver.Place.Party.Schemes[^1]),
            Forgery.Reject => Packet.OfFrame(PsecFrame.Reject.ToArray()),
            Forgery.StaleProposal => Proposal(peer, schemes, 0),
            Forgery.ProposalAsPeer => Proposal(peer, schemes.Reverse(), 1),
            Forgery.ProposalBelow => Proposal(Place.Multihash(Below), schemes, 2),
            Forgery.ProposalAbove => Proposal(Place.Multihash(Above), schemes, 3),
            Forgery.Reflection => Packet.OfFrame(receiver.Negotiator.Own!.ToFrame(int.MaxValue)),
            _ => First(Served(receiver).ElementAt(choice)),
        };
    }

    private static IEnumerable<ulong> Served(Side receiver)
        => receiver.Negotiator.Remotes.Where(remote => remote.IsResponder).Select(remote => remote.Agreement)
            .Concat(receiver.Sessions.Select(session => session.Agreement).OfType<Agreement>())
            .Select(agreement => Place.ReadName(agreement.Transcript)).Distinct();

    private static Packet First(ulong transcript)
        => Packet.OfTerm(PacketKind.First, new(transcript, Mixer.Name(transcript, 2, 5), 0));

    private static Packet Accept(string scheme)
    {
        var accept = new AcceptFrame(PsecFrame.ToBytes(scheme));
        var frame = new byte[accept.EncodedLength];
        WireMessage.Write(accept, frame);
        return Packet.OfFrame(frame);
    }

    private static Packet Proposal(byte[] id, IEnumerable<string> schemes, byte number)
    {
        var attempt = new byte[16];
        (attempt[0], attempt[1]) = (2, number);
        return Packet.OfFrame(ProposalFrame.Encode(id, [.. schemes, PsecFrame.AttemptPrefix + Base64Url.EncodeToString(attempt), PsecFrame.Retry]));
    }
}
