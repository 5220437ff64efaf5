namespace PacketSec.Protocol.Schemes.MyChips.Tickets;

/// <summary>Tickets in memory, and the verdicts on claims: what a store without a disk is made of.</summary>
/// <remarks>Not thread-safe: its owner excludes.</remarks>
public sealed class TicketLedger
{
    private readonly Dictionary<TicketHash, (TicketConditions Conditions, List<TicketUse> Uses)> _tickets = [];

    // Should a revoked ticket be added again, they still count.
    private readonly Dictionary<TicketHash, List<TicketUse>> _usesOfRevoked = [];

    /// <summary>Adds a ticket: unused, or with the uses that it had when it was revoked.</summary>
    /// <param name="record">The ticket.</param>
    /// <returns>False when it is there already; then nothing changes.</returns>
    public bool Add(TicketRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (_tickets.ContainsKey(record.Hash))
        {
            return false;
        }

        _tickets.Add(record.Hash, (record.Conditions, _usesOfRevoked.Remove(record.Hash, out var uses) ? uses : []));
        return true;
    }

    /// <summary>Decides on a claim, and takes a use where the verdict is <see cref="TicketOutcome.Consumed"/>.</summary>
    /// <param name="claim">The claim.</param>
    //= spec/mychips.md#ticket-verdict
    public TicketVerdict Consume(TicketClaim claim)
    {
        ArgumentNullException.ThrowIfNull(claim);
        if (!_tickets.TryGetValue(claim.Hash, out var ticket))
        {
            return new(TicketOutcome.Unknown);
        }

        if (ticket.Conditions.Refuse(claim) is { } refusal)
        {
            return new(refusal);
        }

        if (ticket.Uses.FindLast(use => use.IsBy(claim.InitiatorKey) && use.IsRecent(claim.Now)) is { } own)
        {
            return new(TicketOutcome.AlreadyByThisKey, own);
        }

        if (ticket.Conditions.IsExpired(claim.Now))
        {
            return new(TicketOutcome.Expired);
        }

        //= spec/mychips.md#ticket-uses
        if (ticket.Uses.Count >= ticket.Conditions.Uses)
        {
            return new(TicketOutcome.Used, ticket.Uses[^1]);
        }

        var taken = TicketUse.Of(claim);
        ticket.Uses.Add(taken);
        return new(TicketOutcome.Consumed, taken);
    }

    /// <summary>Forgets a ticket, but not its uses.</summary>
    /// <param name="hash">The ticket.</param>
    /// <returns>Whether there was one.</returns>
    public bool Revoke(TicketHash hash)
    {
        if (!_tickets.Remove(hash, out var ticket))
        {
            return false;
        }

        if (ticket.Uses.Count > 0)
        {
            _usesOfRevoked.Add(hash, ticket.Uses);
        }

        return true;
    }

    /// <summary>Returns all tickets, used and expired ones too, in the order of their hashes.</summary>
    public IReadOnlyList<TicketRecord> List() =>
    [
        .. _tickets.Select(ticket => new TicketRecord(ticket.Key, ticket.Value.Conditions, ticket.Value.Uses.Count))
            .OrderBy(record => record.Hash.ToString(), StringComparer.Ordinal),
    ];
}
