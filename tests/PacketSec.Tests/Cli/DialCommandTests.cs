using System.Net;
using System.Net.Sockets;
using PacketSec.Cli;
using PacketSec.Protocol.Identity;

namespace PacketSec.Tests.Cli;

[Collection(SocketsCollection.Name)]
public sealed class DialCommandTests : IDisposable
{
    private const int Ceiling = SocketsCollection.CeilingMilliseconds;

    private readonly TemporaryFolder _folder = new();

    public DialCommandTests()
    {
        foreach (var name in new[] { "listener", "dialler" })
        {
            using var identity = PacketSecIdentity.Generate();
            identity.Save(_folder[name]);
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact(Timeout = Ceiling)]
    public async Task Dial_counts_every_datagram_back()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--echo");
        await using (listener)
        {
            var run = await CliRun.InvokeAsync(
                "dial", address, "--json", "--key", _folder["dialler"], "--count", "2000", "--size", "1200", "--require-all");
            Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
            var lines = run.JsonLines();
            Assert.Equal("connected", lines[0].GetProperty("type").GetString());
            Assert.Equal("p2pke-1", lines[0].GetProperty("scheme").GetString());
            Assert.Equal(address.Split('@')[0], lines[0].GetProperty("peer").GetString());
            var summary = lines[^1];
            Assert.Equal("summary", summary.GetProperty("type").GetString());
            Assert.Equal(2000, summary.GetProperty("sent").GetInt32());
            Assert.Equal(2000, summary.GetProperty("echoed").GetInt32());
            Assert.Equal(0, summary.GetProperty("lost").GetInt32());
            Assert.Equal(0, summary.GetProperty("duplicated").GetInt32());
            Assert.Equal(0, summary.GetProperty("unexpected").GetInt32());
            Assert.Equal(ExitCodes.Success, await listener.StopAsync());
            Assert.Empty(listener.Error.Lines);
            Assert.True((await listener.Output.WaitForJsonAsync("summary")).GetProperty("received").GetInt32() >= 2000);
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task Dial_prints_its_counts_as_one_line_of_text_where_nobody_looks()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--echo");
        await using (listener)
        {
            var run = await CliRun.InvokeAsync("dial", address, "--count", "10", "--rate", "1000");
            Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
            Assert.StartsWith("10 sent, 10 echoed, 0 lost, 0 duplicated;", Assert.Single(run.Output.TrimEnd().Split('\n')), StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task Lines_become_datagrams_and_datagrams_lines()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--echo");
        await using (listener)
        {
            await using var dial = RunningCli.StartWithInput(new StringReader("hello\n\ngrüße\ta\u001b[31mb\n"), "dial", address);
            Assert.Equal(ExitCodes.Success, await dial.ExitAsync());
            Assert.Equal(["grüße\ta\\u{1b}[31mb", "hello"], dial.Output.Lines.Order(StringComparer.Ordinal));
            Assert.Empty(dial.Error.Lines);
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_listener_without_echo_prints_what_comes()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"]);
        await using (listener)
        {
            await using var dial = RunningCli.StartWithInput(new StringReader("hello\n"), "dial", address, "--key", _folder["dialler"], "--linger", "0");
            Assert.Equal(ExitCodes.Success, await dial.ExitAsync());
            var datagram = await listener.Output.WaitForJsonAsync("datagram");
            using var identity = PacketSecIdentity.Load(_folder["dialler"]);
            Assert.Equal("hello"u8.ToArray(), datagram.GetProperty("data").GetBytesFromBase64());
            Assert.Equal(identity.PeerId.ToString(), datagram.GetProperty("peer").GetString());
            await listener.Output.WaitForJsonAsync("closed", line => line.GetProperty("reason").GetString() == "PeerClosed");
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_line_that_is_too_long_is_named_and_fails_the_command_at_its_end()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--echo");
        await using (listener)
        {
            var input = new StringReader($"{new string('a', 1213)}\n{new string('b', 1212)}\n");
            await using var dial = RunningCli.StartWithInput(input, "dial", address);
            Assert.Equal(ExitCodes.Failed, await dial.ExitAsync());
            Assert.Equal([new string('b', 1212)], dial.Output.Lines);
            Assert.Contains("1213 bytes was not sent: a datagram has 1212", Assert.Single(dial.Error.Lines), StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task Only_the_identities_of_the_lists_are_let_in()
    {
        using var identity = PacketSecIdentity.Load(_folder["dialler"]);
        using var other = PacketSecIdentity.Generate();
        File.WriteAllText(_folder["friends"], $"# friends\n\n{other.PeerId} # another\n  {identity.PeerId}\n");
        foreach (var (args, expected) in new (string[], int)[]
        {
            (["--allow", $"{other.PeerId}"], ExitCodes.Refused),
            (["--allow", $"{other.PeerId}", "--allow", $"{identity.PeerId}"], ExitCodes.Success),
            (["--allow-file", _folder["friends"]], ExitCodes.Success),
        })
        {
            var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], ["--echo", .. args]);
            await using (listener)
            {
                var run = await CliRun.InvokeAsync("dial", address, "--key", _folder["dialler"], "--count", "3");
                Assert.Equal(expected, run.ExitCode);
                if (expected == ExitCodes.Refused)
                {
                    Assert.Matches("^psec: .* refused the channel: ask its operator to allow .*\n$", run.Error);
                }
            }
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task Another_identity_at_the_address_is_a_failure_of_its_own()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--echo");
        await using (listener)
        {
            using var other = PacketSecIdentity.Generate();
            var run = await CliRun.InvokeAsync("dial", $"{other.PeerId}@{address.Split('@')[1]}");
            run.AssertFails(ExitCodes.WrongIdentity, other.PeerId.ToString(), "check the address");
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task Nobody_at_the_address_is_unreachable()
    {
        using var silent = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)silent.Client.LocalEndPoint!).Port;
        using var identity = PacketSecIdentity.Load(_folder["listener"]);
        var run = await CliRun.InvokeHurriedAsync("dial", $"{identity.PeerId}@127.0.0.1:{port}");
        run.AssertFails(ExitCodes.Unreachable, "did not answer within 10 s", "firewall", "does not negotiate", "--direct p2pke-1");
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_local_address_that_cannot_be_bound_is_named()
    {
        using var taken = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)taken.Client.LocalEndPoint!).Port;
        using var identity = PacketSecIdentity.Load(_folder["listener"]);
        (await CliRun.InvokeAsync("listen", "--bind", $"127.0.0.1:{port}")).AssertFails(ExitCodes.Address, $"{port} is in use", "choose another");
        (await CliRun.InvokeAsync("dial", $"{identity.PeerId}@127.0.0.1:1", "--bind", "192.0.2.1:0")).AssertFails(ExitCodes.Address, "does not have the address");
    }

    [Fact(Timeout = Ceiling)]
    public async Task Keys_and_lists_that_cannot_be_read_are_named()
    {
        (await CliRun.InvokeAsync("listen", "--key", Path.Combine(_folder["none"], "me"))).AssertFails(ExitCodes.KeyFile, "folder");
        (await CliRun.InvokeAsync("listen", "--allow-file", _folder["none"])).AssertFails(ExitCodes.File, "access list");
        (await CliRun.InvokeAsync("listen", "--allow", "me")).AssertFails(ExitCodes.Usage, "'me' is no peer ID", "psec id");
        File.WriteAllText(_folder["list"], "\nme\n");
        (await CliRun.InvokeAsync("listen", "--allow-file", _folder["list"])).AssertFails(ExitCodes.File, "line 2", "'me'");
        using var identity = PacketSecIdentity.Load(_folder["listener"]);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_folder["list"], UnixFileMode.UserRead);
        }

        (await CliRun.InvokeAsync("dial", $"{identity.PeerId}@127.0.0.1:1", "--key", _folder["list"])).AssertFails(ExitCodes.KeyFile, "no Ed25519");
        (await CliRun.InvokeAsync("dial", $"{identity.PeerId}@127.0.0.1:1", "--key", _folder["listener"])).AssertFails(ExitCodes.Usage, "own identity");
        (await CliRun.InvokeAsync("dial", $"{identity.PeerId}@[::1]:1", "--bind", "127.0.0.1:0")).AssertFails(ExitCodes.Unreachable, "other address family");
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_key_file_that_is_not_there_is_made_once()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["new"]);
        await listener.DisposeAsync();
        Assert.Equal(address.Split('@')[0], (await listener.Output.WaitForJsonAsync("key_made")).GetProperty("peer").GetString());
        var (again, same) = await RunningCli.ListenAsync(_folder["new"]);
        await again.DisposeAsync();
        Assert.Equal(address.Split('@')[0], same.Split('@')[0]);
        Assert.DoesNotContain(again.Output.Lines, line => line.Contains("key_made", StringComparison.Ordinal));
    }

    [Theory(Timeout = Ceiling)]
    [InlineData("listen --direct psec-0", "'psec-0'")]
    [InlineData("listen --bind localhost:1", "'localhost' is a name")]
    [InlineData("listen --bind 127.0.0.1", "no port")]
    [InlineData("listen --lifetime 61", "--lifetime is '61'; it may be 1 to 60")]
    [InlineData("dial", "psec dial --help")]
    [InlineData("dial 127.0.0.1:1", "PEER@host:port")]
    [InlineData("dial {peer}@127.0.0.1:1 --count 0", "--count is 0; it may be 1 to 100000000")]
    [InlineData("dial {peer}@127.0.0.1:1 --count x", "'x'")]
    [InlineData("dial {peer}@127.0.0.1:1 --count 1 --size 7", "--size is 7; it may be 8 to 1212")]
    [InlineData("dial {peer}@127.0.0.1:1 --count 1 --size 1213", "--size is 1213; it may be 8 to 1212")]
    [InlineData("dial {peer}@127.0.0.1:1 --count 1 --window 0", "--window is 0; it may be 1 to 65536")]
    [InlineData("dial {peer}@127.0.0.1:1 --count 1 --rate -1", "--rate is '-1'")]
    [InlineData("dial {peer}@127.0.0.1:1 --require-all", "--require-all needs --count")]
    [InlineData("ping {peer}@127.0.0.1:1 --interval 0", "--interval is '0'")]
    [InlineData("ping {peer}@127.0.0.1:0", "Port 0")]
    [InlineData("demo --break everything", "'everything'")]
    public async Task Wrong_arguments_are_named_with_what_to_write(string line, string words)
    {
        using var identity = PacketSecIdentity.Load(_folder["listener"]);
        var run = await CliRun.InvokeAsync(line.Replace("{peer}", identity.PeerId.ToString(), StringComparison.Ordinal).Split(' '));
        run.AssertFails(ExitCodes.Usage, words, "--help");
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_peer_that_does_not_echo_is_a_failure_that_says_so()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"]);
        await using (listener)
        {
            var run = await CliRun.InvokeAsync("dial", address, "--count", "3", "--require-all", "--timeout", "1");
            Assert.Equal(ExitCodes.Failed, run.ExitCode);
            Assert.StartsWith("3 sent, 0 echoed, 3 lost", run.Output, StringComparison.Ordinal);
            Assert.Contains("psec listen --echo", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_peer_that_closes_and_a_user_who_stops_end_a_count_with_codes_of_their_own()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--echo");
        await using (listener)
        {
            await using var stopped = RunningCli.Start("dial", address, "--json", "--count", "1000000", "--rate", "100");
            await using var left = RunningCli.Start("dial", address, "--json", "--count", "1000000", "--rate", "100");
            await stopped.Output.WaitForJsonAsync("session");
            await left.Output.WaitForJsonAsync("session");

            Assert.Equal(ExitCodes.Interrupted, await stopped.StopAsync());
            Assert.Equal(ExitCodes.Success, await listener.StopAsync());
            Assert.Equal(ExitCodes.PeerClosed, await left.ExitAsync());
            Assert.Empty(stopped.Error.Lines);
            Assert.Contains("closed the channel", Assert.Single(left.Error.Lines), StringComparison.Ordinal);
            await stopped.Output.WaitForJsonAsync("summary");
            await left.Output.WaitForJsonAsync("summary");
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_host_name_is_looked_up()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--echo");
        await using (listener)
        {
            // Where the name has an IPv6 address, too, nobody answers there and the next one is tried.
            var run = await CliRun.InvokeAsync("dial", address.Replace("127.0.0.1", "localhost", StringComparison.Ordinal), "--count", "1", "--require-all");
            Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
            var unknown = await CliRun.InvokeAsync("dial", address.Replace("127.0.0.1", "nobody.invalid", StringComparison.Ordinal));
            unknown.AssertFails(ExitCodes.Unreachable, "'nobody.invalid'", "check its spelling");
        }
    }

    [Fact]
    public void An_identity_with_the_sign_turned_is_the_same_to_an_access_list()
    {
        using var identity = PacketSecIdentity.Generate();
        var turned = identity.PeerId.Multihash.ToArray();
        turned[^1] ^= 0x80;
        Assert.True(PeerId.TryRead(turned, out var other));
        var list = PacketSec.Cli.Net.AccessList.Load([identity.PeerId.ToString()], null);
        Assert.Contains(other, list!);
        Assert.Null(PacketSec.Cli.Net.AccessList.Load([], null));
    }
}
