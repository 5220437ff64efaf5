using System.CommandLine;
using System.Globalization;
using PacketSec.Cli.Bench;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec bench</c>: what this machine does, on loopback and in one process.</summary>
internal static class BenchCommand
{
    private const int ComparedRuns = 5;
    private const int DefaultBatch = 54;
    private const int DefaultSize = 1200;
    private const double LongestRun = 3600;

    // The largest UDP payload over IPv4, without what a channel adds.
    private const int LargestSize = Protocol.ImplementationLimits.MaxUdpPayload - Protocol.SpecLimits.DatagramOverhead;

    // Longer, and the sessions of the first channels have ended before the last is looked at.
    private const double LongestIdle = 30;

    public static Command Create(CliContext context) => new(
        "bench", "Measure what this machine does: on loopback, both sides in this process but for streams. Other work on the machine is measured along.")
    {
        CreateDatagram(context),
        CreateHandshake(context),
        CreateLatency(context),
        CreateIdle(context),
        StreamBenchCommand.Create(context),
        StreamBenchCommand.CreateReceiver(context),
    };

    private static Command CreateDatagram(CliContext context)
    {
        var size = WholeNumber("--size", "B", "The size of each datagram in bytes.", DefaultSize, 1, LargestSize);
        var seconds = EndpointOptions.CreateNumber("--seconds", "SECONDS", "How long to measure.", 5, 0.1, LongestRun);
        var warmUp = EndpointOptions.CreateNumber("--warm-up", "SECONDS", "How long to send before, which does not count.", 1, 0, LongestRun);
        var batch = WholeNumber("--batch", "N", "How many datagrams to give to one call.", DefaultBatch, 1, 1024);
        var single = new Option<bool>("--single") { Description = "Give the datagrams one by one to the call that takes one." };
        var flows = WholeNumber(
            "--flows", "N", "How many senders there are, each an endpoint with a port and a thread of its own.", 1, 1, 64);
        var shards = EndpointOptions.CreateShardsOption();
        var path = EndpointOptions.CreatePathOption();
        var command = new Command("datagram", "Send as fast as possible; count what the receiver's handler gets.")
        {
            size, seconds, warmUp, batch, single, flows, shards, path,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(single) is { Implicit: false } && result.GetResult(batch) is { Implicit: false })
            {
                result.AddError("--single sends datagrams one by one: leave it or --batch out.");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var plan = new DatagramPlan
            {
                Size = parsed.GetValue(size),
                Batch = parsed.GetValue(single) ? null : parsed.GetValue(batch),
                Duration = TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                WarmUp = TimeSpan.FromSeconds(parsed.GetValue(warmUp)),
                Path = EndpointOptions.PathOf(parsed, path),
                Shards = parsed.GetValue(shards),
                Flows = parsed.GetValue(flows),
            };
            var result = await new DatagramBench(plan, context.Error).RunAsync(cancellationToken);
            PrintDatagram(ReportOf(context, parsed), plan, result);
            return ExitCodes.Success;
        });
        return command;
    }

    private static void PrintDatagram(BenchReport report, DatagramPlan plan, DatagramResult result)
    {
        var lost = result.Sent - result.Opened;
        var rate = result.OpenedInTime / result.Use.Elapsed.TotalSeconds;
        var perDatagram = Math.Max(result.OpenedInTime, 1);
        var how = plan.Batch is { } batch ? $"{batch} for each call" : "one for each call";
        report.Print(
            "datagram",
            $"datagrams of {plan.Size} bytes, {how}, senders: {plan.Flows}, sockets that receive: {plan.Shards}",
            result.Path,
            [
                BenchFigure.Of("opened_per_second", "opened", rate, "datagrams/s"),
                BenchFigure.Of("payload_gbit_per_second", "payload", rate * plan.Size * 8 / 1e9, "Gbit/s", 3),
                BenchFigure.Count("sent", "sent", result.Sent, "datagrams"),
                BenchFigure.Count("opened", "opened in all", result.Opened, "datagrams"),
                BenchFigure.Count("lost", "lost", lost, "datagrams"),
                BenchFigure.Of("loss_percent", "lost", result.Sent == 0 ? 0 : 100.0 * lost / result.Sent, "% of those sent", 2),
                BenchFigure.Count("refused", "refused, buffers full", result.Refused, "datagrams"),
                BenchFigure.Of("cpu_ns_per_datagram", "CPU, both sides", result.Use.Cpu.TotalNanoseconds / perDatagram, "ns per datagram opened"),
                BenchFigure.Of("allocated_bytes_per_datagram", "allocated", (double)result.Use.AllocatedBytes / perDatagram, "bytes per datagram opened", 3),
                BenchFigure.Count("contentions", "waits for locks", result.Use.Contentions, "times"),
                .. CollectionsOf(result.Use),
                BenchFigure.Of("seconds", "time", result.Use.Elapsed.TotalSeconds, "s", 3),
            ],
            [
                BenchFigure.Count("size", "size", plan.Size, "bytes"),
                BenchFigure.Count("batch", "datagrams for each call", plan.Batch ?? 1, ""),
                BenchFigure.Count("flows", "senders", plan.Flows, ""),
                BenchFigure.Count("shards", "sockets that receive", plan.Shards, ""),
            ]);
    }

    private static Command CreateHandshake(CliContext context)
    {
        var seconds = EndpointOptions.CreateNumber(
            "--seconds", "SECONDS", "How long to dial at once, and as long one after the other. Binding and closing sockets is not counted.", 5, 0.01, LongestRun);
        var concurrency = WholeNumber("--concurrency", "N", "How many dials run at once.", 16, 1, 64);
        var path = EndpointOptions.CreatePathOption();
        var command = new Command("handshake", "Dial with new identities: negotiation and handshake, both sides.") { seconds, concurrency, path };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var plan = new HandshakePlan(
                TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(concurrency), EndpointOptions.PathOf(parsed, path));
            var result = await new HandshakeBench(plan).RunAsync(cancellationToken);
            var use = result.ConcurrentUse;
            ReportOf(context, parsed).Print(
                "handshake",
                $"handshakes, {plan.Concurrency} at once, then one after the other",
                result.Path,
                [
                    BenchFigure.Of("handshakes_per_second", "handshakes, at once", result.Concurrent / use.Elapsed.TotalSeconds, "pairs/s"),
                    BenchFigure.Of("cpu_us_per_handshake", "CPU, both sides", use.Cpu.TotalMicroseconds / result.Concurrent, "us per pair"),
                    BenchFigure.Of("allocated_bytes_per_handshake", "allocated", (double)use.AllocatedBytes / result.Concurrent, "bytes per pair"),
                    BenchFigure.Of("dial_p50_us", "one dial, p50", result.Latency.P50, "us", 1),
                    BenchFigure.Of("dial_p99_us", "one dial, p99", result.Latency.P99, "us", 1),
                    BenchFigure.Count("concurrent", "dials at once", result.Concurrent, ""),
                    BenchFigure.Count("sequential", "dials one after the other", result.Sequential, ""),
                    BenchFigure.Of("seconds", "time of those at once", use.Elapsed.TotalSeconds, "s", 3),
                ],
                [BenchFigure.Count("concurrency", "at once", plan.Concurrency, "")]);
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command CreateLatency(CliContext context)
    {
        var count = WholeNumber("--count", "N", "How many round trips a run has.", 20_000, 1, 10_000_000);
        var size = DialCommand.CreateSizeOption(64);
        var compare = new Option<bool>("--compare")
        {
            Description = $"Also run a plain UDP echo, {ComparedRuns} runs of each in turn; exit 1 when the median run takes more than "
                + $"{LatencyComparison.TargetP50} us longer at p50, or {LatencyComparison.TargetP99} us at p99.",
        };
        var path = EndpointOptions.CreatePathOption();
        var command = new Command("latency", "Send one datagram back and forth, by handlers on both sides.") { count, size, compare, path };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var report = ReportOf(context, parsed);
            await using var channel = await ChannelPingPong.OpenAsync(EndpointOptions.PathOf(parsed, path), parsed.GetValue(size), cancellationToken);
            if (!parsed.GetValue(compare))
            {
                await LatencyBench.RunAsync([channel], 1, parsed.GetValue(count), run => PrintRun(report, run, channel.Path), cancellationToken);
                return ExitCodes.Success;
            }

            await using var plain = new PlainPingPong(parsed.GetValue(size));
            List<LatencyRun> runs = [];
            await LatencyBench.RunAsync(
                [plain, channel],
                ComparedRuns,
                parsed.GetValue(count),
                run =>
                {
                    runs.Add(run);
                    PrintRun(report, run, run.Name == channel.Name ? channel.Path : null);
                },
                cancellationToken);
            var comparison = LatencyComparison.Of([.. runs.Where(run => run.Name == plain.Name)], [.. runs.Where(run => run.Name == channel.Name)]);
            PrintComparison(report, comparison);
            return comparison.MeetsP50 && comparison.MeetsP99 ? ExitCodes.Success : ExitCodes.Failed;
        });
        return command;
    }

    private static void PrintRun(BenchReport report, LatencyRun run, string? path)
    {
        var (p50, p90, p99, max) = run.Latency;
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{run.Name,-9} run {run.Number}: p50 {p50,7:0.0}  p90 {p90,7:0.0}  p99 {p99,7:0.0}  max {max,8:0.0} us; {run.Count} round trips, {run.Lost} lost");
        report.Line("latency", path is null ? text : $"{text}; path: {path}", line =>
        {
            line.WriteString("of", run.Name);
            line.WriteNumber("run", run.Number);
            if (path is not null)
            {
                line.WriteString("path", path);
            }

            line.WriteNumber("count", run.Count);
            line.WriteNumber("lost", run.Lost);
            line.WriteNumber("p50_us", Math.Round(p50, 1));
            line.WriteNumber("p90_us", Math.Round(p90, 1));
            line.WriteNumber("p99_us", Math.Round(p99, 1));
            line.WriteNumber("max_us", Math.Round(max, 1));
        });
    }

    private static void PrintComparison(BenchReport report, LatencyComparison comparison)
    {
        foreach (var (name, plain, channel, target, isMet) in new[]
        {
            ("p50", comparison.PlainP50, comparison.ChannelP50, LatencyComparison.TargetP50, comparison.MeetsP50),
            ("p99", comparison.PlainP99, comparison.ChannelP99, LatencyComparison.TargetP99, comparison.MeetsP99),
        })
        {
            var text = string.Create(
                CultureInfo.InvariantCulture,
                $"median {name}: plain {plain,7:0.0}  packetsec {channel,7:0.0}  difference {channel - plain,7:0.0} us; target {target:0} us: ")
                + (isMet ? "met" : "MISSED");
            report.Line("comparison", text, line =>
            {
                line.WriteString("of", name);
                line.WriteNumber("plain_us", Math.Round(plain, 1));
                line.WriteNumber("packetsec_us", Math.Round(channel, 1));
                line.WriteNumber("difference_us", Math.Round(channel - plain, 1));
                line.WriteNumber("target_us", target);
                line.WriteBoolean("met", isMet);
            });
        }
    }

    private static Command CreateIdle(CliContext context)
    {
        var channels = WholeNumber("--channels", "N", "How many channels the endpoint has.", 1000, 1, 10_000);
        var seconds = EndpointOptions.CreateNumber("--seconds", "SECONDS", "How long to watch.", 10, 0.1, LongestIdle);
        var path = EndpointOptions.CreatePathOption();
        var command = new Command("idle", "Open channels to one endpoint and leave them alone: memory, CPU time and wake-ups of that endpoint.")
        {
            channels, seconds, path,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var duration = TimeSpan.FromSeconds(parsed.GetValue(seconds));
            var result = await new IdleBench(parsed.GetValue(channels), duration, EndpointOptions.PathOf(parsed, path)).RunAsync(cancellationToken);
            var elapsed = result.Use.Elapsed.TotalSeconds;
            ReportOf(context, parsed).Print(
                "idle",
                $"idle channels of one endpoint: {result.Channels}",
                result.Path,
                [
                    BenchFigure.Of("managed_bytes_per_channel", "managed memory", result.ManagedBytesPerChannel, "bytes per channel"),
                    BenchFigure.Of("resident_bytes_per_channel", "resident memory, all kinds", result.ResidentBytesPerChannel, "bytes per channel"),
                    BenchFigure.Of("cpu_ms_per_second", "CPU", result.Use.Cpu.TotalMilliseconds / elapsed, "ms per second", 3),
                    BenchFigure.Of("wakeups_per_second", "wake-ups", result.WakeUps / elapsed, "per second, whole process", 1),
                    BenchFigure.Of("allocated_bytes_per_second", "allocated", result.Use.AllocatedBytes / elapsed, "bytes per second"),
                    .. CollectionsOf(result.Use),
                    BenchFigure.Of("seconds", "time", elapsed, "s", 3),
                    BenchFigure.Of("oldest_seconds", "age of the first channel", result.Oldest.TotalSeconds, "s; its session lives 60 s", 1),
                ],
                [BenchFigure.Count("channels", "channels", result.Channels, "")]);
            return ExitCodes.Success;
        });
        return command;
    }

    private static BenchFigure[] CollectionsOf(ProcessUse use) =>
    [
        BenchFigure.Count("gc0", "collections, generation 0", use.Collections.Young, ""),
        BenchFigure.Count("gc1", "collections, generation 1", use.Collections.Middle, ""),
        BenchFigure.Count("gc2", "collections, generation 2", use.Collections.Full, ""),
    ];

    private static BenchReport ReportOf(CliContext context, ParseResult parsed) => new(context, parsed.GetValue(context.Json));

    private static Option<int> WholeNumber(string name, string unit, string description, int defaultValue, int lowest, int highest)
        => EndpointOptions.Bounded(
            new(name) { Description = description, HelpName = unit, DefaultValueFactory = _ => defaultValue }, lowest, highest);
}
