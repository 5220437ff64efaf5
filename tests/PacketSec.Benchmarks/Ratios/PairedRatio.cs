using System.Diagnostics;

namespace PacketSec.Benchmarks.Ratios;

/// <summary>Quartiles of ratios that were measured in pairs.</summary>
internal readonly record struct Quartiles(double Lower, double Median, double Upper)
{
    public static Quartiles Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return new(At(0.25), At(0.5), At(0.75));

        double At(double fraction)
        {
            var place = fraction * (sorted.Length - 1);
            var below = (int)place;
            var above = Math.Min(below + 1, sorted.Length - 1);
            return sorted[below] + ((sorted[above] - sorted[below]) * (place - below));
        }
    }
}

/// <summary>
/// The ratio of two ways to do something. Both run in turn, each pair as first, second, second, first, so that a machine which becomes slower
/// or faster meanwhile does so for both.
/// </summary>
internal static class PairedRatio
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(700);

    /// <summary>Measures.</summary>
    /// <param name="pairs">The number of pairs.</param>
    /// <param name="first">Does the first once and returns its nanoseconds.</param>
    /// <param name="second">Does the second once and returns its nanoseconds.</param>
    public static PairedTimes Measure(int pairs, Func<double> first, Func<double> second)
    {
        // The compiler optimises what runs often, in the background.
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < WarmUp;)
        {
            first();
            second();
        }

        var ratios = new double[pairs];
        var (firsts, seconds) = (new List<double>(), new List<double>());
        for (var i = 0; i < pairs; i++)
        {
            var a = first();
            var b = second();
            b += second();
            a += first();
            ratios[i] = a / b;
            firsts.Add(a / 2);
            seconds.Add(b / 2);
        }

        return new(Quartiles.Of(ratios), Quartiles.Of(firsts).Median, Quartiles.Of(seconds).Median);
    }
}

/// <summary>What pairs came to.</summary>
/// <param name="Ratio">The first over the second.</param>
/// <param name="First">The median of the first, in nanoseconds.</param>
/// <param name="Second">The median of the second, in nanoseconds.</param>
internal readonly record struct PairedTimes(Quartiles Ratio, double First, double Second);
