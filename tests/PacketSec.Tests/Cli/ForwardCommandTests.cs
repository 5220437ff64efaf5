using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using PacketSec.Cli;
using PacketSec.Cli.Forward;
using PacketSec.Tests.Streams;

namespace PacketSec.Tests.Cli;

/// <summary><c>psec forward</c>, over loopback.</summary>
[Collection(SocketsCollection.Name)]
public sealed class ForwardCommandTests : IDisposable
{
    private const int Ceiling = SocketsCollection.CeilingMilliseconds;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    //= spec/forward.md#forward-half-close
    //= spec/forward.md#forward-accepted
    [Theory(Timeout = Ceiling)]
    [InlineData("-L")]
    [InlineData("-R")]
    public async Task A_download_arrives_whole_behind_a_request_that_has_ended(string way)
    {
        var file = StreamExtensions.Pattern(16 << 20);
        using var target = ForwardTargets.Listen();
        await using var pair = await OpenAsync(way, target);
        using var client = await pair.ConnectAsync();
        using var server = await target.TakeAsync();
        await client.SendAllAsync(Encoding.ASCII.GetBytes("GET /"));
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal("GET /", Encoding.ASCII.GetString(await server.ReadAllAsync()));
        var sending = server.SendAllAsync(file);
        var received = client.ReadAllAsync();
        await sending;
        server.Shutdown(SocketShutdown.Send);
        Assert.Equal(SHA256.HashData(file), SHA256.HashData(await received));

        Assert.Equal(ExitCodes.Success, await pair.Near.StopAsync());
        Assert.Equal(1, (await pair.Near.Output.WaitForJsonAsync("summary")).GetProperty("connections").GetInt32());
        Assert.Empty(pair.Near.Error.Lines);
        Assert.Empty(pair.Far.Error.Lines);
    }

    //= spec/forward.md#forward-reset
    [Theory(Timeout = Ceiling)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_that_fails_at_one_end_fails_at_the_other(bool atTarget)
    {
        using var target = ForwardTargets.Listen();
        await using var pair = await OpenAsync("-L", target);
        using var client = await pair.ConnectAsync();
        using var server = await target.TakeAsync();
        await client.SendAllAsync(new byte[] { 1 });
        await server.ReadSomeAsync();
        var (failing, other) = atTarget ? (server, client) : (client, server);
        failing.LingerState = new(true, 0);
        failing.Dispose();
        await other.AssertResetAsync();
    }

    //= spec/forward.md#forward-reset
    [Fact(Timeout = Ceiling)]
    public async Task Connections_end_with_the_one_that_carries_them_and_later_ones_go_over_the_next()
    {
        using var target = ForwardTargets.Listen();
        var far = await ForwardPair.ServeAsync(_folder, "127.0.0.1:0", "--permit", ForwardTargets.Of(target));
        var address = await far.AddressAsync();
        await using var near = RunningCli.Start("forward", "--json", address, "-L", $"0:{ForwardTargets.Of(target)}");
        var port = IPEndPoint.Parse((await near.Output.WaitForJsonAsync("forwarding")).GetProperty("port").GetString()!);
        await near.Output.WaitForJsonAsync("connected");
        using var first = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await first.ConnectAsync(port);
        using var server = await target.TakeAsync();
        await far.DisposeAsync();
        await first.AssertResetAsync();
        await server.AssertResetAsync();
        await near.Output.WaitForJsonAsync("interrupted");

        await port.AssertResetsAsync();

        await using var following = await ForwardPair.ServeAsync(_folder, address.Split('@')[1], "--permit", ForwardTargets.Of(target));
        await Api.Until.TrueAsync(() => near.Output.Lines.Count(line => line.Contains("\"connected\"", StringComparison.Ordinal)) == 2);
        using var second = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await second.ConnectAsync(port);
        using var again = await target.TakeAsync();
        await second.SendAllAsync(new byte[] { 7 });
        Assert.Equal([7], await again.ReadSomeAsync());
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_peer_that_ends_streams_and_not_the_connection_does_not_forward()
    {
        using var identity = PacketSecIdentity.Generate();
        await using var peer = PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = new(IPAddress.Loopback, 0) });
        var resetting = ResetAsync(peer);
        await using var near = RunningCli.Start("forward", $"{peer.PeerId}@{peer.LocalEndPoint}", "-L", "0:127.0.0.1:9");
        Assert.Equal(ExitCodes.Protocol, await near.ExitAsync());
        await near.Error.WaitForAsync(line => line.Contains("must run psec forward serve", StringComparison.Ordinal));
        await (await resetting).DisposeAsync();
    }

