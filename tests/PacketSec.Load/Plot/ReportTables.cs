using System.Globalization;
using System.Text;
using PacketSec.Load.Compare;

namespace PacketSec.Load.Plot;

/// <summary>A part of the page.</summary>
/// <param name="Name">That of its markers.</param>
/// <param name="Text">Markdown.</param>
internal sealed record PageSection(string Name, string Text);

/// <summary>Makes of reports what stands in the page.</summary>
internal static class ReportTables
{
    private const double IdleLoad = 0.5;
    private const double BitsPerGigabit = 1e9 / 8;

    public static IReadOnlyList<PageSection> Of(CompareReport report)
    {
        var setup = Setup(report.Machine, $"compare --pairs {report.Pairs} --seconds {report.Seconds}", report.Pinned);
        if (report.Skipped.Count > 0)
        {
            setup += $"\nSkipped, because the system has no UDP_SEGMENT or UDP_GRO: {string.Join(", ", report.Skipped)}.\n";
        }

        return [new("compare-setup", setup), new("compare", Comparisons(report))];
    }

    public static IReadOnlyList<PageSection> Of(SweepReport report) =>
    [
        new("sweep-setup", Setup(report.Machine, $"sweep --pairs {report.Pairs} --seconds {report.Seconds}", report.Pinned)),
        new("sweep-payload", Payloads(report)),
        new("sweep-peers", Peers(report)),
        new("sweep-stages", Stages(report)),
    ];

    /// <summary>Says whether a figure meets its target.</summary>
    public static string Verdict(ComparisonResult result, Figure figure)
        => result.Void is not null ? "void" : (figure.AtLeast ?? figure.AtMost) is null ? string.Empty : figure.Passed ? "met" : "MISSED";

    private static string Setup(Machine machine, string command, bool pinned)
    {
        var text = Text($"{machine.Cpu}, {machine.Cores} cores; {machine.Kernel}; {machine.Runtime}; {machine.OpenSsl ?? "nothing in C was built"}; `cc {machine.CompilerFlags}`; ")
            + Text($"socket buffers of {machine.ReceiveBufferBytes:N0} bytes to receive and {machine.SendBufferBytes:N0} to send, as the system reports them; ")
            + Text($"load average before {machine.LoadAverage:F1}. Made by `{command}{(pinned ? " --pin" : string.Empty)}`.\n");
        return machine.LoadAverage > IdleLoad
            ? text + "\nThe machine was busy before: the ratios stray, and the figures by themselves are low.\n"
            : text;
    }

    private static string Comparisons(CompareReport report)
    {
        var table = Table("comparison", "figure", "ours", "the other", "ratio", "quartiles", "target", "");
        foreach (var result in report.Comparisons)
        {
            Row(table, [$"`{result.Name}`: {result.Ours} / {result.Other}", .. Cells(result, result.Rate)]);
            Row(table, [string.Empty, .. Cells(result, result.SendCpu)]);
            Row(table, [string.Empty, .. Cells(result, result.ReceiveCpu)]);
            Row(table, string.Empty, "lost at the socket", Text($"{result.OurLoss:P1}"), Text($"{result.OtherLoss:P1}"), "", "", "", "");
        }

        foreach (var result in report.Comparisons)
        {
            if (result.Void is { } reason)
            {
                table.Append(CultureInfo.InvariantCulture, $"\n`{result.Name}` is void: {reason}\n");
            }
        }

        return table.ToString();
    }

    private static string Payloads(SweepReport report)
    {
        var table = Table(
            "payload, B", "in a call", "ours, datagrams/s", "C, datagrams/s", "ratio", "quartiles", "ours, Gbit/s", "C, Gbit/s", "ns CPU, sending", "ns CPU, receiving", "lost");
        foreach (var (payload, batch, result) in report.Payloads)
        {
            Row(
                table,
                Text($"{payload:N0}"),
                Text($"{batch}"),
                Text($"{result.Rate.Ours:N0}"),
                Text($"{result.Rate.Other:N0}"),
                Text($"{result.Rate.Median:F3}"),
                Quartiles(result.Rate),
                Text($"{Gigabits(result.Rate.Ours, payload):F2}"),
                Text($"{Gigabits(result.Rate.Other, payload):F2}"),
                Both(result.SendCpu),
                Both(result.ReceiveCpu),
                Losses(result));
        }

        return table.ToString();
    }

    private static string Peers(SweepReport report)
    {
        var table = Table("peers", "at once", "ours, datagrams/s", "C, datagrams/s", "ratio", "quartiles", "ns CPU, sending", "ns CPU, receiving", "lost");
        foreach (var (peers, burst, result) in report.PeerCounts)
        {
            Row(
                table,
                Text($"{peers:N0}"),
                Text($"{burst}"),
                Text($"{result.Rate.Ours:N0}"),
                Text($"{result.Rate.Other:N0}"),
                Text($"{result.Rate.Median:F3}"),
                Quartiles(result.Rate),
                Both(result.SendCpu),
                Both(result.ReceiveCpu),
                Losses(result));
        }

        return table.ToString();
    }

    private static string Stages(SweepReport report)
    {
        var table = Table("side", "ns for a datagram", "ours", "C", "ratio", "quartiles");
        foreach (var stages in report.Stages)
        {
            Row(table, [stages.Side, .. Stage("system calls", stages.System)]);
            Row(table, [string.Empty, .. Stage("cryptography", stages.Cryptography)]);
            Row(table, string.Empty, "the rest", Text($"{stages.OurRest:N0}"), Text($"{stages.OtherRest:N0}"), "", "");
            Row(table, [string.Empty, .. Stage("all", stages.Total)]);
        }

        return table.ToString();
    }

    /// <summary>Payload bytes as a rate of bits.</summary>
    public static double Gigabits(double rate, int payload) => rate * payload / BitsPerGigabit;

    private static string[] Cells(ComparisonResult result, Figure figure) =>
    [
        figure.Name,
        Text($"{figure.Ours:N0}"),
        Text($"{figure.Other:N0}"),
        Text($"{figure.Median:F3}"),
        Quartiles(figure),
        figure.AtLeast is { } least ? Text($">= {least:F2}") : figure.AtMost is { } most ? Text($"<= {most:F2}") : string.Empty,
        Verdict(result, figure),
    ];

    private static string[] Stage(string name, Figure figure)
        => [name, Text($"{figure.Ours:N0}"), Text($"{figure.Other:N0}"), Text($"{figure.Median:F3}"), Quartiles(figure)];

    private static string Quartiles(Figure figure) => Text($"{figure.Lower:F3} to {figure.Upper:F3}");

    private static string Both(Figure figure) => Text($"{figure.Ours:N0} / {figure.Other:N0}");

    private static string Losses(ComparisonResult result) => Text($"{result.OurLoss:P1} / {result.OtherLoss:P1}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static StringBuilder Table(params string[] columns)
    {
        var table = new StringBuilder();
        Row(table, columns);
        Row(table, [.. columns.Select(_ => "---")]);
        return table;
    }

    private static void Row(StringBuilder table, params string[] cells)
    {
        foreach (var cell in cells)
        {
            table.Append("| ").Append(cell).Append(cell.Length > 0 ? " " : string.Empty);
        }

        table.Append("|\n");
    }
}
