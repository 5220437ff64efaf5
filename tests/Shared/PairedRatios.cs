namespace PacketSec.TestSupport;

/// <summary>
/// Ratios of two contestants that ran in turn, A B, B A, A B and so on: what drifts in the machine hits both of a pair alike, and what drifts within a
/// pair hits each of them first as often as the other. The quartiles say how far single pairs stray from the median.
/// </summary>
internal sealed class PairedRatios
{
    private readonly double[] _sorted;

    private PairedRatios(IReadOnlyList<(double A, double B)> pairs)
    {
        if (pairs.Count == 0)
        {
            throw new ArgumentException("There is at least one pair.", nameof(pairs));
        }

        foreach (var (a, b) in pairs)
        {
            if (!(a > 0 && b > 0 && double.IsFinite(a) && double.IsFinite(b)))
            {
                throw new ArgumentException($"A pair holds positive numbers, not {a} and {b}.", nameof(pairs));
            }
        }

        Pairs = pairs;
        _sorted = [.. pairs.Select(pair => pair.A / pair.B).Order()];
    }

    /// <summary>Gets what was measured, in the order of the pairs.</summary>
    public IReadOnlyList<(double A, double B)> Pairs { get; }

    /// <summary>Gets the ratios A / B, ascending.</summary>
    public IReadOnlyList<double> Sorted => _sorted;

    /// <summary>Gets the median of the ratios A / B.</summary>
    public double Median => Quantile(_sorted, 0.5);

    /// <summary>Gets the lower quartile of the ratios.</summary>
    public double Lower => Quantile(_sorted, 0.25);

    /// <summary>Gets the upper quartile of the ratios.</summary>
    public double Upper => Quantile(_sorted, 0.75);

    /// <summary>Gets the median of what A measured by itself.</summary>
    public double MedianA => MedianOf(Pairs.Select(pair => pair.A));

    /// <summary>Gets the median of what B measured by itself.</summary>
    public double MedianB => MedianOf(Pairs.Select(pair => pair.B));

    /// <summary>Runs both in turn and relates what they return, such as a time or a rate.</summary>
    /// <param name="pairs">How often each runs, at least once.</param>
    /// <param name="a">Runs and measures the contestant.</param>
    /// <param name="b">Runs and measures what it is compared with.</param>
    public static PairedRatios Run(int pairs, Func<double> a, Func<double> b) => FromPairs(Collect(pairs, a, b));

    /// <summary>Relates what was measured already.</summary>
    /// <param name="pairs">Positive numbers, at least one pair.</param>
    public static PairedRatios FromPairs(IReadOnlyList<(double A, double B)> pairs) => new(pairs);

    /// <summary>Runs both in turn, A B, B A, A B and so on, for contestants that measure more than one number.</summary>
    public static IReadOnlyList<(T A, T B)> Collect<T>(int pairs, Func<T> a, Func<T> b)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pairs, 1);
        var collected = new List<(T A, T B)>(pairs);
        for (var i = 0; i < pairs; i++)
        {
            if (i % 2 == 0)
            {
                var first = a();
                collected.Add((first, b()));
            }
            else
            {
                var first = b();
                collected.Add((a(), first));
            }
        }

        return collected;
    }

    private static double MedianOf(IEnumerable<double> values) => Quantile([.. values.Order()], 0.5);

    /// <summary>Interpolates between the two values that the quantile lies between.</summary>
    private static double Quantile(double[] sorted, double quantile)
    {
        var position = quantile * (sorted.Length - 1);
        var below = (int)position;
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((position - below) * (sorted[above] - sorted[below]));
    }
}
