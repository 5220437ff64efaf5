using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec;

/// <summary>Tickets that are forgotten with the process.</summary>
/// <remarks>Thread-safe; every call is done when it returns.</remarks>
public sealed class MemoryTicketStore : ITicketStore
{
    private readonly Lock _gate = new();
    private readonly TicketLedger _ledger = new();

    /// <inheritdoc/>
    public ValueTask<TicketVerdict> ConsumeAsync(TicketClaim claim, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(_ledger.Consume(claim));
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> AddAsync(TicketRecord record, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(_ledger.Add(record));
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> RevokeAsync(TicketHash hash, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(_ledger.Revoke(hash));
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<TicketRecord>> ListAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(_ledger.List());
        }
    }
}
