using System.Globalization;

namespace PacketSec.Cli.Bench;

/// <summary>One transfer over one stream.</summary>
/// <param name="Bytes">What was sent.</param>
/// <param name="Elapsed">From the stream's opening to the receiver's word that it has everything.</param>
/// <param name="SenderCpu">What the sending process used in that time.</param>
/// <param name="ReceiverCpu">What the receiving process used from the stream's begin to its end.</param>
internal sealed record StreamRun(long Bytes, TimeSpan Elapsed, TimeSpan SenderCpu, TimeSpan ReceiverCpu)
{
    public double BytesPerSecond => Bytes / Elapsed.TotalSeconds;

    public double SenderNanoseconds => SenderCpu.TotalNanoseconds / Bytes;

    public double ReceiverNanoseconds => ReceiverCpu.TotalNanoseconds / Bytes;
}

/// <summary>Two processes with a connection between them.</summary>
internal interface IStreamContestant : IAsyncDisposable
{
    string Name { get; }

    /// <summary>Sends bytes over a new stream.</summary>
    Task<StreamRun> RunAsync(long bytes, CancellationToken cancellationToken);
}

/// <summary>The medians of runs in pairs.</summary>
internal sealed record StreamComparison(double Ours, double Theirs, double Ratio)
{
    public const double TargetRatio = 1.0;

    public bool IsMet => Ratio >= TargetRatio;

    public static StreamComparison Of(IReadOnlyList<(StreamRun Ours, StreamRun Theirs)> pairs) => new(
        Statistics.Median(pairs.Select(pair => pair.Ours.BytesPerSecond)),
        Statistics.Median(pairs.Select(pair => pair.Theirs.BytesPerSecond)),
        Statistics.Median(pairs.Select(pair => pair.Ours.BytesPerSecond / pair.Theirs.BytesPerSecond)));

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"median of the pairs' ratios: {Ratio:0.000} (packetsec {Ours / 1e6:0.0}, quinn {Theirs / 1e6:0.0} MB/s); target {TargetRatio:0.0}: {(IsMet ? "met" : "MISSED")}");
}

/// <summary>Runs the benchmark.</summary>
internal static class StreamBench
{
    /// <summary>Sends again and again until a time is over, after one run that does not count.</summary>
    public static async Task RunAsync(
        IStreamContestant contestant, long bytes, TimeSpan duration, Action<int, StreamRun> print, CancellationToken cancellationToken)
    {
        await contestant.RunAsync(bytes, cancellationToken);
        var elapsed = TimeSpan.Zero;
        for (var number = 1; elapsed < duration; number++)
        {
            var run = await contestant.RunAsync(bytes, cancellationToken);
            elapsed += run.Elapsed;
            print(number, run);
        }
    }

    /// <summary>Lets two send in turn, the first of a pair being the second of the next, after one run of each that does not count.</summary>
    public static async Task<StreamComparison> CompareAsync(
        IStreamContestant ours, IStreamContestant theirs, long bytes, int pairs, Action<string, int, StreamRun> print, CancellationToken cancellationToken)
    {
        await ours.RunAsync(bytes, cancellationToken);
        await theirs.RunAsync(bytes, cancellationToken);
        var results = new List<(StreamRun, StreamRun)>();
        for (var number = 1; number <= pairs; number++)
        {
            var isOursFirst = number % 2 == 1;
            var first = await (isOursFirst ? ours : theirs).RunAsync(bytes, cancellationToken);
            var second = await (isOursFirst ? theirs : ours).RunAsync(bytes, cancellationToken);
            var pair = isOursFirst ? (first, second) : (second, first);
            print(ours.Name, number, pair.Item1);
            print(theirs.Name, number, pair.Item2);
            results.Add(pair);
        }

        return StreamComparison.Of(results);
    }
}
