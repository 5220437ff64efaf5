using System.Net;

namespace PacketSec.Interop.Peers;

/// <summary>The Go peer in both roles, a process that listens and dials as soon as it has started.</summary>
internal sealed class GoBoth(string program, BothPlan plan, CancellationToken cancellationToken) : IBoth
{
    private ChildProcess? _process;
    private Task _dialling = Task.CompletedTask;

    public IPEndPoint? Address => null;

    public Task<BothOutcome> DialAsync(IPEndPoint target)
    {
        string[] arguments =
        [
            "both",
            "--echo",
            "--key", plan.Identity.Path,
            "--addr", new IPEndPoint(IPAddress.Loopback, 0).ToString(),
            "--count", $"{plan.Count}",
            "--size", $"{plan.Size}",
            "--window", $"{plan.Window}",
            "--timeout-ms", GoLines.Milliseconds(plan.Timeout),
            "--linger-ms", GoLines.Milliseconds(plan.Linger),
            .. plan.Speech.Arguments(plan.Identity),
            $"{plan.Expected.Id}@{target}",
        ];
        _process = new ChildProcess(program, arguments);
        var dialling = RunAsync(_process);
        _dialling = dialling;
        return dialling;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
            await _dialling;
        }
    }

    private async Task<BothOutcome> RunAsync(ChildProcess process)
    {
        var channels = 0;
        var outcome = await GoLines.ReadDialAsync(process, line => channels += line.Text("event") == "connected" ? 1 : 0, cancellationToken);
        return new(outcome, channels);
    }
}
