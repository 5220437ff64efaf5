namespace PacketSec.Benchmarks.Baselines;

/// <summary>What one benchmark costs.</summary>
/// <param name="Ratio">Its time over that of the calibration in the same run.</param>
/// <param name="AllocatedBytes">What it takes from the managed heap for each operation.</param>
internal sealed record Cost(double Ratio, long AllocatedBytes);

/// <summary>How a benchmark compares with what it cost before.</summary>
internal enum Verdict
{
    /// <summary>Within the bounds.</summary>
    Within,

    /// <summary>Slower than the bound.</summary>
    Slower,

    /// <summary>It allocates more than the bound.</summary>
    AllocatesMore,

    /// <summary>The baseline does not know it: it is to be updated.</summary>
    New,

    /// <summary>The baseline knows it, and it did not run.</summary>
    Missing,
}

/// <summary>One line of the comparison.</summary>
internal sealed record Compared(string Name, Cost? Before, Cost? Now, Verdict Verdict);

/// <summary>
/// Compares a run with the stored one. Times are ratios to a calibration of the same run, as absolute ones differ between machines; the bound is
/// generous, as ratios differ a little too.
/// </summary>
internal static class BaselineComparison
{
    /// <summary>How many times slower a benchmark may be.</summary>
    public const double TimeBound = 1.5;

    // What allocates at all may allocate a little more; what does not may not begin to.
    private const double AllocationBound = 1.1;

    public static IReadOnlyList<Compared> Compare(IReadOnlyDictionary<string, Cost> before, IReadOnlyDictionary<string, Cost> now)
        => [.. before.Keys.Union(now.Keys).Order(StringComparer.Ordinal).Select(name => Compare(name, before.GetValueOrDefault(name), now.GetValueOrDefault(name)))];

    private static Compared Compare(string name, Cost? before, Cost? now)
    {
        var verdict = (before, now) switch
        {
            (null, _) => Verdict.New,
            (_, null) => Verdict.Missing,
            var (old, current) when current.AllocatedBytes > old.AllocatedBytes * AllocationBound => Verdict.AllocatesMore,
            var (old, current) when current.Ratio > old.Ratio * TimeBound => Verdict.Slower,
            _ => Verdict.Within,
        };
        return new(name, before, now, verdict);
    }
}
