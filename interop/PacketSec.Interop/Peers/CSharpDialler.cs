using System.Diagnostics;
using System.Net;

namespace PacketSec.Interop.Peers;

/// <summary>A dialler of PacketSec: sends numbered datagrams, within a window, and counts what comes back.</summary>
internal sealed class CSharpDialler : IDialler
{
    // How often a waiting sender looks for what only the time changes: an echo given up, the next datagram due.
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(5);

    private readonly DialPlan _plan;
    private readonly EchoLedger _ledger;
    private readonly CancellationTokenSource _stop;
    private readonly SemaphoreSlim _changed = new(0);

    public CSharpDialler(DialPlan plan, CancellationToken cancellationToken)
    {
        _plan = plan;
        _ledger = new(plan.Size, plan.EchoTimeout);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Outcome = Task.Run(RunAsync, CancellationToken.None);
    }

    public Task<DialOutcome> Outcome { get; }

    public void Stop() => _stop.Cancel();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Outcome;
        _stop.Dispose();
    }

    private async Task<DialOutcome> RunAsync()
    {
        await using var endpoint = CSharpPeers.Bind(_plan.Identity, new IPEndPoint(IPAddress.Loopback, 0), _plan.Lifetime);
        PacketSecChannel channel;
        try
        {
            channel = await endpoint.ConnectAsync(_plan.Address, _plan.Expected.Id, _stop.Token);
        }
        catch (PacketSecException error)
        {
            return new(CSharpPeers.ReasonOf(error.Error), Detail: error.Message);
        }
        catch (OperationCanceledException)
        {
            return new(EndReason.Failed, Detail: "stopped before the channel was open");
        }

        await using (channel)
        {
            channel.OnDatagram(payload =>
            {
                _ledger.OnReceived(payload);
                _changed.Release();
            });
            _ = channel.Closed.ContinueWith(_ => _changed.Release(), TaskScheduler.Default);
            await SendAsync(channel);
            var reason = channel.Closed.IsCompleted ? CSharpPeers.ReasonOf(await channel.Closed) : EndReason.Finished;
            var statistics = channel.GetStatistics();
            return new(
                _ledger.Foreign == 0 ? reason : EndReason.Failed,
                _ledger.Sent,
                _ledger.Echoed,
                _ledger.Duplicated,
                statistics.Sessions,
                $"the dialler dropped [{string.Join(", ", statistics.Drops)}], {_ledger.Foreign} datagrams came that are no echo");
        }
    }

    private async Task SendAsync(PacketSecChannel channel)
    {
        var datagram = new byte[_plan.Size];
        var start = Stopwatch.GetTimestamp();
        for (var number = 0; _plan.Count == 0 || number < _plan.Count; number++)
        {
            var due = _plan.Count == 0 ? TimeSpan.Zero : _plan.Duration * ((double)number / _plan.Count);
            if (!await UntilAsync(channel, () => _ledger.Waiting < _plan.Window && Stopwatch.GetElapsedTime(start) >= due))
            {
                return;
            }

            _ledger.MakeNext(datagram);
            await UntilAsync(channel, () => channel.TrySend(datagram) != SendResult.QueueFull);
        }

        await UntilAsync(channel, () => _ledger.IsSettled);
    }

    /// <summary>Waits for a condition; false when the channel is over or the dialler was stopped.</summary>
    private async Task<bool> UntilAsync(PacketSecChannel channel, Func<bool> condition)
    {
        while (!channel.Closed.IsCompleted && !_stop.IsCancellationRequested)
        {
            if (condition())
            {
                return true;
            }

            await _changed.WaitAsync(Glance);
        }

        return false;
    }
}