    [Fact(Timeout = Ceiling)]
    public async Task What_has_forwarded_dials_again_though_its_peer_does_not_forward_for_a_while()
    {
        var far = await ForwardPair.ServeAsync(_folder, "127.0.0.1:0");
        var address = await far.AddressAsync();
        await using var near = RunningCli.Start("forward", "--json", address, "-L", "0:127.0.0.1:9");
        await near.Output.WaitForJsonAsync("connected");
        await far.DisposeAsync();

        using var identity = PacketSecIdentity.Load(_folder["far.key"]);
        await using (var other = PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = IPEndPoint.Parse(address.Split('@')[1]) }))
        {
            await ResetAsync(other);
            await near.Output.WaitForAsync(line => line.Contains("does not forward", StringComparison.Ordinal));
        }

        await using var following = await ForwardPair.ServeAsync(_folder, address.Split('@')[1]);
        await Api.Until.TrueAsync(() => near.Output.Lines.Count(line => line.Contains("\"connected\"", StringComparison.Ordinal)) == 2);
    }

    //= spec/forward.md#forward-permit
    [Theory(Timeout = Ceiling)]
    [InlineData("127.0.0.1", 0, true)]
    [InlineData("127.0.0.1", 1, false)]
    [InlineData("127.0.0.2", 0, false)]
    [InlineData("localhost", 0, false)]
    public async Task Only_what_is_permitted_is_connected_to_and_both_sides_say_so(string host, int further, bool isPermitted)
    {
        using var target = ForwardTargets.Listen();
        var port = ((IPEndPoint)target.LocalEndPoint!).Port;
        await using var pair = await ForwardPair.StartAsync(_folder, ["--permit", $"127.0.0.1:{port}"], ["-L", $"0:{host}:{port + further}"]);
        if (isPermitted)
        {
            using var client = await pair.ConnectAsync();
            (await target.TakeAsync()).Dispose();
            Assert.Empty(await client.ReadAllAsync());
            return;
        }

        await (await pair.PortAsync()).AssertResetsAsync();
        var permit = $"--permit {host}:{port + further}";
        await pair.Near.Error.WaitForAsync(line => line.Contains(permit, StringComparison.Ordinal));
        await pair.Far.Error.WaitForAsync(line => line.Contains(permit, StringComparison.Ordinal));
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_target_where_nobody_listens_resets_what_came()
    {
        var target = ForwardTargets.Listen();
        var name = ForwardTargets.Of(target);
        target.Dispose();
        await using var pair = await ForwardPair.StartAsync(_folder, ["--permit", name], ["-L", $"0:{name}"]);
        await (await pair.PortAsync()).AssertResetsAsync();
        await pair.Near.Error.WaitForAsync(line => line.Contains($"cannot reach {name}", StringComparison.Ordinal));
    }

    //= spec/forward.md#forward-permit-listen
    //= spec/forward.md#forward-loopback
    [Theory(Timeout = Ceiling)]
    [InlineData("0:127.0.0.1:9", "--permit-listen 0")]
    [InlineData("0.0.0.0:0:127.0.0.1:9", "--public", "--permit-listen", "0")]
    public async Task A_port_that_is_not_permitted_is_not_opened(string rule, string option, params string[] serve)
    {
        await using var far = await ForwardPair.ServeAsync(_folder, "127.0.0.1:0", serve);
        var near = await CliRun.InvokeAsync("forward", await far.AddressAsync(), "-R", rule);
        Assert.Equal(ExitCodes.Refused, near.ExitCode);
        Assert.Contains(option, near.Error, StringComparison.Ordinal);
        await far.Error.WaitForAsync(line => line.Contains(option, StringComparison.Ordinal));
    }

    //= spec/forward.md#forward-loopback
    [Theory]
    [InlineData("--public", "-L", "0.0.0.0:0:127.0.0.1:9")]
    [InlineData("--public", "--udp-L", "[::]:0:127.0.0.1:9")]
    [InlineData("-R", "--public")]
    [InlineData("HOST:PORT", "-L", "80:127.0.0.1")]
    [InlineData("no port", "-L", "70000:127.0.0.1:80")]
    [InlineData("target", "-R", "0:127.0.0.1:0")]
    [InlineData("bind", "-L", "peer.example:0:127.0.0.1:80")]
    public async Task A_wrong_command_line_says_what_to_write(string word, params string[] args)
    {
        using var identity = PacketSecIdentity.Generate();
        var run = await CliRun.InvokeAsync(["forward", $"{identity.PeerId}@127.0.0.1:9", .. args]);
        Assert.Equal(ExitCodes.Usage, run.ExitCode);
        Assert.StartsWith("psec: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(word == "bind" ? "address to open a port on" : word == "no port" ? "no port" : word, run.Error, StringComparison.Ordinal);
    }

    //= spec/forward.md#forward-flow-source
    //= spec/forward.md#forward-flow-size
    [Theory(Timeout = Ceiling)]
    [InlineData("--udp-L")]
    [InlineData("--udp-R")]
    public async Task Datagrams_of_each_source_have_a_flow_and_answers_of_their_own(string way)
    {
        using var target = ForwardTargets.BindUdp();
        await using var pair = await OpenAsync(way, target);
        var port = await pair.PortAsync();
        using var one = ForwardTargets.BindUdp();
        using var two = ForwardTargets.BindUdp();
        var seen = new HashSet<EndPoint>();
        for (byte i = 0; i < 4; i++)
        {
            var source = i % 2 == 0 ? one : two;
            await source.SendToAsync(new byte[] { i }, port);
            using var ceiling = Api.EndpointPair.Ceiling();
            var received = await target.ReceiveFromAsync(new byte[10], SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), ceiling.Token);
            seen.Add(received.RemoteEndPoint);
            await target.SendToAsync(new byte[] { (byte)(i + 100) }, received.RemoteEndPoint);
            Assert.Equal([(byte)(i + 100)], await source.ReadSomeAsync());
        }

        Assert.Equal(2, seen.Count);
        await one.SendToAsync(new byte[65_507], port);
        await one.SendToAsync(new byte[] { 9 }, port);
        Assert.Equal([9], await target.ReadSomeAsync());
        Assert.Equal(ExitCodes.Success, await pair.Near.StopAsync());
        await pair.Far.StopAsync();
        Assert.Equal(2, (await pair.Near.Output.WaitForJsonAsync("summary")).GetProperty("flows").GetInt32());
        var near = way == "--udp-L" ? pair.Near : pair.Far;
        Assert.Equal(1, (await near.Output.WaitForJsonAsync("summary")).GetProperty("datagrams_dropped").GetInt32());
    }

    /// <summary>Accepts a connection, and resets its first stream as a peer does that speaks something else on it.</summary>
    private static async Task<PacketSecConnection> ResetAsync(PacketSecEndpoint peer)
    {
        using var ceiling = Api.EndpointPair.Ceiling();
        var connection = PacketSecConnection.Open(await peer.AcceptAsync(ceiling.Token), ForwardSession.Options);
        var stream = await connection.AcceptStreamAsync(ceiling.Token);
        stream.Reset(2);
        stream.StopSending(2);
        return connection;
    }

    private Task<ForwardPair> OpenAsync(string way, Socket target)
    {
        var name = ForwardTargets.Of(target);
        string[] serve = way.EndsWith('L') ? ["--permit", name] : ["--permit-listen", "0"];
        return ForwardPair.StartAsync(_folder, serve, [way, $"0:{name}"]);
    }
}
