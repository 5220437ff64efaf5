namespace PacketSec.Simulation.Network;

/// <summary>What a network does to datagrams on one way. The default does nothing to them and takes no time.</summary>
public sealed record LinkConditions
{
    /// <summary>No loss and no delay.</summary>
    public static readonly LinkConditions Perfect = new();

    /// <summary>A wide-area path: 25 ms each way, a little jitter, nothing lost.</summary>
    public static readonly LinkConditions WideArea = new() { Latency = TimeSpan.FromMilliseconds(25), Jitter = TimeSpan.FromMilliseconds(5) };

    /// <summary>The share of datagrams that vanish, 0 to 1.</summary>
    public double Loss { get; init; }

    /// <summary>The share of datagrams that arrive twice.</summary>
    public double Duplication { get; init; }

    /// <summary>The share of datagrams in which one to eight bits are flipped.</summary>
    public double Corruption { get; init; }

    /// <summary>The share of datagrams that are delayed by up to <see cref="ReorderDelay"/> beyond the others.</summary>
    public double Reordering { get; init; }

    /// <summary>How long a reordered datagram may be late.</summary>
    public TimeSpan ReorderDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>The least time a datagram takes.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>The most that chance adds to <see cref="Latency"/>. It reorders, unless <see cref="KeepOrder"/> is set.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>Whether a datagram never overtakes an earlier one of the same way.</summary>
    public bool KeepOrder { get; init; }

    /// <summary>The largest datagram that passes, in bytes of UDP payload.</summary>
    public int Mtu { get; init; } = 65507;

    /// <summary>Whether the sender is told that a datagram was too large; otherwise it vanishes.</summary>
    public bool ReportTooLarge { get; init; }

    /// <summary>Bytes per second of the bottleneck; 0 is unlimited.</summary>
    public long Bandwidth { get; init; }

    /// <summary>How long a datagram may wait at the bottleneck before it is dropped instead.</summary>
    public TimeSpan BottleneckQueue { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether nothing passes at all.</summary>
    public bool Blackhole { get; init; }
}
