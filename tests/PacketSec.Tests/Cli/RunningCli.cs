using PacketSec.Cli;

namespace PacketSec.Tests.Cli;

/// <summary>A command that runs inside the test's process while the test goes on. Its channels close at once; those of <see cref="ChildCli"/> take their time.</summary>
internal sealed class RunningCli : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task<int> _run;

    private RunningCli(TextReader input, TimeProvider? time, string[] args)
        => _run = Task.Run(() => CliApplication.RunAsync(args, input, Output, Error, time: time, closesAtOnce: true, cancellationToken: _stop.Token));

    public LineLog Output { get; } = new();

    public LineLog Error { get; } = new();

    public static RunningCli Start(params string[] args) => new(TextReader.Null, null, args);

    /// <summary>Starts a command whose protocol goes by the test's clock.</summary>
    public static RunningCli StartAt(TimeProvider time, params string[] args) => new(TextReader.Null, time, args);

    public static RunningCli StartWithInput(TextReader input, params string[] args) => new(input, null, args);

    /// <summary>Starts a listener on a port that the system chooses, and returns the address to dial.</summary>
    public static async Task<(RunningCli Listener, string Address)> ListenAsync(string keyFile, params string[] args)
    {
        var listener = Start(["listen", "--json", "--key", keyFile, "--bind", "127.0.0.1:0", .. args]);
        return (listener, await listener.AddressAsync());
    }

    /// <summary>Returns the address of a listener with <c>--json</c>.</summary>
    public async Task<string> AddressAsync()
    {
        var line = await Output.WaitForJsonAsync("listening");
        return $"{line.GetProperty("peer").GetString()}@127.0.0.1:{line.GetProperty("port").GetInt32()}";
    }

    /// <summary>Stops the command as Ctrl-C does, and returns its exit code.</summary>
    public async Task<int> StopAsync()
    {
        await _stop.CancelAsync();
        return await ExitAsync();
    }

    public Task<int> ExitAsync() => _run.WaitAsync(TimeSpan.FromMilliseconds(SocketsCollection.CeilingMilliseconds));

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }
}
