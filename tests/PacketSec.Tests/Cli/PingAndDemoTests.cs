using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using PacketSec.Cli;
using PacketSec.Protocol.Identity;
using Spectre.Console;

namespace PacketSec.Tests.Cli;

[Collection(SocketsCollection.Name)]
public sealed class PingAndDemoTests : IDisposable
{
    private const int Ceiling = SocketsCollection.CeilingMilliseconds;

    private readonly TemporaryFolder _folder = new();

    public PingAndDemoTests()
    {
        using var identity = PacketSecIdentity.Generate();
        identity.Save(_folder["listener"]);
    }

    public void Dispose() => _folder.Dispose();

    [Fact(Timeout = Ceiling)]
    public async Task Ping_prints_each_round_trip_and_a_summary_in_microseconds()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--echo");
        await using (listener)
        {
            var run = await CliRun.InvokeAsync("ping", address, "--count", "4", "--interval", "0.01", "--size", "100");
            Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
            var lines = run.Output.TrimEnd().Split('\n');
            Assert.Equal(5, lines.Length);
            Assert.All(lines[..4], line => Assert.Matches(@"^100 bytes from 127\.0\.0\.1:\d+: number \d, \d+\.\d us$", line));
            var summary = Regex.Match(lines[4], @"^4 sent, 4 received, 0 duplicated, 0 % lost; min/mean/max/deviation ([\d.]+)/([\d.]+)/([\d.]+)/([\d.]+) us$");
            Assert.True(summary.Success, lines[4]);
            var figures = summary.Groups.Values.Skip(1).Select(group => double.Parse(group.Value, CultureInfo.InvariantCulture)).ToList();
            Assert.True(figures[0] <= figures[1] && figures[1] <= figures[2], lines[4]);
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task Ping_that_is_stopped_prints_its_summary()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--echo");
        await using (listener)
        {
            await using var ping = RunningCli.Start("ping", address, "--json", "--interval", "0.01");
            await ping.Output.WaitForJsonAsync("echo", line => line.GetProperty("number").GetInt32() == 3);
            Assert.Equal(ExitCodes.Success, await ping.StopAsync());
            var summary = await ping.Output.WaitForJsonAsync("summary");
            Assert.True(summary.GetProperty("received").GetInt32() >= 4);
            Assert.True(summary.GetProperty("min_us").GetDouble() > 0);
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task Ping_without_an_echo_ends_at_its_deadline_and_fails()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"]);
        await using (listener)
        {
            var run = await CliRun.InvokeAsync("ping", address, "--interval", "0.05", "--deadline", "0.3", "--json");
            Assert.Equal(ExitCodes.Failed, run.ExitCode);
            var summary = run.JsonLines()[^1];
            Assert.Equal(0, summary.GetProperty("received").GetInt32());
            Assert.Equal(100, summary.GetProperty("loss_percent").GetDouble());
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_summary_is_a_table_where_a_person_looks()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--echo");
        await using (listener)
        {
            using var output = new StringWriter();
            var terminal = AnsiConsole.Create(new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.Yes,
                ColorSystem = ColorSystemSupport.Standard,
                Interactive = InteractionSupport.No,
                Out = new AnsiConsoleOutput(output),
            });
            using var error = new StringWriter();
            Assert.Equal(
                ExitCodes.Success, await CliApplication.RunAsync(["dial", address, "--count", "5"], TextReader.Null, output, error, terminal, closesAtOnce: true));
            Assert.Contains("connected to", output.ToString(), StringComparison.Ordinal);
            Assert.Contains("\u001b[", output.ToString(), StringComparison.Ordinal);
            Assert.Matches("│.*echoed.*│.*5 │", output.ToString());
            Assert.Empty(error.ToString());
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task The_demo_shows_two_renewals_without_loss_and_a_clean_close()
    {
        var (run, _) = await WholeDemo.Value;
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        var lines = run.JsonLines();
        foreach (var side in new[] { "client", "server" })
        {
            var told = lines.Where(line => line.GetProperty("who").GetString() == side).ToList();
            Assert.Equal([1, 2, 3], told.Where(line => IsOf(line, "session")).Select(line => line.GetProperty("number").GetInt32()).Take(3));
            var counts = Assert.Single(told, line => IsOf(line, "counts"));
            Assert.True(counts.GetProperty("sent").GetInt32() > 100);
            Assert.Equal(counts.GetProperty("sent").GetInt32(), counts.GetProperty("received").GetInt32());
            Assert.Equal(0, counts.GetProperty("lost").GetInt32());
            Assert.Equal(side == "client" ? "Disposed" : "PeerClosed", Assert.Single(told, line => IsOf(line, "closed")).GetProperty("reason").GetString());
        }

        CheckAgreement(lines, "standard", "client", "server");
    }

    [Fact(Timeout = Ceiling)]
    public async Task The_demo_shows_one_session_and_its_leader_where_two_dial_each_other()
    {
        var (run, _) = await WholeDemo.Value;
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        var lines = run.JsonLines();
        var told = Assert.Single(lines, line => IsOf(line, "leader"));
        var leader = told.GetProperty("leader").GetString()!;
        CheckAgreement(lines, "simultaneous", leader, leader == "left" ? "right" : "left");
        var ids = lines.Where(line => IsOf(line, "bound")).ToDictionary(Who, line => line.GetProperty("peer").GetString()!);
        Assert.Equal(ids[leader], told.GetProperty("peer").GetString());
        Assert.Equal(ids[leader], new[] { ids["left"], ids["right"] }.MinBy(id => Convert.ToHexString(PeerId.Parse(id).Multihash), StringComparer.Ordinal));
        var sessions = Assert.Single(lines, line => IsOf(line, "sessions"));
        Assert.Equal((1, 1), (sessions.GetProperty("left").GetInt32(), sessions.GetProperty("right").GetInt32()));
        Assert.Equal(["PeerClosed"], lines.Where(line => IsOf(line, "closed") && Who(line) == "right").Select(line => line.GetProperty("reason").GetString()));
    }

    [Fact(Timeout = Ceiling)]
    public async Task The_demo_tells_what_it_saw_of_two_that_both_lead()
    {
        var run = await CliRun.InvokeAsync("demo", "--break", "leader", "--json");
        Assert.Equal(ExitCodes.Failed, run.ExitCode);
        var ends = run.JsonLines().Where(line => IsOf(line, "dial_ended")).ToList();
        Assert.Equal(["left", "right"], ends.Select(Who));
        Assert.All(ends, line =>
        {
            Assert.False(line.GetProperty("session").GetBoolean());
            Assert.True(line.GetProperty("given_up").GetBoolean());
            Assert.True(line.GetProperty("first_messages").GetInt32() > 0);
            Assert.True(line.GetProperty("dropped").GetInt32() > 0);
        });
        Assert.DoesNotContain(run.JsonLines(), line => IsOf(line, "session") || Who(line) is "client" or "server");
    }

    [Theory(Timeout = Ceiling)]
    [InlineData("rekey", "has 1 sessions", "not every datagram of the client arrived once")]
    [InlineData("identity", "(WrongIdentity)", "no channel")]
    [InlineData("leader", "both sides lead", "UnknownTranscript", "given up after")]
    public async Task The_demo_notices_what_is_broken(string what, params string[] words)
    {
        var run = what == "rekey" ? await WholeDemo.Stuck : await CliRun.InvokeAsync("demo", "--break", what);
        Assert.Equal(ExitCodes.Failed, run.ExitCode);
        Assert.StartsWith("psec: The demo failed: ", Assert.Single(run.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, run.Error, StringComparison.Ordinal));
    }

    private static bool IsOf(JsonElement line, string type) => line.GetProperty("type").GetString() == type;

    private static string Who(JsonElement line) => line.GetProperty("who").GetString()!;

    private static void CheckAgreement(IReadOnlyList<JsonElement> lines, string kind, string initiator, string responder)
    {
        var agreement = Assert.Single(lines, line => IsOf(line, "agreement") && line.GetProperty("case").GetString() == kind);
        Assert.Equal(
            (initiator, responder, "p2pke-1"),
            (agreement.GetProperty("initiator").GetString(), agreement.GetProperty("responder").GetString(), agreement.GetProperty("scheme").GetString()));
        foreach (var (side, role) in new[] { (initiator, "initiator"), (responder, "responder") })
        {
            var session = lines.First(line => IsOf(line, "session") && Who(line) == side);
            Assert.Equal((1, role, kind), (session.GetProperty("number").GetInt32(), session.GetProperty("role").GetString(), session.GetProperty("case").GetString()));
            Assert.Equal(agreement.GetProperty("transcript_tag").GetString(), session.GetProperty("transcript_tag").GetString());
        }
    }
}
