using System.Globalization;

namespace PacketSec.Load.Compare;

/// <summary>Prints a report for people.</summary>
internal static class CompareTable
{
    private const double IdleLoad = 0.5;

    public static void Print(CompareReport report, TextWriter output)
    {
        var machine = report.Machine;
        output.WriteLine($"{machine.Cpu}, {machine.Cores} cores, {machine.Kernel}");
        output.WriteLine($"{machine.Runtime}; {machine.OpenSsl ?? "nothing in C was built"}; cc {machine.CompilerFlags}");
        output.WriteLine($"socket buffers: {machine.ReceiveBufferBytes:N0} bytes to receive, {machine.SendBufferBytes:N0} to send");
        output.WriteLine($"{report.Pairs} pairs in turn, {report.Seconds} s each after 1 s, {report.Payload:N0} bytes in each datagram; {(report.Pinned ? "pinned" : "not pinned")}");
        if (machine.LoadAverage > IdleLoad)
        {
            output.WriteLine($"The machine was busy before (load average {machine.LoadAverage:F1}): the ratios stray, and the figures by themselves are low.");
        }

        foreach (var result in report.Comparisons)
        {
            output.WriteLine();
            output.WriteLine($"{result.Name}: {result.Ours} / {result.Other}");
            output.WriteLine($"  {"",-20}{"ours",12}{"other",12}{"ratio",8}  {"quartiles",-15}{"target",-10}");
            Print(result.Rate, output);
            Print(result.SendCpu, output);
            Print(result.ReceiveCpu, output);
            output.WriteLine($"  {"lost",-20}{result.OurLoss,12:P1}{result.OtherLoss,12:P1}");
            if (result.Void is { } reason)
            {
                output.WriteLine($"  VOID: {reason}");
            }
        }

        if (report.Skipped.Count > 0)
        {
            output.WriteLine();
            output.WriteLine($"SKIPPED: {string.Join(", ", report.Skipped)}: the system has no UDP_SEGMENT or UDP_GRO (Linux 5.0 and later have).");
        }

        output.WriteLine();
        output.WriteLine(report.Passed ? "passed" : $"FAILED: {string.Join(", ", report.Comparisons.Where(result => !result.Passed).Select(result => result.Name))}");
    }

    private static void Print(Figure figure, TextWriter output)
    {
        var target = figure.AtLeast is { } least ? $">= {least:F2}" : figure.AtMost is { } most ? $"<= {most:F2}" : string.Empty;
        var verdict = target.Length == 0 ? string.Empty : figure.Passed ? "met" : "MISSED";
        var quartiles = string.Create(CultureInfo.InvariantCulture, $"{figure.Lower:F3}-{figure.Upper:F3}");
        output.WriteLine($"  {figure.Name,-20}{figure.Ours,12:N0}{figure.Other,12:N0}{figure.Median,8:F3}  {quartiles,-15}{target,-10}{verdict}".TrimEnd());
    }
}
