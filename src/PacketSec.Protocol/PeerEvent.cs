using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;

namespace PacketSec.Protocol;

/// <summary>One remote identity at one endpoint: how machines name a peer to each other.</summary>
/// <param name="Value">A number that is never used again.</param>
public readonly record struct PeerHandle(long Value);

/// <summary>Why a channel ended.</summary>
public enum CloseReason
{
    /// <summary>The application closed it.</summary>
    Local,

    /// <summary>The peer closed it.</summary>
    PeerClosed,

    /// <summary>The peer refused it when it was opened.</summary>
    Refused,

    /// <summary>Nobody answered within the dial deadline.</summary>
    TimedOut,

    /// <summary>Another identity than the one called proved itself, and no session lives.</summary>
    WrongIdentity,

    /// <summary>No session was live for the idle timeout.</summary>
    IdleTimeout,

    /// <summary>The peer serves none of the schemes proposed, or proposed none of them itself.</summary>
    NoCommonScheme,
}

/// <summary>What an address is to a peer.</summary>
public enum RouteUse
{
    /// <summary>Nothing any more.</summary>
    None,

    /// <summary>An own handshake is under way there.</summary>
    Handshake,

    /// <summary>A session lives there.</summary>
    Session,
}

/// <summary>What a peer machine reports; polled by the driver.</summary>
public abstract record PeerEvent
{
    private PeerEvent()
    {
    }

    /// <summary>The channel is open: a session counts as confirmed. Reported once.</summary>
    public sealed record Opened : PeerEvent;

    /// <summary>A session is confirmed and carries the channel's data.</summary>
    /// <param name="Number">The session's number within the channel, from 1.</param>
    /// <param name="Role">One's own role in its handshake.</param>
    /// <param name="Path">Its path.</param>
    public sealed record SessionConfirmed(long Number, SessionRole Role, PathAddress Path) : PeerEvent
    {
        /// <summary>Gets what it was agreed on; null in direct mode.</summary>
        public Agreement? Agreement { get; init; }

        /// <summary>Gets the name of the scheme that made it.</summary>
        public required string Scheme { get; init; }
    }

    /// <summary>A session's keys are wiped.</summary>
    /// <param name="Number">The session's number within the channel.</param>
    public sealed record SessionEnded(long Number) : PeerEvent;

    /// <summary>The channel sends to another remote address.</summary>
    /// <param name="Path">The new path.</param>
    public sealed record AddressChanged(PathAddress Path) : PeerEvent;

    /// <summary>The use of an address changed: for <see cref="EndpointMachine.HandleRouteChange"/>.</summary>
    /// <param name="Remote">The address.</param>
    /// <param name="Use">Its use.</param>
    public sealed record RouteChanged(NetworkAddress Remote, RouteUse Use) : PeerEvent
    {
        /// <summary>Gets what the sessions that live there were agreed on: first messages of a rekey are bound to it.</summary>
        internal IReadOnlyList<Agreement> Agreements { get; init; } = [];

        /// <summary>Gets a value indicating whether the sessions that live there keep other identities from the address.</summary>
        internal bool IsHeld { get; init; } = Use == RouteUse.Session;

        /// <summary>Gets the scheme by which the peer is talked to in direct mode there; null where it is not.</summary>
        internal Scheme? DirectScheme { get; init; }
    }

    /// <summary>An attempt of the channel wants something of the endpoint: for <see cref="EndpointMachine.HandleNegotiation"/>.</summary>
    /// <param name="Request">What.</param>
    public sealed record NegotiationRequested(NegotiationRequest Request) : PeerEvent;

    /// <summary>A handshake of ours was answered by another identity; the channel's sessions stay.</summary>
    /// <param name="Proven">The identity that proved itself.</param>
    public sealed record IdentityMismatch(PeerId Proven) : PeerEvent;

    /// <summary>A handshake of ours was not answered in time, or found no common scheme; an open channel tries again by itself.</summary>
    /// <param name="Reason"><see cref="CloseReason.TimedOut"/> or <see cref="CloseReason.NoCommonScheme"/>.</param>
    public sealed record AttemptFailed(CloseReason Reason) : PeerEvent;

    /// <summary>The channel is over. The last event of a peer.</summary>
    /// <param name="Reason">Why.</param>
    public sealed record Closed(CloseReason Reason) : PeerEvent;
}
