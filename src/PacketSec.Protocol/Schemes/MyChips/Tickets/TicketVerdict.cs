namespace PacketSec.Protocol.Schemes.MyChips.Tickets;

/// <summary>What a store of tickets says to a claim. But for <see cref="Consumed"/> these are for this side only: the network sees silence.</summary>
public enum TicketOutcome
{
    /// <summary>There is no such ticket, or it is revoked, or what is stored of it cannot be read.</summary>
    Unknown,

    /// <summary>One use is gone now, by this key.</summary>
    Consumed,

    /// <summary>This key used the ticket in the last 600 s; nothing is consumed. <see cref="TicketVerdict.Use"/> says when.</summary>
    AlreadyByThisKey,

    /// <summary>All uses are gone. <see cref="TicketVerdict.Use"/> is the last of them, where it can be read.</summary>
    Used,

    /// <summary>The time is past not-after.</summary>
    Expired,

    /// <summary>The ticket is bound to another key, or to another user's address.</summary>
    BoundToAnother,

    /// <summary>The purpose is not the ticket's.</summary>
    PurposeDiffers,
}

/// <summary>A verdict, and the use that it speaks of.</summary>
/// <param name="Outcome">What the store says.</param>
/// <param name="Use">With <see cref="TicketOutcome.Consumed"/> the new use, with two others an earlier one, otherwise null.</param>
public readonly record struct TicketVerdict(TicketOutcome Outcome, TicketUse? Use = null);
