using PacketSec.Cli;
using PacketSec.Tests.Api;

namespace PacketSec.Tests.Cli;

/// <summary>Tickets from the command that issues them to the channel that they open.</summary>
[Collection(SocketsCollection.Name)]
public sealed class TicketDialTests : IDisposable
{
    private const int Ceiling = SocketsCollection.CeilingMilliseconds;

    private readonly TemporaryFolder _folder = new();

    public TicketDialTests()
    {
        using var identity = PacketSecIdentity.Generate();
        identity.Save(_folder["site"]);
    }

    public void Dispose() => _folder.Dispose();

    [Theory(Timeout = Ceiling)]
    [InlineData("--scheme")]
    [InlineData("--direct")]
    public async Task A_ticket_that_was_issued_opens_a_channel(string how)
    {
        // All that was printed, as by a redirection.
        var issued = await CliRun.InvokeAsync("ticket", "issue", "--tickets", _folder["tickets"], "--key", _folder["site"]);
        await File.WriteAllTextAsync(_folder["ticket"], issued.Output);
        string[] serves = how == "--direct" ? ["--direct", "mychips-1"] : [];
        var (listener, address) = await RunningCli.ListenAsync(
            _folder["site"], ["--echo", "--scheme", "mychips-1", .. serves, "--tickets", _folder["tickets"]]);
        await using (listener)
        {
            var run = await CliRun.InvokeAsync(
                "dial", address, "--json", how, "mychips-1", "--ticket", _folder["ticket"], "--count", "20", "--require-all");
            Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
            Assert.Equal("mychips-1", run.JsonLines()[0].GetProperty("scheme").GetString());
            Assert.Equal(20, run.JsonLines()[^1].GetProperty("echoed").GetInt32());
        }

        var list = await CliRun.InvokeAsync("ticket", "list", "--tickets", _folder["tickets"]);
        Assert.Contains("0 of 1 uses left", list.Output, StringComparison.Ordinal);
    }

    [Theory(Timeout = Ceiling)]
    [InlineData("dial", false)]
    [InlineData("dial", true)]
    [InlineData("ping", false)]
    public async Task A_ticket_alone_says_whom_to_dial_and_where_and_how(string command, bool isMoved)
    {
        // Of the first address the system knows nothing. Where the site has moved, the ticket's are wrong, and what is written counts.
        using var silent = new SilentHost();
        var (listener, address) = await RunningCli.ListenAsync(_folder["site"], "--echo", "--scheme", "mychips-1", "--tickets", MakeFolder());
        await using (listener)
        {
            var location = isMoved ? silent.Address.ToString() : address.Split('@')[1];
            var issued = await CliRun.InvokeAsync(
                "ticket", "issue", "--tickets", _folder["tickets"], "--key", _folder["site"], "--address", "nobody.invalid:1", "--address", location);
            await File.WriteAllTextAsync(_folder["ticket"], issued.Output);
            string[] explicitly = isMoved ? [address] : [];
            var run = await CliRun.InvokeAsync([command, .. explicitly, "--json", "--ticket", _folder["ticket"], "--count", "3"]);
            Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
            var connected = run.JsonLines()[0];
            Assert.Equal(("mychips-1", address.Split('@')[0]), (connected.GetProperty("scheme").GetString(), connected.GetProperty("peer").GetString()));
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_ticket_that_leads_nowhere_says_what_to_write()
    {
        var without = await CliRun.InvokeAsync("ticket", "issue", "--tickets", _folder["tickets"], "--key", _folder["site"]);
        await File.WriteAllTextAsync(_folder["ticket"], without.Output);
        using var identity = PacketSecIdentity.Load(_folder["site"]);
        (await CliRun.InvokeAsync("dial", "--ticket", _folder["ticket"])).AssertFails(ExitCodes.Usage, "names no address", $"{identity.PeerId}@host:port");

        var unknown = await CliRun.InvokeAsync("ticket", "issue", "--tickets", _folder["tickets"], "--key", _folder["site"], "--address", "nobody.invalid:1");
        await File.WriteAllTextAsync(_folder["ticket"], unknown.Output);
        (await CliRun.InvokeAsync("dial", "--ticket", _folder["ticket"])).AssertFails(ExitCodes.Unreachable, "'nobody.invalid'");
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_file_without_a_ticket_is_named()
    {
        using var identity = PacketSecIdentity.Generate();
        await File.WriteAllTextAsync(_folder["empty"], "");
        (await DialAsync(identity, _folder["none"])).AssertFails(ExitCodes.File, "none", "cannot be read");
        (await DialAsync(identity, _folder["empty"])).AssertFails(ExitCodes.File, "empty", "holds no ticket");
        (await CliRun.InvokeAsync("listen", "--scheme", "mychips-1", "--tickets", _folder["none"])).AssertFails(ExitCodes.File, "psec ticket issue");
    }

    private string MakeFolder()
    {
        FileTicketStore.Open(_folder["tickets"]);
        return _folder["tickets"];
    }

    private static Task<CliRun> DialAsync(PacketSecIdentity peer, string file)
        => CliRun.InvokeAsync("dial", $"{peer.PeerId}@127.0.0.1:1", "--scheme", "mychips-1", "--ticket", file);
}
