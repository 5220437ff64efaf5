using PacketSec.Cli;
using PacketSec.Tests.Api;

namespace PacketSec.Tests.Cli;

/// <summary>What only a process of its own can show: signals, and a crash.</summary>
[Collection(SocketsCollection.Name)]
public sealed class ProcessTests : IDisposable
{
    // Several waits, each with its own ceiling, stand in one test.
    private const int Ceiling = 3 * SocketsCollection.CeilingMilliseconds;

    private const int Datagrams = 500;

    private readonly TemporaryFolder _folder = new();

    public ProcessTests()
    {
        foreach (var name in new[] { "first", "second" })
        {
            using var identity = PacketSecIdentity.Generate();
            identity.Save(_folder[name]);
        }
    }

    public void Dispose() => _folder.Dispose();

    [UnixFact(Timeout = Ceiling)]
    public async Task Sigterm_and_sigint_close_the_channels_and_end_the_process()
    {
        using var listener = ChildCli.Start("listen", "--json", "--echo", "--key", _folder["first"], "--bind", "127.0.0.1:0");
        var address = Address(await listener.Output.WaitForJsonAsync("listening"));
        using var ping = ChildCli.Start("ping", address, "--json", "--interval", "0.05");
        using var dial = ChildCli.Start("dial", address, "--json");
        await ping.Output.WaitForJsonAsync("echo");
        await dial.Output.WaitForJsonAsync("session");

        await ping.SignalAsync("INT");
        Assert.Equal(ExitCodes.Success, await ping.ExitAsync());
        await ping.Output.WaitForJsonAsync("summary");

        // The listener is told at once; it need not wait for any timeout.
        await listener.Output.WaitForJsonAsync("closed", line => line.GetProperty("reason").GetString() == "PeerClosed");

        await listener.SignalAsync("TERM");
        Assert.Equal(ExitCodes.Success, await listener.ExitAsync());
        Assert.Equal(ExitCodes.PeerClosed, await dial.ExitAsync());
        Assert.Empty(listener.Error.Lines);
    }

    [UnixFact(Timeout = Ceiling)]
    public Task A_count_survives_a_crash_of_the_listener_and_its_restart() => CrashAsync([]);

    [UnixFact(Timeout = Ceiling)]
    public Task So_does_one_that_dialled_directly() => CrashAsync(["--direct", "p2pke-1"]);

    [UnixFact(Timeout = Ceiling)]
    public async Task Another_identity_in_the_listeners_place_is_told_at_once_and_ends_the_command_with_the_session()
    {
        var listener = ChildCli.Start("listen", "--json", "--echo", "--key", _folder["first"], "--bind", "127.0.0.1:0");
        var address = Address(await listener.Output.WaitForJsonAsync("listening"));
        var time = new ManualTimeProvider();
        await using var dial = RunningCli.StartAt(time, "dial", address, "--json", "--count", "1000000", "--rate", "100", "--require-all", "--timeout", "1000");
        await dial.Output.WaitForJsonAsync("session");
        await listener.CrashAsync();
        listener.Dispose();

        using var stranger = ChildCli.Start("listen", "--json", "--echo", "--key", _folder["second"], "--bind", $"127.0.0.1:{address.Split(':')[^1]}");
        var proven = (await stranger.Output.WaitForJsonAsync("listening")).GetProperty("peer").GetString()!;
        var told = dial.Error.WaitForAsync(line => line.Contains(proven, StringComparison.Ordinal));
        await time.AdvanceUntilEndAsync(told);
        Assert.Contains("dial its new peer ID", await told, StringComparison.Ordinal);
        Assert.DoesNotContain(dial.Output.Lines, line => line.Contains("\"closed\"", StringComparison.Ordinal));

        var exit = dial.ExitAsync();
        await time.AdvanceUntilEndAsync(exit, TimeSpan.FromSeconds(1));
        Assert.Equal(ExitCodes.WrongIdentity, await exit);
        Assert.Single(dial.Error.Lines);
        Assert.Empty(stranger.Error.Lines);
        Assert.DoesNotContain(stranger.Output.Lines, line => line.Contains("\"accepted\"", StringComparison.Ordinal));
    }

    private async Task CrashAsync(string[] schemes)
    {
        var listener = ChildCli.Start(["listen", "--json", "--echo", "--key", _folder["first"], "--bind", "127.0.0.1:0", .. schemes]);
        var address = Address(await listener.Output.WaitForJsonAsync("listening"));
        var port = address.Split(':')[^1];
        await using var dial = RunningCli.Start(
            ["dial", address, "--json", "--count", $"{Datagrams}", "--rate", "500", "--size", "1200", "--require-all", .. schemes]);
        await dial.Output.WaitForJsonAsync("session");
        await listener.CrashAsync();
        listener.Dispose();

        using var restarted = ChildCli.Start(["listen", "--json", "--echo", "--key", _folder["first"], "--bind", $"127.0.0.1:{port}", .. schemes]);
        var second = await dial.Output.WaitForJsonAsync("session", line => line.GetProperty("number").GetInt32() == 2);
        Assert.Equal(schemes.Length > 0 ? "direct" : "standard", second.GetProperty("case").GetString());
        Assert.Equal(ExitCodes.Success, await dial.ExitAsync());
        var summary = await dial.Output.WaitForJsonAsync("summary");
        Assert.Equal(Datagrams, summary.GetProperty("echoed").GetInt32());
        Assert.Equal(0, summary.GetProperty("lost").GetInt32());
        Assert.Empty(dial.Error.Lines);
    }

    private static string Address(System.Text.Json.JsonElement listening)
        => $"{listening.GetProperty("peer").GetString()}@127.0.0.1:{listening.GetProperty("port").GetInt32()}";
}
