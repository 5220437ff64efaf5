namespace PacketSec;

/// <summary>What became of a datagram given to <see cref="PacketSecChannel.TrySend(ReadOnlySpan{byte})"/>.</summary>
public enum SendResult
{
    /// <summary>It is on its way, like any UDP datagram: it may still be lost.</summary>
    Sent,

    /// <summary>It waits for a session, which is being made: up to 1,024 datagrams and 1 MiB do. It goes out when the session is there.</summary>
    Queued,

    /// <summary>It is refused: the queue, or the system's send buffer, is full. Send less, or again later.</summary>
    QueueFull,

    /// <summary>It is refused: longer than <see cref="PacketSecChannel.MaxDatagramSize"/>, or than the network interface takes.</summary>
    TooLarge,

    /// <summary>It is refused: the channel is closed.</summary>
    Closed,
}
