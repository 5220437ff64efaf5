namespace PacketSec;

/// <summary>What is known of a connection and its path. A snapshot.</summary>
public sealed record PacketSecConnectionStatistics
{
    /// <summary>Gets the smoothed round-trip time of RFC 9002 section 5.3; 333 ms before there is a sample.</summary>
    public required TimeSpan SmoothedRtt { get; init; }

    /// <summary>Gets the shortest round-trip time, or zero before there is a sample.</summary>
    public required TimeSpan MinRtt { get; init; }

    /// <summary>Gets the congestion window in bytes.</summary>
    public required long CongestionWindow { get; init; }

    /// <summary>Gets the bytes in flight.</summary>
    public required long BytesInFlight { get; init; }

    /// <summary>Gets the largest UDP payload that is known to arrive, in bytes.</summary>
    public required int PathMtu { get; init; }

    /// <summary>Gets the streams that are not over.</summary>
    public required int Streams { get; init; }

    /// <summary>Gets the packets sent.</summary>
    public required long PacketsSent { get; init; }

    /// <summary>Gets the packets sent that turned out lost. A packet that comes late may count as lost.</summary>
    public required long PacketsLost { get; init; }

    /// <summary>Gets the packets received and taken.</summary>
    public required long PacketsReceived { get; init; }

    /// <summary>Gets the packets received and not taken: repeated ones, those of an earlier connection, and those after the end.</summary>
    public required long PacketsIgnored { get; init; }

    /// <summary>Gets the bytes of streams that were sent, each counted once.</summary>
    public required long StreamBytesSent { get; init; }

    /// <summary>Gets the bytes of streams that were received, each counted once.</summary>
    public required long StreamBytesReceived { get; init; }

    /// <summary>Gets the datagrams that were dropped: received and not taken in time, or too long for a path that takes less now.</summary>
    public required long DatagramsDropped { get; init; }
}
