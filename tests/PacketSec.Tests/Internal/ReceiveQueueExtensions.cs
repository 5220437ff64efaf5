using PacketSec.Internal;
using PacketSec.Protocol;

namespace PacketSec.Tests.Internal;

/// <summary>For tests to which the session of a datagram means nothing.</summary>
internal static class ReceiveQueueExtensions
{
    public static DropReason Add(this ReceiveQueue queue, ReadOnlySpan<byte> payload) => queue.Add(payload, 0);

    public static DropReason Commit(this ReceiveQueue queue, ReadOnlySpan<int> lengths) => queue.Commit(lengths, new long[lengths.Length]);

    public static bool TryTake(this ReceiveQueue queue, out ReadOnlySpan<byte> datagram) => queue.TryTake(out datagram, out _);
}
