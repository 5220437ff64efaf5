using System.Diagnostics;
using PacketSec.TestSupport;

namespace PacketSec.Benchmarks.Ratios;

/// <summary>Warms two contestants up and relates them.</summary>
internal static class PairedRatio
{
    /// <summary>Long enough for the compiler, which optimises in the background what has run often; handshakes run less often than packets.</summary>
    public static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    /// <summary>The same for what takes hundreds of microseconds.</summary>
    public static readonly TimeSpan LongWarmUp = TimeSpan.FromSeconds(5);

    /// <summary>Warms up and measures.</summary>
    /// <param name="pairs">The number of pairs.</param>
    /// <param name="warmUp">How long both run before.</param>
    /// <param name="first">Does the first once and returns its nanoseconds.</param>
    /// <param name="second">Does the second once and returns its nanoseconds.</param>
    public static PairedRatios Measure(int pairs, TimeSpan warmUp, Func<double> first, Func<double> second)
    {
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < warmUp;)
        {
            first();
            second();
        }

        return PairedRatios.Run(pairs, first, second);
    }
}
