using System.Diagnostics;

namespace PacketSec.Cli.Bench;

/// <summary>What this process, all its threads included, used from one moment to another.</summary>
internal readonly record struct ProcessUse
{
    public required TimeSpan Elapsed { get; init; }

    public required TimeSpan Cpu { get; init; }

    public required long AllocatedBytes { get; init; }

    /// <summary>Gets how often a thread waited for a lock.</summary>
    public required long Contentions { get; init; }

    /// <summary>Gets the collections of garbage, by the oldest generation collected.</summary>
    public required (int Young, int Middle, int Full) Collections { get; init; }

    public static ProcessUse operator +(ProcessUse left, ProcessUse right) => new()
    {
        Elapsed = left.Elapsed + right.Elapsed,
        Cpu = left.Cpu + right.Cpu,
        AllocatedBytes = left.AllocatedBytes + right.AllocatedBytes,
        Contentions = left.Contentions + right.Contentions,
        Collections = (
            left.Collections.Young + right.Collections.Young,
            left.Collections.Middle + right.Collections.Middle,
            left.Collections.Full + right.Collections.Full),
    };
}

/// <summary>The moment at which a measurement begins.</summary>
internal readonly struct ProcessMark
{
    private readonly long _timestamp;
    private readonly TimeSpan _cpu;
    private readonly long _allocated;
    private readonly long _contentions;
    private readonly int _collected0;
    private readonly int _collected1;
    private readonly int _collected2;

    private ProcessMark(long timestamp, TimeSpan cpu)
    {
        _timestamp = timestamp;
        _cpu = cpu;
        _allocated = GC.GetTotalAllocatedBytes(precise: true);
        _contentions = Monitor.LockContentionCount;
        (_collected0, _collected1, _collected2) = (GC.CollectionCount(0), GC.CollectionCount(1), GC.CollectionCount(2));
    }

    public static ProcessMark Now() => new(Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);

    /// <summary>Returns what was used since.</summary>
    public ProcessUse Since()
    {
        var now = Now();

        // The runtime counts a collection for its generation and all younger ones.
        var (young, middle, full) = (now._collected0 - _collected0, now._collected1 - _collected1, now._collected2 - _collected2);
        return new()
        {
            Elapsed = Stopwatch.GetElapsedTime(_timestamp, now._timestamp),
            Cpu = now._cpu - _cpu,
            AllocatedBytes = now._allocated - _allocated,
            Contentions = now._contentions - _contentions,
            Collections = (young - middle, middle - full, full),
        };
    }
}
