using System.Text.Json;
using PacketSec.Cli;
using PacketSec.Cli.Bench;

namespace PacketSec.Tests.Cli;

/// <summary>The benchmarks with tiny counts: what they count, and what they print; never how fast it was.</summary>
[Collection(SocketsCollection.Name)]
public sealed class BenchCommandTests
{
    private const int Ceiling = SocketsCollection.CeilingMilliseconds;

    [Theory(Timeout = Ceiling)]
    [InlineData(1200, 54, 1, "--path", "automatic")]
    [InlineData(1, 3, 2, "--batch", "3", "--flows", "2")]
    [InlineData(5000, 1, 1, "--single", "--path", "portable")]
    public async Task Every_datagram_sent_is_opened_or_counted_as_lost(int size, int batch, int flows, params string[] options)
    {
        var run = await CliRun.InvokeAsync(
            ["bench", "datagram", "--json", "--size", $"{size}", "--seconds", "0.2", "--warm-up", "0", .. options]);
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        var line = Assert.Single(run.JsonLines());
        Assert.Equal("datagram", line.GetProperty("type").GetString());
        Assert.Equal((size, batch, flows, 1), (Int(line, "size"), Int(line, "batch"), Int(line, "flows"), Int(line, "shards")));
        Assert.True(Int(line, "opened") > 0);
        Assert.InRange(Int(line, "lost"), 0, Int(line, "sent") - 1);
        Assert.Equal(Int(line, "sent"), Int(line, "opened") + Int(line, "lost"));
        Assert.InRange(line.GetProperty("loss_percent").GetDouble(), 0, 100);
        var rate = line.GetProperty("opened_per_second").GetDouble();
        Assert.Equal(rate * size * 8 / 1e9, line.GetProperty("payload_gbit_per_second").GetDouble(), 0.001);
        Assert.True(line.GetProperty("cpu_ns_per_datagram").GetDouble() > 0);
        Assert.All(
            ["allocated_bytes_per_datagram", "contentions", "refused", "gc0", "gc1", "gc2"],
            name => Assert.True(line.GetProperty(name).GetDouble() >= 0, name));
        Assert.NotEmpty(line.GetProperty("path").GetString()!);
    }

    [Fact(Timeout = Ceiling)]
    public async Task Figures_for_people_stand_below_each_other_with_their_units()
    {
        var run = await CliRun.InvokeAsync("bench", "datagram", "--seconds", "0.1", "--warm-up", "0", "--path", "portable");
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        var lines = run.Output.TrimEnd().Split('\n');
        Assert.Equal("datagrams of 1200 bytes, 54 for each call, senders: 1, sockets that receive: 1; path: portable", lines[0]);
        Assert.Matches(@"^  opened +[\d,]+ datagrams/s$", lines[1]);
        Assert.Matches(@"^  payload +\d+\.\d{3} Gbit/s$", lines[2]);
        Assert.Single(lines, line => line.EndsWith(" ns per datagram opened", StringComparison.Ordinal));

        // The last digit of each value stands in the same column.
        Assert.All(lines[1..], line => Assert.Matches(@"^  .{28} *[\d.,]+( [A-Za-z%].*)?$", line));
        Assert.All(lines[1..], line => Assert.Matches(@"^.{43}\d( |$)", line));
    }

    [Fact(Timeout = Ceiling)]
    public async Task Handshakes_are_counted_at_once_and_one_after_the_other()
    {
        var run = await CliRun.InvokeAsync("bench", "handshake", "--json", "--seconds", "0.01", "--concurrency", "4");
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        var line = Assert.Single(run.JsonLines());
        Assert.Equal(("handshake", 4), (line.GetProperty("type").GetString(), Int(line, "concurrency")));
        Assert.All(new[] { "concurrent", "sequential" }, name => Assert.True(Int(line, name) > 0 && Int(line, name) % 64 == 0, name));
        var perSecond = line.GetProperty("handshakes_per_second").GetDouble();
        Assert.Equal(Int(line, "concurrent") / line.GetProperty("seconds").GetDouble(), perSecond, perSecond / 10);
        Assert.InRange(line.GetProperty("dial_p50_us").GetDouble(), 1, line.GetProperty("dial_p99_us").GetDouble());
        Assert.True(line.GetProperty("cpu_us_per_handshake").GetDouble() > 0);
        Assert.True(line.GetProperty("allocated_bytes_per_handshake").GetDouble() > 0);

        var text = (await CliRun.InvokeAsync("bench", "handshake", "--seconds", "0.01")).Output;
        Assert.Matches(@"(?m)^  handshakes, at once +[\d,]+ pairs/s$", text);
        Assert.Matches(@"(?m)^  one dial, p99 +[\d,]+\.\d us$", text);
    }

