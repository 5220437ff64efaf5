using System.Net;

namespace PacketSec.Interop.Peers;

/// <summary>A dialler of PacketSec: sends numbered datagrams, within a window, and counts what comes back.</summary>
internal sealed class CSharpDialler : IDialler
{
    private readonly DialPlan _plan;
    private readonly EchoLedger _ledger;
    private readonly EchoSender _sender;
    private readonly SessionLog _sessions = new();
    private readonly CancellationTokenSource _stop;

    public CSharpDialler(DialPlan plan, CancellationToken cancellationToken)
    {
        _plan = plan;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _ledger = new(plan.Size, plan.EchoTimeout);
        _sender = new(_ledger, _stop.Token);
        Outcome = Task.Run(RunAsync, CancellationToken.None);
    }

    public Task<DialOutcome> Outcome { get; }

    public void Stop() => _stop.Cancel();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Outcome;
        _sender.Dispose();
        _stop.Dispose();
    }

    private async Task<DialOutcome> RunAsync()
    {
        await using var endpoint = CSharpPeers.Bind(_plan.Identity, new IPEndPoint(IPAddress.Loopback, 0), _plan.Lifetime, _plan.Mode, _plan.Speech);
        PacketSecChannel channel;
        try
        {
            PacketSecConnectOptions options = _plan.Mode == PeerMode.Direct
                ? new() { DirectScheme = _plan.Speech.Schemes[0] }
                : new() { EmbedFirstPacket = _plan.FirstPacketInside, HidePeerId = _plan.Speech.Hidden };
            channel = await endpoint.ConnectAsync(_plan.Address, _plan.Expected.Id, options, _stop.Token);
        }
        catch (PacketSecException error)
        {
            return new(CSharpPeers.ReasonOf(error.Error), Detail: error.Message);
        }
        catch (OperationCanceledException)
        {
            return new(EndReason.Failed, Detail: "stopped before the channel was open");
        }

        var watching = WatchAsync(channel);
        channel.OnDatagram(payload =>
        {
            _ledger.OnReceived(payload);
            _sender.Wake();
        });
        await _sender.SendAsync(channel, _plan.Size, _plan.Count, _plan.Window, _plan.Duration);
        var reason = channel.Closed.IsCompleted ? CSharpPeers.ReasonOf(await channel.Closed) : EndReason.Finished;
        await channel.DisposeAsync();
        await watching;
        return new(
            _ledger.Foreign == 0 ? reason : EndReason.Failed,
            _ledger.Sent,
            _ledger.Echoed,
            _ledger.Duplicated,
            $"the dialler dropped [{string.Join(", ", channel.GetStatistics().Drops)}], {_ledger.Foreign} datagrams came that are no echo")
        {
            Sessions = _sessions.ToList(),
        };
    }

    private async Task WatchAsync(PacketSecChannel channel)
    {
        await foreach (var happened in channel.ReadEventsAsync())
        {
            if (happened is PacketSecChannelEvent.SessionConfirmed session)
            {
                _sessions.Add(CSharpPeers.FactOf(session));
            }
        }
    }
}
