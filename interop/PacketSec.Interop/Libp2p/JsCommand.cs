using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using PacketSec.Interop.Cells;
using PacketSec.Libp2p;

namespace PacketSec.Interop.Libp2p;

/// <summary><c>js</c>: runs between hosts of this implementation and of js-libp2p.</summary>
internal static class JsCommand
{
    private const int ScenarioWidth = 36;
    private const int PairWidth = 12;

    // A cell moves up to 100 MiB in JavaScript, beside others.
    private static readonly TimeSpan CellCeiling = TimeSpan.FromSeconds(90);

    public static Command Create()
    {
        var seed = new Option<ulong>("--seed") { Description = "Decides what the paths do to which datagram.", DefaultValueFactory = _ => 1 };
        var only = new Option<string>("--only") { Description = "Run the cells whose name contains this.", DefaultValueFactory = _ => "" };
        var parallel = new Option<int>("--parallel") { Description = "Cells at once; each has a process of its own.", DefaultValueFactory = _ => 8 };
        var command = new Command("js", "Drives PacketSec and a js-libp2p host against each other through a path with faults, and prints the matrix.") { seed, only, parallel };
        command.SetAction((arguments, stop) => RunAsync(
            [.. JsCells.All().Where(cell => cell.Name.Contains(arguments.GetValue(only)!, StringComparison.Ordinal))],
            arguments.GetValue(seed),
            Math.Max(1, arguments.GetValue(parallel)),
            stop));
        return command;
    }

    private static async Task<int> RunAsync(JsCell[] cells, ulong seed, int parallel, CancellationToken stop)
    {
        if (JsBuild.Missing() is { } missing)
        {
            Console.WriteLine($"The cells with js-libp2p are skipped: {missing} is missing.{(JsBuild.IsRequired ? " PACKETSEC_REQUIRE names node, so this is a failure." : "")}");
            Console.WriteLine(JsBuild.IsRequired ? "0 passed, 1 failed, 0 skipped" : $"0 passed, 0 failed, {cells.Length} skipped");
            return JsBuild.IsRequired ? 1 : 0;
        }

        await JsBuild.InstallAsync(stop);
        var failures = new ConcurrentDictionary<JsCell, string?>();

        // Those that take longest begin first: where most is lost, most time is waited, and then where most is moved.
        var order = cells.OrderByDescending(cell => cell.Loss).ThenByDescending(cell => cell.Bytes);
        await Parallel.ForEachAsync(order, new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = stop }, async (cell, cancellation) =>
        {
            var started = Stopwatch.GetTimestamp();
            var failure = await RunAsync(cell, seed, cancellation);
            failures[cell] = failure;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{(failure is null ? "passed" : "FAILED"),-8}{cell.Name,-44} {Stopwatch.GetElapsedTime(started).TotalSeconds,5:0.0} s{(failure is null ? "" : " | " + failure)}"));
        });
        PrintMatrix(cells, failures);
        var failed = failures.Values.Count(failure => failure is not null);
        Console.WriteLine($"{cells.Length - failed} passed, {failed} failed, 0 skipped");
        return failed == 0 && cells.Length > 0 ? 0 : 1;
    }

    private static async Task<string?> RunAsync(JsCell cell, ulong seed, CancellationToken stop)
    {
        using var ceiling = CancellationTokenSource.CreateLinkedTokenSource(stop);
        ceiling.CancelAfter(CellCeiling);
        try
        {
            var csharp = await CSharpHost.StartAsync([cell.Scheme], ceiling.Token);
            await using var meeting = new JsMeeting(csharp, await JsHost.StartAsync(cell.Scheme, ceiling.Token), cell, seed);
            await cell.RunAsync(meeting, ceiling.Token);
            return null;
        }
        catch (CellFailure failure)
        {
            return failure.Message;
        }
        catch (Libp2pException failure)
        {
            return $"{failure.Error}: {failure.Message}";
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return $"it took more than {CellCeiling.TotalSeconds} s";
        }
    }

    private static void PrintMatrix(JsCell[] cells, ConcurrentDictionary<JsCell, string?> failures)
    {
        var pairs = cells.Select(cell => cell.Pair).Distinct().ToList();
        Console.WriteLine();
        Console.WriteLine($"{"dialler-listener:",-ScenarioWidth}{string.Concat(pairs.Select(pair => pair.PadRight(PairWidth)))}".TrimEnd());
        foreach (var row in cells.GroupBy(cell => $"{cell.Scheme}/{cell.Scenario}"))
        {
            var words = pairs.Select(pair => row.FirstOrDefault(cell => cell.Pair == pair) is { } cell ? failures[cell] is null ? "passed" : "FAILED" : "-");
            Console.WriteLine($"{row.Key,-ScenarioWidth}{string.Concat(words.Select(word => word.PadRight(PairWidth)))}".TrimEnd());
        }

        Console.WriteLine();
    }
}
