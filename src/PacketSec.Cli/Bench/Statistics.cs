namespace PacketSec.Cli.Bench;

/// <summary>The few statistics that the benchmarks print.</summary>
internal static class Statistics
{
    /// <summary>Returns the smallest value that so many percent of all values do not exceed (the nearest rank): one that was measured.</summary>
    /// <param name="sorted">The values in ascending order, one at least.</param>
    /// <param name="percent">More than 0, and 100 at most.</param>
    public static long Percentile(ReadOnlySpan<long> sorted, int percent)
    {
        if (sorted.IsEmpty)
        {
            throw new ArgumentException("There are no values.", nameof(sorted));
        }

        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(percent);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(percent, 100);
        var rank = (((long)sorted.Length * percent) + 99) / 100;
        return sorted[(int)rank - 1];
    }

    /// <summary>Returns the value in the middle, or the mean of the two there.</summary>
    /// <param name="values">The values in any order, one at least.</param>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0)
        {
            throw new ArgumentException("There are no values.", nameof(values));
        }

        var upper = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[upper] : (sorted[upper - 1] + sorted[upper]) / 2;
    }
}
