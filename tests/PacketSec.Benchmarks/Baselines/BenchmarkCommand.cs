using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters.Json;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using PacketSec.Benchmarks.Suites;
using Perfolizer.Horology;

namespace PacketSec.Benchmarks.Baselines;

/// <summary><c>run</c>: runs the benchmarks and compares them with the stored baseline, or writes it.</summary>
internal static class BenchmarkCommand
{
    private const string Calibration = $"{nameof(PacketBenchmarks)}.{nameof(PacketBenchmarks.Calibration)}";

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private static readonly Type[] Suites = [typeof(PacketBenchmarks), typeof(RouteBenchmarks), typeof(ParseBenchmarks), typeof(HandshakeBenchmarks)];

    public static Command Create()
    {
        var baseline = new Option<FileInfo>("--baseline")
        {
            Description = "The stored baseline.",
            DefaultValueFactory = _ => new(Path.Combine("tests", "PacketSec.Benchmarks", "baseline.json")),
        };
        var update = new Option<bool>("--update-baseline") { Description = "Writes the baseline in place of comparing." };
        var command = new Command("run", "Runs the benchmarks and compares them with the baseline, as ratios to a calibration; exit code 1 if one is beyond its bound.")
        {
            baseline, update,
        };
        command.SetAction(result => Run(result.GetValue(baseline)!, result.GetValue(update)));
        return command;
    }

    private static int Run(FileInfo baseline, bool update)
    {
        if (!update && !baseline.Exists)
        {
            Console.Error.WriteLine($"There is no baseline at {baseline.FullName}: run from the repository's root, name it with --baseline, or write it with --update-baseline.");
            return 1;
        }

        var now = Measure();
        if (update)
        {
            File.WriteAllText(baseline.FullName, JsonSerializer.Serialize(now, Json) + "\n");
            Console.Out.WriteLine($"{now.Count} benchmarks written to {baseline.FullName}");
            return 0;
        }

        var before = JsonSerializer.Deserialize<SortedDictionary<string, Cost>>(File.ReadAllText(baseline.FullName), Json)
            ?? throw new InvalidDataException($"{baseline.FullName} holds no baseline.");
        return Print(BaselineComparison.Compare(before, now));
    }

    // In this process: the generated project of the default toolchain would need a place outside of the repository's settings. Short runs, as
    // the bound is wide.
    private static SortedDictionary<string, Cost> Measure()
    {
        var config = ManualConfig.CreateEmpty()
            .AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithWarmupCount(6).WithIterationCount(15).WithIterationTime(TimeInterval.Millisecond * 100))
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddExporter(JsonExporter.Brief)
            .AddLogger(ConsoleLogger.Default)
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "packetsec-benchmarks"));
        var medians = new SortedDictionary<string, (double Median, long Allocated)>(StringComparer.Ordinal);
        foreach (var suite in Suites)
        {
            foreach (var report in BenchmarkRunner.Run(suite, config).Reports)
            {
                medians[NameOf(report)] = (
                    report.ResultStatistics?.Median ?? throw new InvalidOperationException($"The benchmark {NameOf(report)} failed; its output above says why."),
                    report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? 0);
            }
        }

        var calibration = medians[Calibration].Median;
        return new(medians.ToDictionary(pair => pair.Key, pair => new Cost(Math.Round(pair.Value.Median / calibration, 5), pair.Value.Allocated)), StringComparer.Ordinal);
    }

    private static string NameOf(BenchmarkReport report)
    {
        var benchmark = report.BenchmarkCase;
        var parameters = benchmark.HasParameters ? $"({string.Join(", ", benchmark.Parameters.Items.Select(item => $"{item.Name}: {item.Value}"))})" : "";
        return $"{benchmark.Descriptor.Type.Name}.{benchmark.Descriptor.WorkloadMethod.Name}{parameters}";
    }

    private static int Print(IReadOnlyList<Compared> lines)
    {
        var width = lines.Max(line => line.Name.Length);
        Console.Out.WriteLine($"{"benchmark, time to the calibration's".PadRight(width)}  {"before",9}  {"now",9}  {"change",6}  allocated");
        foreach (var (name, before, now, verdict) in lines)
        {
            var change = before is { Ratio: > 0 } && now is not null ? now.Ratio / before.Ratio : double.NaN;
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name.PadRight(width)}  {before?.Ratio,9:F4}  {now?.Ratio,9:F4}  {change,6:F2}  {before?.AllocatedBytes} -> {now?.AllocatedBytes} B  {verdict}"));
        }

        var failed = lines.Count(line => line.Verdict != Verdict.Within);
        Console.Out.WriteLine($"bounds: {BaselineComparison.TimeBound.ToString(CultureInfo.InvariantCulture)} times the time, 1.1 times the bytes");
        Console.Out.WriteLine($"{lines.Count - failed} passed, {failed} failed");
        return failed == 0 ? 0 : 1;
    }
}
