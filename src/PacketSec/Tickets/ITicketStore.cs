using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec;

/// <summary>Where a responder keeps the tickets that it issued, and the one place that decides whether one is used.</summary>
/// <remarks>Thread-safe. An exception of <see cref="ConsumeAsync"/> is a "no" to whoever asked for it.</remarks>
public interface ITicketStore
{
    /// <summary>Decides on a claim, and takes a use where the verdict is <see cref="TicketOutcome.Consumed"/>.</summary>
    /// <param name="claim">The claim. The initiator's key in it is proven.</param>
    /// <param name="cancellationToken">Ends the wait. A use that is being taken then may be taken or not.</param>
    /// <returns>The verdict. When it is <see cref="TicketOutcome.Consumed"/>, the use outlives the process if the store does.</returns>
    ValueTask<TicketVerdict> ConsumeAsync(TicketClaim claim, CancellationToken cancellationToken = default);

    /// <summary>Adds a ticket.</summary>
    /// <param name="record">What <see cref="Ticket.ToRecord"/> returns.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False when it is there already; then nothing changes.</returns>
    ValueTask<bool> AddAsync(TicketRecord record, CancellationToken cancellationToken = default);

    /// <summary>Forgets a ticket: once this is done, no claim to it is <see cref="TicketOutcome.Consumed"/>.</summary>
    /// <param name="hash">The ticket.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether there was one.</returns>
    ValueTask<bool> RevokeAsync(TicketHash hash, CancellationToken cancellationToken = default);

    /// <summary>Returns all tickets, used and expired ones too, in the order of their hashes.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    ValueTask<IReadOnlyList<TicketRecord>> ListAsync(CancellationToken cancellationToken = default);
}
