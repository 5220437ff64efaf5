namespace PacketSec.Protocol.Streams.Recovery;

/// <summary>Decides how many bytes may be in flight. All times are nanoseconds.</summary>
//= rfc9002#section-7
internal interface ICongestionController
{
    /// <summary>Gets how many bytes may be in flight.</summary>
    long Window { get; }

    /// <summary>Gets whether the window still doubles with each round trip.</summary>
    bool InSlowStart { get; }

    /// <summary>Begins anew, on another path.</summary>
    /// <param name="datagramSize">The largest datagram of the path in bytes.</param>
    void Reset(int datagramSize);

    /// <summary>Learns of another size of datagrams on the same path.</summary>
    /// <param name="datagramSize">The largest datagram of the path in bytes.</param>
    void SetDatagramSize(int datagramSize);

    /// <summary>A packet is sent after nothing was in flight.</summary>
    /// <param name="now">The time.</param>
    void OnSendingAgain(long now);

    /// <summary>A packet in flight was acknowledged.</summary>
    /// <param name="acknowledged">The packet, and what was so when its acknowledgement came.</param>
    void OnAcknowledged(in AcknowledgedPacket acknowledged);

    /// <summary>Packets in flight were lost.</summary>
    /// <param name="now">The time.</param>
    /// <param name="sentAt">When the last of them was sent.</param>
    void OnLost(long now, long sentAt);

    /// <summary>Everything was lost for so long that the path has to be learnt again.</summary>
    void OnPersistentCongestion();
}

/// <summary>A packet acknowledged.</summary>
/// <param name="Now">The time.</param>
/// <param name="SentAt">When it was sent.</param>
/// <param name="Number">Its number.</param>
/// <param name="NextNumber">The number of the next packet to be sent.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Rtt">The path's smoothed round trip.</param>
/// <param name="LatestRtt">The newest sample of it.</param>
/// <param name="WindowLimited">Whether the window, and not a lack of data, bounded what was in flight.</param>
internal readonly record struct AcknowledgedPacket(
    long Now, long SentAt, long Number, long NextNumber, int Size, long Rtt, long LatestRtt, bool WindowLimited);
