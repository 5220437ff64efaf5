using PacketSec.Cli;

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

    [Fact(Timeout = Ceiling)]
    public async Task A_file_without_a_ticket_is_named()
    {
        using var identity = PacketSecIdentity.Generate();
        await File.WriteAllTextAsync(_folder["empty"], "");
        (await DialAsync(identity, _folder["none"])).AssertFails(ExitCodes.File, "none", "cannot be read");
        (await DialAsync(identity, _folder["empty"])).AssertFails(ExitCodes.File, "empty", "holds no ticket");
        (await CliRun.InvokeAsync("listen", "--scheme", "mychips-1", "--tickets", _folder["none"])).AssertFails(ExitCodes.File, "psec ticket issue");
    }

    private static Task<CliRun> DialAsync(PacketSecIdentity peer, string file)
        => CliRun.InvokeAsync("dial", $"{peer.PeerId}@127.0.0.1:1", "--scheme", "mychips-1", "--ticket", file);
}
