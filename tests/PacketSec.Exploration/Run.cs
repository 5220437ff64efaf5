using System.Diagnostics;
using PacketSec.Exploration.Search;

namespace PacketSec.Exploration;

/// <summary>Explores configurations, two at a time, and prints what comes of it.</summary>
internal sealed class Run(TextWriter output, FileInfo minimum)
{
    private const int AtOnce = 2;

    private readonly Dictionary<string, int> _least = ReadMinimum(minimum);
    private int _passed;
    private int _failed;

    public static void List(TextWriter output)
    {
        foreach (var configuration in Configurations.Default.Concat(Configurations.Deep))
        {
            output.WriteLine($"{configuration.Name,-22} {configuration.What}");
        }

        foreach (var control in Configurations.Controls)
        {
            output.WriteLine($"{control.Weakness,-22} must be noticed in {control.Name}");
        }
    }

    /// <summary>Explores configurations: each passes when nothing is wrong and no fewer states were seen than there were.</summary>
    public void Explore(IReadOnlyList<Configuration> configurations)
    {
        if (configurations.Count == 0)
        {
            return;
        }

        output.WriteLine("configuration            states       edges  depth      late   full  started over  unconfirmed     s  violations");
        var found = ExploreAll(configurations, finding =>
        {
            var (findings, time) = finding;
            var isShort = findings.States < _least.GetValueOrDefault(findings.Configuration.Name) && findings.Violation is null;
            output.WriteLine(
                $"{findings.Configuration.Name,-20} {findings.States,10} {findings.Edges,11} {findings.Depth,6} {findings.Late,9} {findings.Full,6} {findings.StartedOver,13} "
                + $"{findings.Unconfirmed,12} {time.TotalSeconds,5:F1}  {(findings.Violation is null ? "none" : "one")}");
            if (isShort)
            {
                output.WriteLine($"{findings.Configuration.Name}: fewer states than the {_least[findings.Configuration.Name]} that there were");
            }

            if (findings.Violation is { } violation)
            {
                output.WriteLine(Schedule.Print(findings.Configuration, violation));
            }

            Count(!isShort && findings.Violation is null);
        });
        output.WriteLine($"{"all",-20} {found.Sum(findings => findings.States),10} {found.Sum(findings => findings.Edges),11}");
    }

    /// <summary>Explores broken rules: each passes when something is wrong.</summary>
    public void RunControls(IReadOnlyList<Configuration> configurations)
    {
        output.WriteLine("control              noticed in      after states  steps  as");
        ExploreAll(configurations, finding =>
        {
            var findings = finding.Findings;
            var seen = findings.Violation is { } violation ? $"{violation.Steps.Count,6}  {violation.Fault}" : "        NOT NOTICED";
            output.WriteLine($"{findings.Configuration.Weakness,-20} {findings.Configuration.Name,-16} {findings.States,11} {seen}");
            Count(findings.Violation is not null);
        });
    }

    /// <summary>Prints the sums, and returns the exit code.</summary>
    public int Finish()
    {
        output.WriteLine($"{_passed} passed, {_failed} failed, 0 skipped");
        return _failed == 0 ? 0 : 1;
    }

    private static List<Findings> ExploreAll(IReadOnlyList<Configuration> configurations, Action<(Findings Findings, TimeSpan Time)> report)
    {
        var all = new List<Findings>();
        foreach (var finding in configurations.AsParallel().AsOrdered().WithDegreeOfParallelism(AtOnce).WithMergeOptions(ParallelMergeOptions.NotBuffered)
            .Select(configuration =>
            {
                var started = Stopwatch.GetTimestamp();
                return (Findings: new Explorer(configuration).Run(), Time: Stopwatch.GetElapsedTime(started));
            }))
        {
            all.Add(finding.Findings);
            report(finding);
        }

        return all;
    }

    private static Dictionary<string, int> ReadMinimum(FileInfo file)
        => File.ReadLines(file.FullName).Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .ToDictionary(parts => parts[0], parts => int.Parse(parts[1]));

    private void Count(bool isGood)
    {
        _passed += isGood ? 1 : 0;
        _failed += isGood ? 0 : 1;
    }
}
