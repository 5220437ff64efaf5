using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using PacketSec.Cli;
using PacketSec.Cli.Demo;

namespace PacketSec.Tests.Cli;

/// <summary>How commands agree on a scheme, and what they tell of it.</summary>
[Collection(SocketsCollection.Name)]
public sealed class SchemeOptionTests : IDisposable
{
    private const int Ceiling = SocketsCollection.CeilingMilliseconds;

    private readonly TemporaryFolder _folder = new();

    public SchemeOptionTests()
    {
        foreach (var name in new[] { "listener", "dialler" })
        {
            using var identity = PacketSecIdentity.Generate();
            identity.Save(_folder[name]);
        }
    }

    public void Dispose() => _folder.Dispose();

    [Theory(Timeout = Ceiling)]
    [InlineData("dial", "")]
    [InlineData("dial", "--scheme p2pke-1")]
    [InlineData("ping", "")]
    [InlineData("ping", "--scheme p2pke-1")]
    public async Task Both_sides_tell_the_same_agreement(string command, string options)
    {
        string[] schemes = options.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], ["--echo", .. schemes]);
        await using (listener)
        {
            var listening = await listener.Output.WaitForJsonAsync("listening");
            Assert.Equal(["p2pke-1"], listening.GetProperty("schemes").EnumerateArray().Select(name => name.GetString()));
            Assert.False(listening.TryGetProperty("direct", out _));

            var run = await CliRun.InvokeAsync([command, address, "--json", "--count", "1", .. schemes]);
            Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
            var lines = run.JsonLines();
            Assert.Equal(["connected", "session"], lines.Take(2).Select(line => line.GetProperty("type").GetString()));
            var here = Agreement(lines[0]);
            Assert.Equal(("p2pke-1", "standard", "initiator"), (here.Scheme, here.Case, here.Role));
            Assert.Matches("^[0-9a-f]{16}$", here.Tag);
            Assert.Equal(here, Agreement(lines[1]));
            Assert.Equal(here with { Role = "responder" }, Agreement(await listener.Output.WaitForJsonAsync("session")));
        }
    }

    [Theory(Timeout = Ceiling)]
    [InlineData("dial")]
    [InlineData("ping")]
    public async Task A_listener_serves_directly_what_it_is_told_to_and_negotiates_too(string command)
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--echo", "--direct", "p2pke-1");
        await using (listener)
        {
            Assert.Equal("p2pke-1", (await listener.Output.WaitForJsonAsync("listening")).GetProperty("direct").GetString());
            foreach (var (options, expected) in new (string[], string)[] { (["--direct", "p2pke-1"], "direct"), ([], "standard") })
            {
                var run = await CliRun.InvokeAsync([command, address, "--json", "--count", "1", .. options]);
                Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
                var here = Agreement(run.JsonLines()[0]);
                Assert.Equal(("p2pke-1", expected, "initiator"), (here.Scheme, here.Case, here.Role));
                Assert.Equal(expected == "direct", here.Tag is null);
                var there = await listener.Output.WaitForJsonAsync("session", line => line.GetProperty("case").GetString() == expected);
                Assert.Equal(here with { Role = "responder" }, Agreement(there));
            }
        }
    }

    [Theory(Timeout = Ceiling)]
    [InlineData("dial", "--scheme secret-handshake-1", false)]
    [InlineData("ping", "--scheme secret-handshake-1 --hidden", false)]
    [InlineData("dial", "--scheme secret-handshake-1", true)]
    [InlineData("ping", "--direct secret-handshake-1", true)]
    public async Task A_scheme_that_hides_identities_is_spoken_with_and_without_a_network_key(string command, string options, bool network)
    {
        const string Name = "secret-handshake-1";
        var key = _folder["network"];
        File.WriteAllText(key, string.Concat(Enumerable.Repeat("2a", 32)) + "\n");
        OwnerOnly(key);
        string[] shared = network ? ["--network-key", key] : [];
        string[] served = options.Contains("--direct", StringComparison.Ordinal) ? ["--scheme", Name, "--direct", Name] : ["--scheme", Name];
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], ["--echo", .. served, .. shared]);
        await using (listener)
        {
            var run = await CliRun.InvokeAsync([command, address, "--json", "--count", "1", .. options.Split(' '), .. shared]);
            Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
            Assert.Equal(Name, Agreement(run.JsonLines()[0]).Scheme);
            Assert.Equal(Name, Agreement(await listener.Output.WaitForJsonAsync("session")).Scheme);
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task Who_is_not_of_the_network_is_not_answered_and_told_what_may_be_wrong()
    {
        var key = _folder["network"];
        File.WriteAllText(key, string.Concat(Enumerable.Repeat("2a", 32)));
        OwnerOnly(key);
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--scheme", "secret-handshake-1", "--direct", "secret-handshake-1", "--network-key", key);
        await using (listener)
        {
            var run = await CliRun.InvokeHurriedAsync("dial", address, "--direct", "secret-handshake-1");
            run.AssertFails(ExitCodes.Unreachable, "did not answer within 10 s", "network key", "look the same");
        }
    }

    [Theory]
    [InlineData(null, "There is no network key", "openssl rand -hex 32")]
    [InlineData("2a", "is no network key", "64 hexadecimal digits")]
    [InlineData("zz", "is no network key", "64 hexadecimal digits")]
    [InlineData("00", "is no network key", "not all zero")]
    public async Task A_network_key_that_cannot_be_one_is_refused(string? content, params string[] words)
    {
        var key = _folder["network"];
        if (content is not null)
        {
            File.WriteAllText(key, string.Concat(Enumerable.Repeat(content, content == "2a" ? 31 : 32)));
            OwnerOnly(key);
        }

        var run = await CliRun.InvokeAsync("listen", "--bind", "127.0.0.1:0", "--scheme", "secret-handshake-1", "--network-key", key);
        run.AssertFails(ExitCodes.KeyFile, words);
    }

    [Fact]
    public async Task A_network_key_without_its_scheme_is_refused()
        => (await CliRun.InvokeAsync("listen", "--bind", "127.0.0.1:0", "--network-key", _folder["network"])).AssertFails(
            ExitCodes.Usage, "--network-key is for secret-handshake-1 only", "--scheme");

    [Fact(Timeout = Ceiling)]
    public async Task Lines_for_people_tell_the_agreement()
    {
        await using var listener = RunningCli.Start("listen", "--bind", "127.0.0.1:0", "--echo", "--direct", "p2pke-1");
        var listening = await listener.Output.WaitForAsync(line => line.StartsWith("listening", StringComparison.Ordinal));
        Assert.Matches("^listening on 127[.0-9]+:[0-9]+ by p2pke-1, directly by p2pke-1; dial 12D3[^ ]+$", listening);
        var address = listening.Split(' ')[^1];
        foreach (var (options, words) in new (string[], string)[]
        {
            ([], "p2pke-1, standard, as responder, transcript [0-9a-f]{16}$"),
            (["--direct", "p2pke-1"], "p2pke-1, direct, as responder$"),
        })
        {
            Assert.Equal(ExitCodes.Success, (await CliRun.InvokeAsync(["ping", address, "--count", "1", .. options])).ExitCode);
            await listener.Output.WaitForAsync(
                line => System.Text.RegularExpressions.Regex.IsMatch(line, "^channel [12]: session 1 is confirmed with 127.*: " + words));
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task Two_that_dial_each_other_at_once_tell_the_same_agreement()
    {
        IPEndPoint[] sides = [FreeAddress(), FreeAddress()];
        await using var relay = new MeetingRelay(sides, altered: null);
        string[] keys = ["listener", "dialler"];
        await using var first = Dial(0);
        await using var second = Dial(1);
        var (one, other) = (Agreement(await first.Output.WaitForJsonAsync("connected")), Agreement(await second.Output.WaitForJsonAsync("connected")));
        Assert.Equal(("p2pke-1", "simultaneous"), (one.Scheme, one.Case));
        Assert.Equal(one with { Role = other.Role }, other);
        Assert.Equal(["initiator", "responder"], new[] { one.Role, other.Role }.Order(StringComparer.Ordinal));

        RunningCli Dial(int side)
        {
            using var peer = PacketSecIdentity.Load(_folder[keys[1 - side]]);
            return RunningCli.Start(
                "ping", $"{peer.PeerId}@{relay.LocalEndPoint}", "--json", "--key", _folder[keys[side]], "--bind", sides[side].ToString(), "--interval", "0.1");
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_direct_dial_of_a_listener_that_only_negotiates_fails_and_names_both_remedies()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--echo");
        await using (listener)
        {
            var run = await CliRun.InvokeHurriedAsync("dial", address, "--direct", "p2pke-1");
            run.AssertFails(ExitCodes.Unreachable, "did not answer within 10 s", "psec listen --direct p2pke-1", "dial without --direct");
            await listener.StopAsync();
            var drops = (await listener.Output.WaitForJsonAsync("summary")).GetProperty("drops");
            Assert.True(drops.GetProperty("NoDirectScheme").GetInt32() > 0);
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_peer_that_negotiates_nothing_rejects_and_the_error_names_the_options()
    {
        using var identity = PacketSecIdentity.Load(_folder["listener"]);
        await using var endpoint = PacketSecEndpoint.Bind(
            new() { Identity = identity, LocalEndPoint = new(IPAddress.Loopback, 0), Schemes = [], DirectScheme = "p2pke-1" });
        var address = $"{endpoint.PeerId}@{endpoint.LocalEndPoint}";
        (await CliRun.InvokeHurriedAsync("dial", address)).AssertFails(ExitCodes.Protocol, endpoint.PeerId.ToString(), "none of the schemes", "--scheme", "--direct");
        await using var direct = RunningCli.Start("ping", address, "--json", "--direct", "p2pke-1");
        Assert.Equal("direct", Agreement(await direct.Output.WaitForJsonAsync("connected")).Case);
    }

    [Theory(Timeout = Ceiling)]
    [InlineData("listen --scheme p2pke-0", "'p2pke-0'", "there is: p2pke-1")]
    [InlineData("listen --scheme p2pke-1 --scheme p2pke-0", "'p2pke-0'", "there is: p2pke-1")]
    [InlineData("listen --direct p2pke-0", "'p2pke-0'", "there is: p2pke-1")]
    [InlineData("listen --hidden", "'--hidden'", "psec listen")]
    [InlineData("dial {peer}@127.0.0.1:1 --scheme psec-attempt-1:", "'psec-attempt-1:'", "there is: p2pke-1")]
    [InlineData("dial {peer}@127.0.0.1:1 --direct p2pke-0", "'p2pke-0'", "there is: p2pke-1")]
    [InlineData("dial {peer}@127.0.0.1:1 --direct p2pke-1 --direct p2pke-1", "'--direct'", "psec dial")]
    [InlineData("dial {peer}@127.0.0.1:1 --direct p2pke-1 --scheme p2pke-1", "--direct proposes nothing", "leave out --scheme")]
    [InlineData("dial {peer}@127.0.0.1:1 --direct p2pke-1 --hidden", "--direct proposes nothing", "and --hidden")]
    [InlineData("dial {peer}@127.0.0.1:1 --hidden", "p2pke-1 shows them", "--scheme (secret-handshake-1")]
    [InlineData("dial {peer}@127.0.0.1:1 --hidden --scheme p2pke-1", "p2pke-1 shows them", "--scheme (secret-handshake-1")]
    [InlineData("dial {peer}@127.0.0.1:1 --scheme secret-handshake-1 --scheme p2pke-1", "beside others", "psec dial")]
    [InlineData("listen --scheme secret-handshake-1 --direct p2pke-1", "beside others", "psec listen")]
    [InlineData("listen --direct secret-handshake-1", "beside others", "psec listen")]
    [InlineData("ping {peer}@127.0.0.1:1 --scheme a --scheme b", "'a' or 'b'", "there is: p2pke-1")]
    [InlineData("ping {peer}@127.0.0.1:1 --direct p2pke-1 --scheme p2pke-1", "--direct proposes nothing", "psec ping")]
    [InlineData("ping {peer}@127.0.0.1:1 --hidden", "p2pke-1 shows them", "psec ping")]
    [InlineData("dial {peer}@127.0.0.1:1 --scheme mychips-1", "mychips-1 needs --ticket FILE", "psec dial")]
    [InlineData("dial {peer}@127.0.0.1:1 --ticket none --scheme p2pke-1", "--ticket needs --scheme mychips-1", "psec dial")]
    [InlineData("dial", "Say whom to dial", "--ticket FILE", "psec dial")]
    [InlineData("ping --scheme noise-xx-1", "Say whom to dial", "psec ping")]
    [InlineData("listen --scheme mychips-1", "mychips-1 needs --tickets DIR", "psec listen")]
    [InlineData("listen --tickets none", "--tickets needs --scheme mychips-1", "psec listen")]
    [InlineData("dial {peer}@127.0.0.1:1 --scheme mychips-1", "or --site ADDRESS@PORT", "psec dial")]
    [InlineData("dial {peer}@127.0.0.1:1 --site b@4000 --scheme p2pke-1", "--site needs --scheme mychips-1", "psec dial")]
    [InlineData("dial {peer}@127.0.0.1:1 --site b:4000", "'b:4000' is no site ID", "ADDRESS@PORT", "psec dial")]
    [InlineData("dial {peer}@127.0.0.1:1 --site b@0", "'b@0' is no site ID", "psec dial")]
    [InlineData("dial {peer}@127.0.0.1:1 --site b@65536", "'b@65536' is no site ID", "psec dial")]
    [InlineData("dial {peer}@127.0.0.1:1 --site b@", "'b@' is no site ID", "psec dial")]
    [InlineData("dial {peer}@127.0.0.1:1 --site=@4000", "'@4000' is no site ID", "psec dial")]
    [InlineData("dial {peer}@127.0.0.1:1 --site b@4000 --site c@4000", "one name", "psec dial")]
    [InlineData("dial --site b@4000", "Say whom to dial", "psec dial")]
    [InlineData("listen --scheme mychips-1", "or --site ADDRESS@PORT=PEER", "psec listen")]
    [InlineData("listen --site b@4000={peer}", "--site needs --scheme mychips-1", "psec listen")]
    [InlineData("listen --site-file none", "--site-file needs --scheme mychips-1", "psec listen")]
    public async Task Schemes_that_cannot_be_are_named_with_what_to_do(string line, params string[] words)
    {
        using var identity = PacketSecIdentity.Load(_folder["listener"]);
        var run = await CliRun.InvokeAsync(line.Replace("{peer}", identity.PeerId.ToString(), StringComparison.Ordinal).Split(' '));
        run.AssertFails(ExitCodes.Usage, [.. words, "--help"]);
    }

    [Fact(Timeout = Ceiling)]
    public async Task More_schemes_than_a_proposal_lists_are_too_many()
    {
        using var identity = PacketSecIdentity.Load(_folder["listener"]);
        var sixteen = Enumerable.Repeat(new[] { "--scheme", "p2pke-1" }, 16).SelectMany(option => option).ToArray();
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], ["--echo", .. sixteen]);
        await using (listener)
        {
            Assert.Equal(ExitCodes.Success, (await CliRun.InvokeAsync(["ping", address, "--count", "1", .. sixteen])).ExitCode);
        }

        (await CliRun.InvokeAsync(["listen", .. sixteen, "--scheme", "p2pke-1"])).AssertFails(ExitCodes.Usage, "16", "psec listen --help");
        (await CliRun.InvokeAsync(["dial", address, .. sixteen, "--scheme", "p2pke-1"])).AssertFails(ExitCodes.Usage, "16", "psec dial --help");
    }

    [Theory]
    [InlineData("listen", true, false)]
    [InlineData("dial", true, true)]
    [InlineData("ping", true, true)]
    [InlineData("demo", false, false)]
    public async Task Help_names_the_options_of_each_command(string command, bool schemes, bool hidden)
    {
        var help = await CliRun.InvokeAsync(command, "--help");
        Assert.Equal(
            (true, schemes, schemes, hidden),
            (Has("--pcap <FILE>"), Has("--scheme <NAME>"), Has("--direct <NAME>"), Has("--hidden")));

        bool Has(string option) => help.Output.Contains(option, StringComparison.Ordinal);
    }

    private static void OwnerOnly(string file)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    private static IPEndPoint FreeAddress()
    {
        using var socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.Client.LocalEndPoint!;
    }

    private static Told Agreement(JsonElement line) => new(
        line.GetProperty("scheme").GetString()!,
        line.GetProperty("case").GetString()!,
        line.GetProperty("role").GetString()!,
        line.TryGetProperty("transcript_tag", out var tag) ? tag.GetString() : null);

    private sealed record Told(string Scheme, string Case, string Role, string? Tag);
}
