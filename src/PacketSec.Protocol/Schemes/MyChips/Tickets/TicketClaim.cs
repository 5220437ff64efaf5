using PacketSec.Protocol.Identity;

namespace PacketSec.Protocol.Schemes.MyChips.Tickets;

/// <summary>What a responder asks its store of tickets. Immutable.</summary>
public sealed record TicketClaim
{
    /// <summary>Makes a claim.</summary>
    /// <param name="hash">The hash of the token that came.</param>
    /// <param name="initiatorKey">The initiator's Ed25519 key, which the handshake has proven.</param>
    /// <param name="userAddress">The user's address as the initiator says; null where it says none.</param>
    /// <param name="purpose">The purpose as the initiator says; empty where it says none.</param>
    /// <param name="now">The time in seconds since 1970 in UTC.</param>
    /// <exception cref="ArgumentException">The key is of another kind or of small order, or the time is negative.</exception>
    public TicketClaim(TicketHash hash, PublicKey initiatorKey, string? userAddress, string purpose, long now)
    {
        ArgumentNullException.ThrowIfNull(hash);
        ArgumentNullException.ThrowIfNull(purpose);
        ArgumentOutOfRangeException.ThrowIfNegative(now);
        Hash = hash;
        InitiatorKey = TicketKey.Check(initiatorKey, nameof(initiatorKey));
        UserAddress = userAddress;
        Purpose = purpose;
        Now = now;
    }

    /// <summary>Gets the hash of the token that came.</summary>
    public TicketHash Hash { get; }

    /// <summary>Gets the initiator's key, which the handshake has proven.</summary>
    public PublicKey InitiatorKey { get; }

    /// <summary>Gets the user's address as the initiator says; null where it says none.</summary>
    public string? UserAddress { get; }

    /// <summary>Gets the purpose as the initiator says.</summary>
    public string Purpose { get; }

    /// <summary>Gets the time in seconds since 1970 in UTC.</summary>
    public long Now { get; }
}
