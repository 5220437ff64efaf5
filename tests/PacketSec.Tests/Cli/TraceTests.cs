using System.Text.Json;
using System.Xml.Linq;
using PacketSec.Cli;
using PacketSec.Cli.Plot;
using PacketSec.Cli.Tracing;
using PacketSec.Protocol.Streams.Tracing;

namespace PacketSec.Tests.Cli;

/// <summary><c>--trace</c> and <c>psec plot</c>.</summary>
[Collection(SocketsCollection.Name)]
public sealed class TraceTests : IDisposable
{
    private const string Header = """{"qlog_version":"0.3","title":"t","trace":{}}""";
    private const string Sent = """{"time":1.5,"name":"transport:packet_sent","group_id":1,"data":{"raw":{"length":100}}}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact(Timeout = SocketsCollection.CeilingMilliseconds)]
    public async Task A_traced_transfer_can_be_read_and_drawn_at_both_sides_and_shows_nothing_of_the_file()
    {
        const string Content = "not to be seen by anybody";
        File.WriteAllText(_folder["secret-name"], string.Concat(Enumerable.Repeat(Content, 20_000)));
        Directory.CreateDirectory(_folder["in"]);
        await using var receiver = RunningCli.Start(
            "receive", "--json", "--once", "--key", _folder["key"], "--bind", "127.0.0.1:0", "--into", _folder["in"], "--trace", _folder["receiver"]);
        var sent = await CliRun.InvokeAsync("send", _folder["secret-name"], await receiver.AddressAsync(), "--trace", _folder["sender"]);
        Assert.Equal((ExitCodes.Success, ""), (sent.ExitCode, sent.Error));
        Assert.Equal(ExitCodes.Success, await receiver.ExitAsync());

        foreach (var (side, vantage) in new[] { ("sender", "client"), ("receiver", "server") })
        {
            var text = File.ReadAllText(_folder[side]);
            Assert.DoesNotContain("not to be", text, StringComparison.Ordinal);
            Assert.DoesNotContain("secret-name", text, StringComparison.Ordinal);
            var records = text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line.TrimStart('\u001e')).RootElement).ToList();
            Assert.All(text.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Equal('\u001e', line[0]));
            var trace = records[0].GetProperty("trace");
            Assert.Equal(vantage, trace.GetProperty("vantage_point").GetProperty("type").GetString());
            Assert.True(trace.GetProperty("common_fields").GetProperty("reference_time").GetInt64() > 1_700_000_000_000);
            string[] expected =
            [
                "transport:packet_sent", "transport:packet_received", "recovery:metrics_updated", "recovery:congestion_state_updated",
                "recovery:mtu_updated", "connectivity:connection_closed",
            ];
            var names = records.Skip(1).Select(record => record.GetProperty("name").GetString()!).ToHashSet();
            Assert.All(expected, name => Assert.Contains(name, names));
            var times = records.Skip(1).Select(record => record.GetProperty("time").GetDouble()).ToList();
            Assert.Equal(times.Order(), times);

            var plot = await CliRun.InvokeAsync("plot", _folder[side], "--out", _folder[$"{side}.svg"]);
            Assert.Equal((ExitCodes.Success, ""), (plot.ExitCode, plot.Error));
            var svg = XDocument.Load(_folder[$"{side}.svg"]);
            var texts = svg.Descendants().Where(element => element.Name.LocalName == "text").Select(element => element.Value).ToList();
            Assert.All(["congestion window", "bytes in flight", "smoothed", "round trip (ms)", "throughput (MB/s)"], label => Assert.Contains(label, texts));
            Assert.True(svg.Descendants().Count(element => element.Name.LocalName == "polyline") >= 7);
        }
    }

    [Theory]
    [InlineData("", 0, "empty")]
    [InlineData("{}\n", 1, "qlog_version")]
    [InlineData("hello\n", 1, "no record")]
    [InlineData(Header + "\n[]\n", 2, "no object")]
    [InlineData(Header + "\n" + Sent + "\n{\"time\":1\n", 3, "no record")]
    [InlineData(Header + "\n{\"time\":1,\"data\":{}}\n", 2, "name")]
    [InlineData(Header + "\n{\"time\":-1,\"name\":\"x\",\"data\":{}}\n", 2, "time")]
    [InlineData(Header + "\n{\"time\":\"1\",\"name\":\"x\",\"data\":{}}\n", 2, "time")]
    [InlineData(Header + "\n{\"time\":1,\"name\":\"x\"}\n", 2, "data")]
    [InlineData(Header + "\n{\"time\":1,\"name\":\"x\",\"group_id\":1.5,\"data\":{}}\n", 2, "group_id")]
    [InlineData(Header + "\n{\"time\":1,\"name\":\"transport:packet_sent\",\"group_id\":1,\"data\":{}}\n", 2, "raw.length")]
    [InlineData(Header + "\n{\"time\":1,\"name\":\"recovery:metrics_updated\",\"group_id\":1,\"data\":{\"min_rtt\":\"x\"}}\n", 2, "min_rtt")]
    [InlineData(Header + "\n" + Sent, 2, "cut off")]
    public async Task A_line_that_is_no_record_is_named_with_what_is_wrong(string content, int line, string problem)
    {
        File.WriteAllText(_folder["trace"], content);
        var run = await CliRun.InvokeAsync("plot", _folder["trace"]);
        run.AssertFails(ExitCodes.File, problem, line == 0 ? "trace" : $"line {line},");
        Assert.False(File.Exists(_folder["trace.svg"]));
    }

    [Theory]
    [InlineData(65_000, true)]
    [InlineData(70_000, false)]
    [InlineData(700_000, false)]
    public async Task A_line_has_a_bound(int padding, bool isRead)
    {
        File.WriteAllText(_folder["trace"], $"{Header}\n{Sent}\n{Sent[..^1]},\"x\":\"{new string('x', padding)}\"}}\n");
        var run = await CliRun.InvokeAsync("plot", _folder["trace"]);
        Assert.Equal(isRead ? ExitCodes.Success : ExitCodes.File, run.ExitCode);
        Assert.Equal(!isRead, run.Error.Contains("line 3, is no record of a trace: it is longer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_connection_is_drawn_by_its_number_or_the_one_of_which_most_is_told()
    {
        var other = Sent.Replace("\"group_id\":1", "\"group_id\":2", StringComparison.Ordinal);
        File.WriteAllText(_folder["trace"], string.Join('\n', [Header, Sent, other, other, ""]));
        Assert.Equal(2, (await CliRun.InvokeAsync("plot", "--json", _folder["trace"])).JsonLines()[0].GetProperty("packets_sent").GetInt32());
        var first = await CliRun.InvokeAsync("plot", "--json", _folder["trace"], "--connection", "1");
        Assert.Equal(1, first.JsonLines()[0].GetProperty("packets_sent").GetInt32());
        (await CliRun.InvokeAsync("plot", _folder["trace"], "--connection", "3")).AssertFails(ExitCodes.File, "connection 3");
        File.WriteAllText(_folder["text"], "mine");
        (await CliRun.InvokeAsync("plot", _folder["trace"], "--out", _folder["text"])).AssertFails(ExitCodes.File, "no picture");
        Assert.Equal("mine", File.ReadAllText(_folder["text"]));
    }

    [Fact]
    public async Task A_trace_replaces_a_trace_and_nothing_else()
    {
        using var identity = PacketSecIdentity.Generate();
        File.WriteAllText(_folder["file"], "mine");
        var run = await CliRun.InvokeAsync("send", _folder["file"], $"{identity.PeerId}@127.0.0.1:9", "--trace", _folder["file"]);
        run.AssertFails(ExitCodes.File, "no trace", "--trace");
        Assert.Equal("mine", File.ReadAllText(_folder["file"]));
    }

    [Fact]
    public void What_does_not_fit_into_the_buffer_is_counted_in_the_trace()
    {
        const int Events = 500_000;
        using (var trace = QlogFile.Open(_folder["trace"], "t", isDialler: true, new(new(TextReader.Null, TextWriter.Null, TextWriter.Null), json: false))!)
        {
            var sink = trace.ForConnection();
            for (var i = 0; i < Events; i++)
            {
                sink.Add(new() { Kind = TraceEventKind.PacketSent, Time = i, Number = i, Length = 100 });
            }
        }

        var course = TraceCourse.Read(_folder["trace"], 1);
        Assert.Equal(Events, course.PacketsSent + course.Dropped);
        Assert.True(course.Dropped > 0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(100_000)]
    public void A_course_has_a_bounded_number_of_points_and_keeps_sums_and_extremes(int values)
    {
        var buckets = new TimeBuckets(64);
        for (var i = 0; i < values; i++)
        {
            buckets.Add(i, i == values / 2 ? 1000 : 1 + (i % 7));
        }

        var course = buckets.Course().ToList();
        Assert.InRange(course.Count, 1, 2 * 64);
        Assert.Equal((buckets.Largest, 1000), (course.Max(point => point.Value), buckets.Largest));
        Assert.Equal(course.Select(point => point.Time).Order(), course.Select(point => point.Time));
        Assert.Equal(Enumerable.Range(0, values).Sum(i => i == values / 2 ? 1000.0 : 1 + (i % 7)), buckets.Sums().Sum(point => point.Sum), 0.1);
        Assert.Equal(values - 1, buckets.End);
    }

    [Fact]
    public void Rates_count_what_came_in_each_second()
    {
        var buckets = new TimeBuckets(4);
        foreach (var time in new[] { 0.0, 250, 500, 750, 999 })
        {
            buckets.Add(time, 10);
        }

        Assert.Equal(256, buckets.Width);
        double[] expected = [20 / 0.256, 10 / 0.256, 10 / 0.256, 10 / 0.232];
        Assert.All(buckets.Rates(1000).Zip(expected), pair => Assert.Equal(pair.Second, pair.First.PerSecond, 0.001));
    }
}
