using PacketSec.Protocol;

namespace PacketSec.Internal;

/// <summary>Who takes a channel's datagrams as they come, in place of its queue. No gate is held while it is called.</summary>
internal interface IPacketSink
{
    /// <summary>Gets a value indicating whether it has something to do when all that came at once is delivered.</summary>
    bool WantsBatchEnd { get; }

    /// <summary>Takes datagrams. Called by a thread that receives, one call at a time.</summary>
    /// <param name="payloads">The datagrams, one behind the other, valid during the call.</param>
    /// <param name="lengths">Their lengths.</param>
    /// <param name="sessions">The number of the session that each came on.</param>
    /// <returns>Why all of them were dropped, or <see cref="DropReason.None"/>.</returns>
    DropReason Receive(ReadOnlySpan<byte> payloads, ReadOnlySpan<int> lengths, ReadOnlySpan<long> sessions);

    /// <summary>All that came at once is delivered.</summary>
    void EndBatch();

    /// <summary>A session may send that could not before, goes another way, or an attempt to get one has failed.</summary>
    void OnPathChanged();

    /// <summary>The channel is over.</summary>
    /// <param name="error">Why; null when this side disposed it.</param>
    void OnChannelClosed(PacketSecError? error);
}
