namespace PacketSec.Cli.Bench;

/// <summary>A pair of sockets between which one datagram goes back and forth.</summary>
internal interface IPingPong : IAsyncDisposable
{
    /// <summary>Gets what it is, for people and programs.</summary>
    string Name { get; }

    /// <summary>Makes round trips until the samples are full.</summary>
    /// <param name="samples">Where their times go.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <returns>The datagrams lost: each was sent again after a second, and did not count.</returns>
    /// <exception cref="CliException">Nothing comes back any more.</exception>
    Task<int> RunAsync(LatencySamples samples, CancellationToken cancellationToken);
}

/// <summary>One run of round trips.</summary>
/// <param name="Name">Whose.</param>
/// <param name="Number">Its number, from 1.</param>
/// <param name="Count">The round trips.</param>
/// <param name="Lost">The datagrams that were lost.</param>
/// <param name="Latency">Their times.</param>
internal sealed record LatencyRun(string Name, int Number, int Count, int Lost, LatencySummary Latency);

/// <summary>The medians of the runs of two pairs of sockets. Times in microseconds.</summary>
internal sealed record LatencyComparison(double PlainP50, double PlainP99, double ChannelP50, double ChannelP99)
{
    /// <summary>What a channel may add to the median round trip of plain UDP.</summary>
    public const double TargetP50 = 10;

    /// <summary>What it may add to the round trip that 99 percent do not exceed.</summary>
    public const double TargetP99 = 30;

    public double DifferenceP50 => ChannelP50 - PlainP50;

    public double DifferenceP99 => ChannelP99 - PlainP99;

    public bool MeetsP50 => DifferenceP50 <= TargetP50;

    public bool MeetsP99 => DifferenceP99 <= TargetP99;

    public static LatencyComparison Of(IReadOnlyList<LatencyRun> plain, IReadOnlyList<LatencyRun> channel) => new(
        Statistics.Median(plain.Select(run => run.Latency.P50)),
        Statistics.Median(plain.Select(run => run.Latency.P99)),
        Statistics.Median(channel.Select(run => run.Latency.P50)),
        Statistics.Median(channel.Select(run => run.Latency.P99)));
}

/// <summary>Runs round trips, those of several pairs of sockets in turn, so that what disturbs the machine disturbs all.</summary>
internal static class LatencyBench
{
    /// <summary>Runs the benchmark; a first run of each does not count.</summary>
    /// <param name="pairs">The pairs of sockets.</param>
    /// <param name="runs">The runs of each.</param>
    /// <param name="count">The round trips of each run.</param>
    /// <param name="report">Told of each run.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task RunAsync(IReadOnlyList<IPingPong> pairs, int runs, int count, Action<LatencyRun> report, CancellationToken cancellationToken)
    {
        var samples = new LatencySamples(count);
        for (var number = 0; number <= runs; number++)
        {
            foreach (var pair in pairs)
            {
                samples.Clear();
                var lost = await pair.RunAsync(samples, cancellationToken);
                if (number > 0)
                {
                    report(new(pair.Name, number, samples.Count, lost, samples.Summarize()));
                }
            }
        }
    }
}
