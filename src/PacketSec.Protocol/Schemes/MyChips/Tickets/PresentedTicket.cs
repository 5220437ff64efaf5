using PacketSec.Protocol.Identity;

namespace PacketSec.Protocol.Schemes.MyChips.Tickets;

/// <summary>A ticket as an initiator presents it. Immutable.</summary>
/// <param name="Hash">The hash of the token that came.</param>
/// <param name="UserAddress">The user's address as the initiator says; null where it says none.</param>
/// <param name="Purpose">The purpose as the initiator says; empty where it says none.</param>
public sealed record PresentedTicket(TicketHash Hash, string? UserAddress, string Purpose)
{
    /// <summary>Makes the question to a store.</summary>
    /// <param name="initiatorKey">The key that the handshake has proven.</param>
    /// <param name="now">The time in seconds since 1970 in UTC.</param>
    public TicketClaim ToClaim(PublicKey initiatorKey, long now) => new(Hash, initiatorKey, UserAddress, Purpose, now);
}
