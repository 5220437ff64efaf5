using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;

namespace PacketSec.Interop.Peers;

/// <summary>PacketSec in both roles: one endpoint dials the peer that dials it, sends numbered datagrams and echoes the peer's.</summary>
internal sealed class CSharpBoth : IBoth
{
    private const int MarkSize = 8;

    private static readonly TimeSpan FullLifetime = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private readonly BothPlan _plan;
    private readonly PacketSecEndpoint _endpoint;
    private readonly byte[] _mark = RandomNumberGenerator.GetBytes(MarkSize);
    private readonly EchoLedger _ledger;
    private readonly EchoSender _sender;
    private readonly SessionLog _sessions = new();
    private readonly List<(PacketSecChannel Channel, Task Watching)> _channels = [];
    private readonly HashSet<long> _heard = [];
    private readonly CancellationTokenSource _stop;
    private readonly Task _accepting;
    private Task _dialling = Task.CompletedTask;
    private long _lastHeard = Stopwatch.GetTimestamp();

    public CSharpBoth(BothPlan plan, CancellationToken cancellationToken)
    {
        _plan = plan;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _ledger = new(plan.Size, plan.Timeout, _mark);
        _sender = new(_ledger, _stop.Token);
        _endpoint = CSharpPeers.Bind(plan.Identity, new IPEndPoint(IPAddress.Loopback, 0), FullLifetime, PeerMode.Psec, plan.Speech);
        _accepting = AcceptAsync();
    }

    public IPEndPoint? Address => _endpoint.LocalEndPoint;

    public Task<BothOutcome> DialAsync(IPEndPoint target)
    {
        var dialling = RunAsync(target);
        _dialling = dialling;
        return dialling;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _dialling;
        await CloseAsync();
        _sender.Dispose();
        _stop.Dispose();
    }

    private async Task<BothOutcome> RunAsync(IPEndPoint target)
    {
        try
        {
            var channel = await _endpoint.ConnectAsync(target, _plan.Expected.Id, new() { HidePeerId = _plan.Speech.Hidden }, _stop.Token);
            Adopt(channel);
            await _sender.SendAsync(channel, _plan.Size, _plan.Count, _plan.Window, TimeSpan.Zero);
            await _sender.UntilAsync(channel, () => HeardCount() >= _plan.Count);
            var done = Stopwatch.GetTimestamp();
            await _sender.UntilAsync(channel, () => Stopwatch.GetElapsedTime(done) >= _plan.Linger && SinceHeard() >= _plan.Linger);
            var reason = channel.Closed.IsCompleted ? CSharpPeers.ReasonOf(await channel.Closed) : EndReason.Finished;
            await CloseAsync();
            return Outcome(reason, $"dropped [{string.Join(", ", channel.GetStatistics().Drops)}], heard {HeardCount()}, {_ledger.Foreign} changed");
        }
        catch (PacketSecException error)
        {
            return Outcome(CSharpPeers.ReasonOf(error.Error), error.Message);
        }
        catch (OperationCanceledException)
        {
            return Outcome(EndReason.Failed, "stopped before the channel was open");
        }
    }

    private BothOutcome Outcome(EndReason reason, string detail)
    {
        var dial = new DialOutcome(_ledger.Foreign == 0 ? reason : EndReason.Failed, _ledger.Sent, _ledger.Echoed, _ledger.Duplicated, detail)
        {
            Sessions = _sessions.ToList(),
        };
        lock (_gate)
        {
            return new(dial, _channels.Count);
        }
    }

    private async Task CloseAsync()
    {
        await _endpoint.DisposeAsync();
        await _accepting;
        Task[] watching;
        lock (_gate)
        {
            watching = [.. _channels.Select(channel => channel.Watching)];
        }

        await Task.WhenAll(watching);
    }

    private async Task AcceptAsync()
    {
        try
        {
            await foreach (var channel in _endpoint.AcceptAllAsync())
            {
                Adopt(channel);
            }
        }
        catch (PacketSecException error) when (error.Error == PacketSecError.EndpointClosed)
        {
            // The way in which this loop ends.
        }
    }

    /// <summary>Takes a channel that was dialled or accepted, or both.</summary>
    private void Adopt(PacketSecChannel channel)
    {
        lock (_gate)
        {
            if (!_channels.Exists(known => known.Channel == channel))
            {
                channel.OnDatagram(payload => OnDatagram(channel, payload));
                _channels.Add((channel, WatchAsync(channel)));
            }
        }
    }

    private void OnDatagram(PacketSecChannel channel, ReadOnlySpan<byte> payload)
    {
        const int Start = EchoLedger.NumberSize;
        if (payload.Length < Start + MarkSize || payload.Slice(Start, MarkSize).SequenceEqual(_mark))
        {
            _ledger.OnReceived(payload);
        }
        else
        {
            lock (_gate)
            {
                _heard.Add(BinaryPrimitives.ReadInt64BigEndian(payload));
                _lastHeard = Stopwatch.GetTimestamp();
            }

            channel.TrySend(payload);
        }

        _sender.Wake();
    }

    private int HeardCount()
    {
        lock (_gate)
        {
            return _heard.Count;
        }
    }

    private TimeSpan SinceHeard()
    {
        lock (_gate)
        {
            return Stopwatch.GetElapsedTime(_lastHeard);
        }
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
