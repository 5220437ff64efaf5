using System.Diagnostics;

namespace PacketSec.Cli.Bench;

/// <summary>Times in ticks of <see cref="Stopwatch"/>, kept in an array made beforehand. One thread at a time.</summary>
/// <param name="capacity">The most that is kept; at least 1.</param>
internal sealed class LatencySamples(int capacity)
{
    private readonly long[] _ticks = new long[capacity];

    public int Count { get; private set; }

    public bool IsFull => Count == _ticks.Length;

    /// <summary>Keeps a time. Not to be called when it is full.</summary>
    public void Add(long ticks) => _ticks[Count++] = ticks;

    public void Clear() => Count = 0;

    /// <summary>Sorts the times and returns their percentiles. There must be one at least.</summary>
    public LatencySummary Summarize()
    {
        var ticks = _ticks.AsSpan(0, Count);
        ticks.Sort();
        return new(
            ToMicroseconds(Statistics.Percentile(ticks, 50)),
            ToMicroseconds(Statistics.Percentile(ticks, 90)),
            ToMicroseconds(Statistics.Percentile(ticks, 99)),
            ToMicroseconds(ticks[^1]));
    }

    private static double ToMicroseconds(long ticks) => ticks * 1e6 / Stopwatch.Frequency;
}

/// <summary>Percentiles of times, in microseconds.</summary>
internal readonly record struct LatencySummary(double P50, double P90, double P99, double Max);
