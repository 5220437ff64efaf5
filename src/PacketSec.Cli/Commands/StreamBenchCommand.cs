using System.CommandLine;
using System.Globalization;
using PacketSec.Cli.Bench;
using PacketSec.Cli.Tracing;
using PacketSec.Protocol;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec bench stream</c>: the throughput of one stream, between two processes; beside QUIC where that is asked for.</summary>
internal static class StreamBenchCommand
{
    private const int Mebibyte = 1 << 20;
    private const int SmallestMtu = 1200;
    private const double LongestRun = 3600;

    public static Command Create(CliContext context)
    {
        var size = EndpointOptions.Bounded(
            new("--size") { Description = "How much a stream carries.", HelpName = "MiB", DefaultValueFactory = _ => 256 }, 1, 65_536);
        var seconds = EndpointOptions.CreateNumber("--seconds", "SECONDS", "Open one stream after the other for this long.", 5, 0.01, LongestRun);
        var quic = new Option<string?>("--quic")
        {
            Description = "Measure in turn with quinn (QUIC), two processes of Node.js: the folder interop/quic after npm ci there; without a folder it is "
                + $"looked for here and above. Exit 1 when the median of the ratios is below {StreamComparison.TargetRatio:0.0}.",
            HelpName = "FOLDER",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var pairs = EndpointOptions.Bounded(
            new("--pairs") { Description = "With --quic: how many runs each has.", HelpName = "N", DefaultValueFactory = _ => 5 }, 1, 1000);
        var mtu = EndpointOptions.Bounded(
            new("--mtu")
            {
                Description = "The largest UDP payload to try; without it, what loopback takes, which other interfaces do not. QUIC tries 1452.",
                HelpName = "B",
                DefaultValueFactory = _ => ImplementationLimits.MaxUdpPayload,
            },
            SmallestMtu,
            ImplementationLimits.MaxUdpPayload);
        var trace = QlogFile.CreateOption();
        var path = EndpointOptions.CreatePathOption();
        var command = new Command("stream", "Send over one stream, from this process to another; the time ends when the receiver has told that it has all.")
        {
            size, seconds, quic, pairs, mtu, trace, path,
        };
        command.Validators.Add(result =>
        {
            var isCompared = result.GetResult(quic) is { Implicit: false };
            if (isCompared && result.GetResult(seconds) is { Implicit: false })
            {
                result.AddError("--quic counts runs: take --pairs in the place of --seconds.");
            }
            else if (!isCompared && result.GetResult(pairs) is { Implicit: false })
            {
                result.AddError("--pairs needs --quic.");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var json = parsed.GetValue(context.Json);
            var report = new BenchReport(context, json);
            using var qlog = QlogFile.Open(parsed.GetValue(trace), "psec bench stream", isDialler: true, new Reporter(context, json));
            var bytes = (long)parsed.GetValue(size) * Mebibyte;
            await using var ours = await PacketSecStreams.OpenAsync(
                EndpointOptions.PathOf(parsed, path),
                parsed.GetRequiredValue(path),
                new() { MaxUdpPayload = parsed.GetValue(mtu), Trace = qlog?.ForConnection() },
                context.Error,
                cancellationToken);
            if (parsed.GetResult(quic) is { Implicit: false })
            {
                return await CompareAsync(report, ours, parsed.GetValue(quic), bytes, parsed.GetValue(pairs), cancellationToken);
            }

            await RunAsync(report, ours, bytes, TimeSpan.FromSeconds(parsed.GetValue(seconds)), cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>Makes the command of the other process.</summary>
    public static Command CreateReceiver(CliContext context)
    {
        var path = EndpointOptions.CreatePathOption();
        var command = new Command(StreamReceiver.CommandName, "The receiving process of bench stream.") { path };
        command.Hidden = true;
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await StreamReceiver.RunAsync(context, EndpointOptions.PathOf(parsed, path), cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task RunAsync(BenchReport report, PacketSecStreams ours, long bytes, TimeSpan duration, CancellationToken cancellationToken)
    {
        var runs = new List<StreamRun>();
        await StreamBench.RunAsync(
            ours,
            bytes,
            duration,
            (number, run) =>
            {
                runs.Add(run);
                PrintRun(report, ours.Name, number, run);
            },
            cancellationToken);
        report.Print(
            "stream",
            $"one stream of {bytes / Mebibyte} MiB after the other, two processes, over loopback",
            ours.PathDescription,
            [
                BenchFigure.Of("mb_per_second", "median", Statistics.Median(runs.Select(run => run.BytesPerSecond)) / 1e6, "MB/s", 1),
                BenchFigure.Of("sender_cpu_ns_per_byte", "CPU, sender", Statistics.Median(runs.Select(run => run.SenderNanoseconds)), "ns per byte", 3),
                BenchFigure.Of("receiver_cpu_ns_per_byte", "CPU, receiver", Statistics.Median(runs.Select(run => run.ReceiverNanoseconds)), "ns per byte", 3),
                BenchFigure.Count("path_mtu", "largest datagrams", ours.PathMtu, "bytes"),
                BenchFigure.Count("runs", "runs", runs.Count, ""),
                BenchFigure.Of("seconds", "time", runs.Sum(run => run.Elapsed.TotalSeconds), "s", 3),
            ],
            [BenchFigure.Count("size", "size", bytes, "bytes")]);
    }

    private static async Task<int> CompareAsync(
        BenchReport report, PacketSecStreams ours, string? given, long bytes, int pairs, CancellationToken cancellationToken)
    {
        if (QuicStreams.Find(given, out var missing) is not { } folder)
        {
            report.Line("skipped", $"skipped: the comparison with QUIC: {missing}", line => line.WriteString("reason", missing));
            return ExitCodes.Success;
        }

        await using var theirs = await QuicStreams.OpenAsync(folder, cancellationToken);
        var comparison = await StreamBench.CompareAsync(
            ours, theirs, bytes, pairs, (name, number, run) => PrintRun(report, name, number, run), cancellationToken);
        report.Line("comparison", $"{comparison}; packetsec's datagrams have up to {ours.PathMtu} bytes", line =>
        {
            line.WriteNumber("packetsec_mb_per_second", Math.Round(comparison.Ours / 1e6, 1));
            line.WriteNumber("quinn_mb_per_second", Math.Round(comparison.Theirs / 1e6, 1));
            line.WriteNumber("path_mtu", ours.PathMtu);
            line.WriteNumber("ratio", Math.Round(comparison.Ratio, 3));
            line.WriteNumber("target", StreamComparison.TargetRatio);
            line.WriteBoolean("met", comparison.IsMet);
        });
        return comparison.IsMet ? ExitCodes.Success : ExitCodes.Failed;
    }

    private static void PrintRun(BenchReport report, string name, int number, StreamRun run)
    {
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-9} run {number}: {run.BytesPerSecond / 1e6,7:0.0} MB/s; CPU {run.SenderNanoseconds:0.000} ns per byte sending, {run.ReceiverNanoseconds:0.000} receiving");
        report.Line("run", text, line =>
        {
            line.WriteString("of", name);
            line.WriteNumber("run", number);
            line.WriteNumber("bytes", run.Bytes);
            line.WriteNumber("seconds", Math.Round(run.Elapsed.TotalSeconds, 6));
            line.WriteNumber("mb_per_second", Math.Round(run.BytesPerSecond / 1e6, 1));
            line.WriteNumber("sender_cpu_ns_per_byte", Math.Round(run.SenderNanoseconds, 3));
            line.WriteNumber("receiver_cpu_ns_per_byte", Math.Round(run.ReceiverNanoseconds, 3));
        });
    }
}
