using PacketSec.TestSupport;

namespace PacketSec.Load.Compare;

/// <summary>One kind of figure, with its target.</summary>
/// <param name="Name">For people.</param>
/// <param name="Median">The median of the paired ratios, ours to the other.</param>
/// <param name="Lower">Their lower quartile.</param>
/// <param name="Upper">Their upper quartile.</param>
/// <param name="Ours">The median of ours.</param>
/// <param name="Other">The median of the other.</param>
/// <param name="AtLeast">The target, where it is a lower bound.</param>
/// <param name="AtMost">The target, where it is an upper bound.</param>
/// <param name="Pairs">Everything that was measured, ours and the other.</param>
internal sealed record Figure(
    string Name, double Median, double Lower, double Upper, double Ours, double Other, double? AtLeast, double? AtMost, IReadOnlyList<double[]> Pairs)
{
    /// <summary>Gets a value indicating whether the median meets the target; true where there is none.</summary>
    public bool Passed { get; init; } = (AtLeast is null || Median >= AtLeast) && (AtMost is null || Median <= AtMost);

    public static Figure Of(string name, IReadOnlyList<(double, double)> pairs, double? atLeast = null, double? atMost = null)
    {
        var ratios = PairedRatios.FromPairs(pairs);
        return new(
            name,
            ratios.Median,
            ratios.Lower,
            ratios.Upper,
            ratios.MedianA,
            ratios.MedianB,
            atLeast,
            atMost,
            [.. ratios.Pairs.Select(pair => new[] { pair.A, pair.B })]);
    }
}

/// <summary>What a comparison came to.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Ours">The contestant.</param>
/// <param name="Other">What it was compared with.</param>
/// <param name="Rate">Datagrams opened per second.</param>
/// <param name="SendCpu">Nanoseconds of CPU time for a datagram sent.</param>
/// <param name="ReceiveCpu">Nanoseconds of CPU time for a datagram opened.</param>
/// <param name="OurLoss">The median part of datagrams that the system dropped.</param>
/// <param name="OtherLoss">The same of the other.</param>
/// <param name="Void">Why the figures say nothing; null where they do.</param>
internal sealed record ComparisonResult(
    string Name, string Ours, string Other, Figure Rate, Figure SendCpu, Figure ReceiveCpu, double OurLoss, double OtherLoss, string? Void)
{
    /// <summary>Gets a value indicating whether all targets are met.</summary>
    public bool Passed { get; init; } = Void is null && Rate.Passed && SendCpu.Passed && ReceiveCpu.Passed;

    public static ComparisonResult Of(Comparison comparison, IReadOnlyList<(Outcome Ours, Outcome Other)> pairs)
    {
        var rate = Figure.Of("datagrams/s opened", [.. pairs.Select(pair => (pair.Ours.Received.Rate, pair.Other.Received.Rate))], atLeast: comparison.RateAtLeast);
        return new(
            comparison.Name,
            comparison.Ours.Name,
            comparison.Other.Name,
            rate,
            Cpu("ns CPU, sending", comparison, pairs, outcome => outcome.Sent.NanosecondsPerPacket),
            Cpu("ns CPU, receiving", comparison, pairs, outcome => outcome.Received.NanosecondsPerPacket),
            Middle(pairs.Select(pair => pair.Ours.Lost)),
            Middle(pairs.Select(pair => pair.Other.Lost)),
            rate.Other < comparison.OtherAtLeast
                ? $"{comparison.Other.Name} opens {rate.Other:N0} datagrams/s; below {comparison.OtherAtLeast:N0} it is no measure. Repeat it on an idle machine."
                : null);
    }

    private static Figure Cpu(string name, Comparison comparison, IReadOnlyList<(Outcome Ours, Outcome Other)> pairs, Func<Outcome, double> select)
        => Figure.Of(name, [.. pairs.Select(pair => (select(pair.Ours), select(pair.Other)))], atMost: comparison.CpuAtMost);

    private static double Middle(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

/// <summary>All that one call of <c>compare</c> found; the JSON has these names.</summary>
/// <param name="Machine">Where.</param>
/// <param name="Pairs">How often each contestant ran.</param>
/// <param name="Seconds">The measured part of each run.</param>
/// <param name="Payload">Bytes of the application in each datagram.</param>
/// <param name="Pinned">Whether sender and receiver had a core each to themselves.</param>
/// <param name="Comparisons">The results.</param>
/// <param name="Skipped">The comparisons that the machine cannot make.</param>
internal sealed record CompareReport(
    Machine Machine, int Pairs, int Seconds, int Payload, bool Pinned, IReadOnlyList<ComparisonResult> Comparisons, IReadOnlyList<string> Skipped)
{
    /// <summary>Gets a value indicating whether no target was missed.</summary>
    public bool Passed { get; init; } = Comparisons.All(comparison => comparison.Passed);
}
