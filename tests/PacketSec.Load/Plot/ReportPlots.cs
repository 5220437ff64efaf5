using PacketSec.Load.Compare;

namespace PacketSec.Load.Plot;

/// <summary>A picture and the file it goes to.</summary>
internal sealed record PlotFile(string Name, string Svg);

/// <summary>Draws reports.</summary>
internal static class ReportPlots
{
    private const int Ours = 0;
    private const int Other = 1;
    private const double Thousand = 1000;

    public static IReadOnlyList<PlotFile> Of(CompareReport report) => [new("ratios.svg", Ratios(report).Draw())];

    public static IReadOnlyList<PlotFile> Of(SweepReport report)
    {
        var plots = new List<PlotFile>();
        if (report.Payloads.Count > 0)
        {
            plots.Add(new("rate-payload.svg", Rates(report).Draw()));
            plots.Add(new("bits-payload.svg", Bits(report).Draw()));
        }

        if (report.PeerCounts.Count > 0)
        {
            plots.Add(new("rate-peers.svg", Peers(report).Draw()));
        }

        plots.Add(new("cpu-stages.svg", Stages(report).Draw()));
        return plots;
    }

    private static RatioBars Ratios(CompareReport report) => new(
        "Ours to the other program",
        "ratio, logarithmic",
        [.. report.Comparisons.SelectMany(BarsOf)]);

    private static IEnumerable<RatioBar> BarsOf(ComparisonResult result)
    {
        yield return Bar("rate", result.Rate);
        if (result.SendCpu.AtMost is not null)
        {
            yield return Bar("CPU, sending", result.SendCpu);
            yield return Bar("CPU, receiving", result.ReceiveCpu);
        }

        RatioBar Bar(string name, Figure figure) => new(
            $"{result.Name}, {name}", figure.Median, figure.Lower, figure.Upper, figure.AtLeast, figure.AtMost, ReportTables.Verdict(result, figure));
    }

    private static LinePlot Rates(SweepReport report) => new(
        "Rate against payload",
        "payload of a datagram, bytes",
        "datagrams opened, thousands a second",
        2,
        true,
        OfPayloads(report, (rate, _) => rate / Thousand));

    private static LinePlot Bits(SweepReport report) => new(
        "Payload carried against its size",
        "payload of a datagram, bytes",
        "payload opened, Gbit/s",
        2,
        false,
        OfPayloads(report, ReportTables.Gigabits));

    private static PlotSeries[] OfPayloads(SweepReport report, Func<double, int, double> convert) =>
    [
        new("PacketSec, batches", Ours, false, [.. report.Payloads.Select(point => Point(point.Payload, point.Result.Rate, Ours, rate => convert(rate, point.Payload)))]),
        new("C, GSO and GRO", Other, false, [.. report.Payloads.Select(point => Point(point.Payload, point.Result.Rate, Other, rate => convert(rate, point.Payload)))]),
    ];

    private static LinePlot Peers(SweepReport report) => new(
        "Rate against the number of peers",
        "peers that send in turn",
        "datagrams opened, thousands a second",
        10,
        false,
        [.. report.PeerCounts.GroupBy(point => point.Burst).SelectMany(group => new[]
        {
            new PlotSeries($"PacketSec, {AtOnce(group.Key)}", Ours, group.Key == 1, [.. group.Select(point => PeersPoint(point, Ours))]),
            new PlotSeries($"C, {AtOnce(group.Key)}", Other, group.Key == 1, [.. group.Select(point => PeersPoint(point, Other))]),
        })]);

    private static string AtOnce(int burst) => burst == 1 ? "one by one" : $"{burst} at once";

    private static PlotPoint PeersPoint(PeersPoint point, int contestant) => Point(point.Peers, point.Result.Rate, contestant, rate => rate / Thousand);

    private static PlotPoint Point(double x, Figure figure, int contestant, Func<double, double> convert)
        => new(x, convert(contestant == Ours ? figure.Ours : figure.Other), [.. figure.Pairs.Select(pair => convert(pair[contestant]))]);

    private static StackedBars Stages(SweepReport report) => new(
        $"CPU time by stage, {report.StagePayload:N0} bytes",
        "ns of CPU time for a datagram",
        ["cryptography", "system calls", "the rest"],
        [.. report.Stages.SelectMany(stages => new StackedBar[]
        {
            new($"PacketSec, {stages.Side}", [stages.Cryptography.Ours, stages.System.Ours, stages.OurRest], stages.Total.Ours),
            new($"C, {stages.Side}", [stages.Cryptography.Other, stages.System.Other, stages.OtherRest], stages.Total.Other),
        })]);
}
