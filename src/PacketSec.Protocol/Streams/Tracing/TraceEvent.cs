using PacketSec.Protocol.Streams.Frames;

namespace PacketSec.Protocol.Streams.Tracing;

/// <summary>What a trace tells.</summary>
internal enum TraceEventKind : byte
{
    /// <summary>A packet was built, and is sealed and sent now.</summary>
    PacketSent,

    /// <summary>A packet came on a session.</summary>
    PacketReceived,

    /// <summary>The packet received last was not taken.</summary>
    PacketDropped,

    /// <summary>A packet sent counts as lost.</summary>
    PacketLost,

    /// <summary>The round trip, the window, or what is in flight has changed.</summary>
    Metrics,

    /// <summary>The congestion controller has changed its way to grow.</summary>
    CongestionState,

    /// <summary>The largest UDP payload known to arrive has changed.</summary>
    Mtu,

    /// <summary>The connection has ended.</summary>
    Closed,
}

/// <summary>What is known of a path. Times are nanoseconds, sizes bytes.</summary>
/// <param name="Window">The congestion window.</param>
/// <param name="InFlight">What is in flight.</param>
/// <param name="Smoothed">The smoothed round trip; 0 before there is a sample.</param>
/// <param name="Latest">The newest sample of it.</param>
/// <param name="Min">The shortest one.</param>
internal readonly record struct TracedMetrics(long Window, long InFlight, long Smoothed, long Latest, long Min);

/// <summary>One thing that happened. Which members mean something depends on the kind.</summary>
internal readonly record struct TraceEvent
{
    public required TraceEventKind Kind { get; init; }

    /// <summary>Gets when, in nanoseconds.</summary>
    public required long Time { get; init; }

    /// <summary>Gets the packet's number, or -1 where it has none; the code that a connection closed with.</summary>
    public long Number { get; init; }

    /// <summary>Gets the packet's UDP payload in bytes, or the new MTU.</summary>
    public int Length { get; init; }

    /// <summary>Gets the MTU before.</summary>
    public int FormerLength { get; init; }

    /// <summary>Gets what the packet carries.</summary>
    public FrameKinds Frames { get; init; }

    /// <summary>Gets whether the packet probes the path's MTU.</summary>
    public bool IsMtuProbe { get; init; }

    /// <summary>Gets why the packet was not taken.</summary>
    public PacketVerdict Verdict { get; init; }

    /// <summary>Gets whether the window doubles with each round trip from now on.</summary>
    public bool InSlowStart { get; init; }

    /// <summary>Gets why the connection ended.</summary>
    public CloseCause Cause { get; init; }

    /// <summary>Gets whether the code is an application's.</summary>
    public bool ByApplication { get; init; }

    public TracedMetrics Metrics { get; init; }
}
