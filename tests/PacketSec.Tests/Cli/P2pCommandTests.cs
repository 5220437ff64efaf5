using System.Security.Cryptography;
using PacketSec.Cli;
using PacketSec.Cli.Net;

namespace PacketSec.Tests.Cli;

/// <summary>Multiaddresses at the command line, and <c>psec p2p</c>, over loopback.</summary>
[Collection(SocketsCollection.Name)]
public sealed class P2pCommandTests : IDisposable
{
    private const int Ceiling = SocketsCollection.CeilingMilliseconds;
    private const string Peer = "12D3KooWPg4Tyaw9ArzSFWZDZjZPyNuFQzvFi1G7bpZYyMsccApQ";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("/ip4/192.0.2.1/udp/4001/p2p/" + Peer, "192.0.2.1:4001", "")]
    [InlineData("/ip6/2001:db8::1/udp/4001/psec/p2p/" + Peer, "[2001:db8::1]:4001", "")]
    [InlineData("/dns4/peer.example/udp/4001/psec/psec-scheme/noise-xx-1/psec-scheme/p2pke-1/p2p/" + Peer, "peer.example:4001", "noise-xx-1,p2pke-1")]
    public void A_multiaddress_is_an_address_and_comes_back_the_same(string text, string location, string schemes)
    {
        Assert.True(PeerAddress.TryParse(text, out var address, out _));
        Assert.Equal($"{Peer}@{location}", address.ToString());
        Assert.Equal(schemes, string.Join(',', address.Schemes));
        Assert.Equal(text.Contains("/psec", StringComparison.Ordinal) ? text : text.Replace("/p2p", "/psec/p2p", StringComparison.Ordinal), address.ToMultiaddress().ToString());
    }

    [Theory]
    [InlineData("/ip4/192.0.2.1/udp/4001/psec", "/p2p/")]
    [InlineData("/ip4/192.0.2.1/udp/0/p2p/" + Peer, "/udp/PORT")]
    [InlineData("/ip4/192.0.2/udp/4001/p2p/" + Peer, "no multiaddress")]
    [InlineData("/udp/4001/p2p/" + Peer, "no address to dial")]
    [InlineData("/ip4/192.0.2.1/udp/4001/psec/psec-scheme/other-1/p2p/" + Peer, "other-1")]
    public async Task A_multiaddress_that_cannot_be_dialled_says_why(string text, string word)
        => (await CliRun.InvokeAsync("dial", text)).AssertFails(ExitCodes.Usage, word);

    [Fact(Timeout = Ceiling)]
    public async Task A_listener_prints_multiaddresses_and_a_pinned_scheme_is_dialled_directly()
    {
        await using var listener = RunningCli.Start("listen", "--json", "--echo", "--key", _folder["a.key"], "--bind", "127.0.0.1:0", "--direct", "noise-xx-1");
        var addresses = (await listener.Output.WaitForJsonAsync("listening")).GetProperty("addresses").EnumerateArray().Select(each => each.GetString()!).ToList();
        Assert.Equal(2, addresses.Count);
        Assert.EndsWith($"/psec/psec-scheme/noise-xx-1{addresses[0][addresses[0].IndexOf("/p2p/", StringComparison.Ordinal)..]}", addresses[1], StringComparison.Ordinal);
        foreach (var (address, scheme) in addresses.Zip(new[] { "p2pke-1", "noise-xx-1" }))
        {
            var dialled = await CliRun.InvokeAsync("dial", "--json", "--count", "1", address);
            Assert.Equal((ExitCodes.Success, ""), (dialled.ExitCode, dialled.Error));
            Assert.Equal(scheme, dialled.JsonLines()[0].GetProperty("scheme").GetString());
        }

        (await CliRun.InvokeAsync("dial", "--direct", "p2pke-1", addresses[1])).AssertFails(ExitCodes.Usage, "noise-xx-1", "--direct");
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_host_answers_pings_and_tells_of_itself()
    {
        await using var host = RunningCli.Start("listen", "--p2p", "--json", "--key", _folder["a.key"], "--bind", "127.0.0.1:0");
        var listening = await host.Output.WaitForJsonAsync("listening");
        var address = listening.GetProperty("addresses")[0].GetString()!;
        var ping = await CliRun.InvokeAsync("p2p", "ping", "--json", "--count", "3", "--interval", "0", address);
        Assert.Equal((ExitCodes.Success, ""), (ping.ExitCode, ping.Error));
        Assert.Equal(["connected", "ping", "ping", "ping", "summary"], ping.JsonLines().Select(line => line.GetProperty("type").GetString()));

        var identify = await CliRun.InvokeAsync("p2p", "identify", "--json", address);
        Assert.Equal((ExitCodes.Success, ""), (identify.ExitCode, identify.Error));
        var told = identify.JsonLines()[^1];
        Assert.Equal(listening.GetProperty("peer").GetString(), told.GetProperty("peer").GetString());
        Assert.Contains("/ipfs/ping/1.0.0", told.GetProperty("protocols").EnumerateArray().Select(each => each.GetString()));
        Assert.StartsWith("/ip4/127.0.0.1/udp/", told.GetProperty("observed").GetString(), StringComparison.Ordinal);

        File.WriteAllText(_folder["file"], "abc");
        var sent = await CliRun.InvokeAsync("p2p", "send", _folder["file"], address);
        sent.AssertFails(ExitCodes.Protocol, "does not serve");
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_file_goes_over_a_stream_of_a_host()
    {
        var bytes = RandomNumberGenerator.GetBytes(1_000_001);
        File.WriteAllBytes(_folder["file.bin"], bytes);
        Directory.CreateDirectory(_folder["in"]);
        File.WriteAllBytes(Path.Combine(_folder["in"], "file.bin.part"), bytes[..1000]);
        await using var receiver = RunningCli.Start(
            "p2p", "receive", "--once", "--json", "--key", _folder["a.key"], "--bind", "127.0.0.1:0", "--into", _folder["in"]);
        var address = (await receiver.Output.WaitForJsonAsync("listening")).GetProperty("addresses")[0].GetString()!;
        var sent = await CliRun.InvokeAsync("p2p", "send", "--json", _folder["file.bin"], address);
        Assert.Equal((ExitCodes.Success, ""), (sent.ExitCode, sent.Error));
        Assert.Equal(1000, sent.JsonLines()[^1].GetProperty("resumed_from").GetInt32());
        Assert.Equal(ExitCodes.Success, await receiver.ExitAsync());
        Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(_folder["in"], "file.bin")));
    }
}