    [Fact(Timeout = Ceiling)]
    public async Task Round_trips_are_told_in_ascending_percentiles()
    {
        var run = await CliRun.InvokeAsync("bench", "latency", "--json", "--count", "200", "--size", "100");
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        var line = Assert.Single(run.JsonLines());
        Assert.Equal(("latency", "packetsec"), (line.GetProperty("type").GetString(), line.GetProperty("of").GetString()));
        AssertRun(line, 1, 200);
        Assert.NotEmpty(line.GetProperty("path").GetString()!);

        var text = (await CliRun.InvokeAsync("bench", "latency", "--count", "1")).Output;
        Assert.Matches(@"^packetsec run 1: p50 +[\d.]+  p90 +[\d.]+  p99 +[\d.]+  max +[\d.]+ us; 1 round trips, 0 lost; path: .+\n$", text);
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_comparison_runs_both_in_turn_and_fails_where_a_target_is_missed()
    {
        var run = await CliRun.InvokeAsync("bench", "latency", "--compare", "--json", "--count", "50");
        Assert.Empty(run.Error);
        var lines = run.JsonLines();
        var runs = lines.Where(line => line.GetProperty("type").GetString() == "latency").ToList();
        Assert.Equal(Enumerable.Repeat(new[] { "plain", "packetsec" }, 5).SelectMany(names => names), runs.Select(line => line.GetProperty("of").GetString()));
        for (var i = 0; i < runs.Count; i++)
        {
            AssertRun(runs[i], (i / 2) + 1, 50);
        }

        var comparisons = lines.Skip(runs.Count).ToList();
        Assert.Equal([("p50", 10.0), ("p99", 30.0)], comparisons.Select(line => (line.GetProperty("of").GetString(), line.GetProperty("target_us").GetDouble())));
        foreach (var comparison in comparisons)
        {
            // The median of five runs is one of them.
            var field = $"{comparison.GetProperty("of").GetString()}_us";
            foreach (var (name, median) in new[] { ("plain", "plain_us"), ("packetsec", "packetsec_us") })
            {
                var values = runs.Where(line => line.GetProperty("of").GetString() == name).Select(line => line.GetProperty(field).GetDouble()).Order();
                Assert.Equal(values.ElementAt(2), comparison.GetProperty(median).GetDouble());
            }
        }

        var isMet = comparisons.All(line => line.GetProperty("met").GetBoolean());
        Assert.Equal(isMet ? ExitCodes.Success : ExitCodes.Failed, run.ExitCode);
    }

    [Fact(Timeout = Ceiling)]
    public async Task Idle_channels_are_all_there()
    {
        // They wait until their process is at rest, which that of the tests never is; and both meanwhile.
        using var one = ChildCli.Start("bench", "idle", "--json", "--channels", "1", "--seconds", "0.1");
        using var twenty = ChildCli.Start("bench", "idle", "--json", "--channels", "20", "--seconds", "0.1");
        await AssertIdleAsync(one, 1);
        await AssertIdleAsync(twenty, 20);
    }

    [Theory]
    [InlineData("bench", "Required command", "psec bench --help")]
    [InlineData("bench datagram --size 0", "--size is 0; it may be 1 to 65487.")]
    [InlineData("bench datagram --size 65488", "--size is 65488; it may be 1 to 65487.")]
    [InlineData("bench datagram --batch 0", "--batch is 0; it may be 1 to 1024.")]
    [InlineData("bench datagram --batch 1025", "--batch is 1025; it may be 1 to 1024.")]
    [InlineData("bench datagram --single --batch 54", "leave it or --batch out")]
    [InlineData("bench datagram --flows 65", "--flows is 65; it may be 1 to 64.")]
    [InlineData("bench datagram --shards 65", "--shards is 65; it may be 1 to 64.")]
    [InlineData("bench datagram --seconds 0", "--seconds is '0'; it may be 0.1 to 3600.")]
    [InlineData("bench datagram --path fast", "'fast'", "'batched'")]
    [InlineData("bench handshake --concurrency 0", "--concurrency is 0; it may be 1 to 64.")]
    [InlineData("bench handshake --seconds x", "--seconds is 'x'")]
    [InlineData("bench latency --size 7", "--size is 7; it may be 8 to 1212.")]
    [InlineData("bench latency --count 0", "--count is 0; it may be 1 to 10000000.")]
    [InlineData("bench idle --channels 10001", "--channels is 10001; it may be 1 to 10000.")]
    [InlineData("bench idle --seconds 31", "--seconds is '31'; it may be 0.1 to 30.")]
    [InlineData("listen --shards 0", "--shards is 0; it may be 1 to 64.")]
    [InlineData("listen --path fast", "'fast'", "'portable'")]
    public async Task A_wrong_option_is_told_with_what_it_may_be(string command, params string[] words)
        => (await CliRun.InvokeAsync(command.Split(' '))).AssertFails(ExitCodes.Usage, words);

    [Theory(Timeout = Ceiling)]
    [InlineData("datagram")]
    [InlineData("handshake")]
    [InlineData("latency --count 10000000")]
    [InlineData("latency --count 10000000 --compare")]
    [InlineData("idle")]
    public async Task A_benchmark_that_is_stopped_ends_without_a_result(string command)
    {
        await using var run = RunningCli.Start(["bench", .. command.Split(' '), "--json"]);
        Assert.Equal(ExitCodes.Interrupted, await run.StopAsync());
        Assert.Empty(run.Output.Lines);
        Assert.Empty(run.Error.Lines);
    }

    [UnixFact(Timeout = Ceiling)]
    public async Task A_benchmark_that_runs_ends_with_control_c()
    {
        using var child = ChildCli.Start("bench", "latency", "--compare", "--count", "20000");
        await child.Output.WaitForAsync(line => line.StartsWith("plain", StringComparison.Ordinal));
        await child.SignalAsync("INT");
        Assert.Equal(ExitCodes.Interrupted, await child.ExitAsync());
        Assert.Empty(child.Error.Lines);
    }

    [Theory(Timeout = 2 * Ceiling)]
    [InlineData("65507")]
    [InlineData("1452")]
    public async Task One_stream_between_two_processes_is_counted_at_both(string mtu)
    {
        using var folder = new TemporaryFolder();
        var run = await CliRun.InvokeAsync("bench", "stream", "--json", "--size", "2", "--seconds", "0.01", "--mtu", mtu, "--trace", folder["trace"]);
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        var lines = run.JsonLines();
        Assert.Equal("run", lines[0].GetProperty("type").GetString());
        Assert.Equal(2 << 20, Int(lines[0], "bytes"));
        Assert.Equal((lines.Count - 1, 2 << 20), (Int(lines[^1], "runs"), Int(lines[^1], "size")));
        Assert.InRange(Int(lines[^1], "path_mtu"), 1200, int.Parse(mtu, System.Globalization.CultureInfo.InvariantCulture));
        Assert.All(
            ["mb_per_second", "sender_cpu_ns_per_byte", "receiver_cpu_ns_per_byte"], name => Assert.True(lines[^1].GetProperty(name).GetDouble() > 0, name));
        Assert.Equal(ExitCodes.Success, (await CliRun.InvokeAsync("plot", folder["trace"])).ExitCode);
    }

    [Fact(Timeout = 2 * Ceiling)]
    public async Task A_comparison_with_an_absent_peer_is_skipped_in_one_line_that_says_so()
    {
        using var folder = new TemporaryFolder();
        var run = await CliRun.InvokeAsync("bench", "stream", "--quic", folder["nowhere"]);
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        Assert.StartsWith("skipped: ", run.Output, StringComparison.Ordinal);
        Assert.Single(run.Output.TrimEnd('\n').Split('\n'));

        File.WriteAllText(folder["bench.mjs"], "");
        run = await CliRun.InvokeAsync("bench", "stream", "--quic", Path.GetDirectoryName(folder["bench.mjs"])!);
        Assert.Contains("npm ci", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--quic --seconds 1", "--pairs")]
    [InlineData("--pairs 2", "--quic")]
    [InlineData("--mtu 1199", "1200")]
    [InlineData("--size 0", "--size")]
    public async Task A_stream_benchmark_that_makes_no_sense_is_refused(string options, string word)
        => (await CliRun.InvokeAsync(["bench", "stream", .. options.Split(' ')])).AssertFails(ExitCodes.Usage, word);

    [Fact]
    public void A_comparison_is_the_median_of_the_ratios_of_pairs()
    {
        static StreamRun Run(int seconds) => new(1_000_000, TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));
        var comparison = StreamComparison.Of([(Run(1), Run(2)), (Run(2), Run(2)), (Run(4), Run(1))]);
        Assert.Equal((1.0, true), (comparison.Ratio, comparison.IsMet));
        Assert.Equal((500_000.0, 500_000.0), (comparison.Ours, comparison.Theirs));
        Assert.False(StreamComparison.Of([(Run(2), Run(1))]).IsMet);
        Assert.Equal((1000.0, 2000.0), (Run(1).SenderNanoseconds, Run(1).ReceiverNanoseconds));
    }

    [Theory(Timeout = Ceiling)]
    [InlineData("portable", 1)]
    [InlineData("automatic", 2)]
    public async Task A_listener_and_a_dialler_take_the_path_they_are_told(string path, int shards)
    {
        using var folder = new TemporaryFolder();
        var (listener, address) = await RunningCli.ListenAsync(folder["listener"], "--echo", "--path", path, "--shards", $"{shards}", "--verbose");
        await using (listener)
        {
            var run = await CliRun.InvokeAsync("dial", address, "--path", path, "--count", "10", "--require-all", "--verbose");
            Assert.Equal(ExitCodes.Success, run.ExitCode);
            if (path == "portable")
            {
                Assert.Contains("portable", run.Error, StringComparison.Ordinal);
                await listener.Error.WaitForAsync(line => line.Contains("portable", StringComparison.Ordinal));
            }
        }
    }

    private static void AssertRun(JsonElement line, int number, int count)
    {
        Assert.Equal((number, count, 0), (Int(line, "run"), Int(line, "count"), Int(line, "lost")));
        double[] times = [.. new[] { "p50_us", "p90_us", "p99_us", "max_us" }.Select(name => line.GetProperty(name).GetDouble())];
        Assert.Equal(times.Order(), times);
        Assert.True(times[0] > 0);
    }

    private static async Task AssertIdleAsync(ChildCli child, int channels)
    {
        Assert.Equal(ExitCodes.Success, await child.ExitAsync());
        Assert.Empty(child.Error.Lines);
        var line = JsonDocument.Parse(Assert.Single(child.Output.Lines)).RootElement;
        Assert.Equal(1, Int(line, "v"));
        Assert.Equal(("idle", channels), (line.GetProperty("type").GetString(), Int(line, "channels")));
        Assert.Equal(JsonValueKind.Number, line.GetProperty("managed_bytes_per_channel").ValueKind);
        Assert.Equal(JsonValueKind.Number, line.GetProperty("resident_bytes_per_channel").ValueKind);
        Assert.True(line.GetProperty("cpu_ms_per_second").GetDouble() >= 0);
        Assert.True(line.GetProperty("oldest_seconds").GetDouble() > 0);
        Assert.Equal(OperatingSystem.IsLinux() ? JsonValueKind.Number : JsonValueKind.Null, line.GetProperty("wakeups_per_second").ValueKind);
    }

    private static int Int(JsonElement line, string name) => line.GetProperty(name).GetInt32();
}
