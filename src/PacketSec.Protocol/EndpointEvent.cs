using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Protocol;

/// <summary>A question to the application.</summary>
/// <param name="Value">A number that is never used again.</param>
public readonly record struct DecisionId(long Value);

/// <summary>What an endpoint machine reports; polled by the driver.</summary>
public abstract record EndpointEvent
{
    private EndpointEvent()
    {
    }

    /// <summary>
    /// A handshake that the peer began is complete: the driver gives the session to the peer's machine, which it creates where there is none.
    /// </summary>
    /// <param name="Peer">The peer.</param>
    /// <param name="Session">The session, of which <see cref="PeerMachine.Adopt"/> takes possession.</param>
    public sealed record SessionEstablished(PeerHandle Peer, EstablishedSession Session) : EndpointEvent;

    /// <summary>
    /// May this identity have a channel? Answered by <see cref="EndpointMachine.Decide"/>; no answer until the handshake's deadline is "no".
    /// </summary>
    /// <param name="Id">The question.</param>
    /// <param name="Identity">The key that the handshake proved.</param>
    /// <param name="Peer">Its peer ID.</param>
    /// <param name="Remote">Its address.</param>
    public sealed record DecisionRequested(DecisionId Id, PublicKey Identity, PeerId Peer, NetworkAddress Remote) : EndpointEvent
    {
        /// <summary>
        /// Gets the ticket that it presents, by <c>mychips-1</c>: then the store's verdict is the answer, by
        /// <see cref="EndpointMachine.DecideTicket"/>. Null without one.
        /// </summary>
        public PresentedTicket? Ticket { get; init; }

        /// <summary>Gets the name by which it is known, by <c>mychips-1</c>: the directory has this key for it. Null without one.</summary>
        public string? SiteId { get; init; }
    }

    /// <summary>Something became of a peer's attempt: for <see cref="PeerMachine.HandleNegotiation"/>.</summary>
    /// <param name="Peer">The peer.</param>
    /// <param name="Report">What.</param>
    public sealed record NegotiationReported(PeerHandle Peer, NegotiationReport Report) : EndpointEvent;
}
