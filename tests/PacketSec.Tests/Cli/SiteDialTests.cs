using PacketSec.Cli;

namespace PacketSec.Tests.Cli;

/// <summary>Sites that know each other by name and key dial without a ticket.</summary>
[Collection(SocketsCollection.Name)]
public sealed class SiteDialTests : IDisposable
{
    private const int Ceiling = SocketsCollection.CeilingMilliseconds;
    private const string Name = "b.example@4000";

    private readonly TemporaryFolder _folder = new();
    private readonly string _dialler;
    private readonly string _listener;

    public SiteDialTests()
    {
        using var listener = PacketSecIdentity.Generate();
        using var dialler = PacketSecIdentity.Generate();
        listener.Save(_folder["listener"]);
        dialler.Save(_folder["dialler"]);
        (_listener, _dialler) = (listener.PeerId.ToString(), dialler.PeerId.ToString());
    }

    public void Dispose() => _folder.Dispose();

    [Theory(Timeout = Ceiling)]
    [InlineData("--site", false)]
    [InlineData("--site", true)]
    [InlineData("--site-file", false)]
    [InlineData("--site-file", true)]
    public async Task A_known_site_needs_no_ticket_and_no_other_name_serves(string how, bool direct)
    {
        await File.WriteAllTextAsync(_folder["sites"], $"# known\n\n{Name}\t{_dialler}  # b\n");
        string[] serves = direct ? ["--direct", "mychips-1"] : [];
        string[] sites = how == "--site" ? ["--site", $"{Name}={_dialler}"] : ["--site-file", _folder["sites"]];
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], ["--echo", "--scheme", "mychips-1", .. serves, .. sites]);
        await using (listener)
        {
            var run = await DialAsync(address, Name, serves);
            Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
            Assert.Equal("mychips-1", run.JsonLines()[0].GetProperty("scheme").GetString());
            Assert.Equal(3, run.JsonLines()[^1].GetProperty("echoed").GetInt32());

            var other = await CliRun.InvokeHurriedAsync(["dial", address, "--key", _folder["dialler"], "--site", "c.example@4000", .. serves]);
            Assert.Equal(ExitCodes.Unreachable, other.ExitCode);
            await listener.StopAsync();
            var drops = (await listener.Output.WaitForJsonAsync("summary")).GetProperty("drops");
            Assert.True(drops.GetProperty("UnknownSite").GetInt32() > 0);
        }
    }

    [Theory(Timeout = Ceiling)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_access_list_counts_for_known_sites_too(bool isListed)
    {
        var (listener, address) = await RunningCli.ListenAsync(
            _folder["listener"], "--echo", "--scheme", "mychips-1", "--direct", "mychips-1", "--site", $"{Name}={_dialler}", "--allow", isListed ? _dialler : _listener);
        await using (listener)
        {
            var run = isListed
                ? await DialAsync(address, Name, ["--direct", "mychips-1"])
                : await CliRun.InvokeHurriedAsync("dial", address, "--key", _folder["dialler"], "--site", Name, "--direct", "mychips-1");
            Assert.Equal(isListed ? ExitCodes.Success : ExitCodes.Unreachable, run.ExitCode);
        }
    }

    [Theory(Timeout = Ceiling)]
    [InlineData("b.example@4000", "is no site", "ADDRESS@PORT=PEER")]
    [InlineData("b.example:4000={peer}", "is no site ID", "ADDRESS@PORT")]
    [InlineData("b.example@4000=nobody", "'nobody' is no peer ID", "psec id")]
    [InlineData("b.example@4000=QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", "is no Ed25519 identity", "12D3KooW")]
    public async Task A_site_that_is_none_is_named(string site, params string[] words)
    {
        site = site.Replace("{peer}", _dialler, StringComparison.Ordinal);
        (await ListenAsync("--site", site)).AssertFails(ExitCodes.Usage, ["--site", .. words]);
    }

    [Theory(Timeout = Ceiling)]
    [InlineData("# first\nb.example@4000", "line 2", "ADDRESS@PORT PEER")]
    [InlineData("b.example@4000 {peer}\nb.example@4000 {peer}", "line 2", "listed twice")]
    public async Task A_line_that_is_no_site_is_named(string lines, params string[] words)
    {
        await File.WriteAllTextAsync(_folder["sites"], lines.Replace("{peer}", _dialler, StringComparison.Ordinal));
        (await ListenAsync("--site-file", _folder["sites"])).AssertFails(ExitCodes.File, words);
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_list_that_is_missing_is_named()
        => (await ListenAsync("--site-file", _folder["none"])).AssertFails(ExitCodes.File, "list of sites cannot be read");

    private static Task<CliRun> ListenAsync(string option, string value)
        => CliRun.InvokeAsync("listen", "--bind", "127.0.0.1:0", "--scheme", "mychips-1", option, value);

    private Task<CliRun> DialAsync(string address, string site, string[] how)
        => CliRun.InvokeAsync(["dial", address, "--json", "--key", _folder["dialler"], "--site", site, "--count", "3", "--require-all", .. how]);
}
