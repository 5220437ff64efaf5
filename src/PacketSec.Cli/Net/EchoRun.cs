using System.Diagnostics;

namespace PacketSec.Cli.Net;

/// <summary>How <c>dial --count</c> sends.</summary>
/// <param name="Count">The datagrams to send.</param>
/// <param name="Size">The size of each in bytes.</param>
/// <param name="Window">The datagrams that may be on their way at once.</param>
/// <param name="Rate">New datagrams per second at most; null is as fast as the window allows.</param>
/// <param name="RequireAll">Whether what is lost is sent again.</param>
/// <param name="Patience">How long nothing may come back until the run is given up.</param>
internal sealed record EchoPlan(int Count, int Size, int Window, double? Rate, bool RequireAll, TimeSpan Patience);

/// <summary>What came of it.</summary>
internal sealed record EchoResult
{
    public required int Sent { get; init; }

    public required long Resent { get; init; }

    public required int Echoed { get; init; }

    public required long Duplicated { get; init; }

    /// <summary>Gets the datagrams that came and were none of those sent.</summary>
    public required long Unexpected { get; init; }

    public required TimeSpan Elapsed { get; init; }

    public required (TimeSpan Shortest, TimeSpan Mean, TimeSpan Longest)? RoundTrips { get; init; }

    public int Lost => Sent - Echoed;
}

/// <summary>Sends numbered datagrams to a peer that echoes, and counts what comes back.</summary>
internal sealed class EchoRun : IDisposable
{
    // A datagram without an echo for this long is taken for lost. Also the pace at which it is sent again.
    private static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Pulse = TimeSpan.FromMilliseconds(5);

    private readonly Lock _gate = new();
    private readonly Signal _signal = new(Pulse);
    private readonly Queue<int> _again = [];
    private readonly PacketSecChannel _channel;
    private readonly EchoPlan _plan;
    private readonly Func<bool> _endIsNear;
    private readonly EchoLedger _ledger;
    private readonly byte[] _payload;
    private long _unexpected;

    /// <summary>Creates the run.</summary>
    /// <param name="channel">The channel, whose datagrams the run takes.</param>
    /// <param name="plan">How to send.</param>
    /// <param name="endIsNear">Whether the channel's end is near, so that patience does not count.</param>
    public EchoRun(PacketSecChannel channel, EchoPlan plan, Func<bool> endIsNear)
    {
        _channel = channel;
        _plan = plan;
        _endIsNear = endIsNear;
        _ledger = new(plan.Count);
        _payload = new byte[plan.Size];
        channel.OnDatagram(OnDatagram);
    }

    /// <summary>Gets what has happened so far. Any thread.</summary>
    /// <param name="elapsed">The time that the run took.</param>
    public EchoResult GetResult(TimeSpan elapsed)
    {
        lock (_gate)
        {
            return new()
            {
                Sent = _ledger.Sent,
                Resent = _ledger.Resent,
                Echoed = _ledger.Echoed,
                Duplicated = _ledger.Duplicated,
                Unexpected = _unexpected,
                Elapsed = elapsed,
                RoundTrips = _ledger.RoundTrips,
            };
        }
    }

    /// <summary>Runs until every datagram came back or is given up, patience is over, or the channel is.</summary>
    /// <exception cref="OperationCanceledException">The run was cancelled; what happened until then counts.</exception>
    /// <exception cref="CliException">The path takes no datagrams of this size.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        while (!_channel.Closed.IsCompleted)
        {
            if (!Advance(start, Stopwatch.GetTimestamp()))
            {
                return;
            }

            await _signal.WaitAsync(cancellationToken);
        }
    }

    public void Dispose() => _signal.Dispose();

    private void OnDatagram(ReadOnlySpan<byte> payload)
    {
        var isOurs = NumberedPayload.TryRead(payload, _plan.Size, out var number);
        var now = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            if (!isOurs || !_ledger.OnEchoed(number, now))
            {
                _unexpected++;
            }
        }

        _signal.Set();
    }

    // Sends what may be sent now. Returns false when nothing is left to do.
    private bool Advance(long start, long now)
    {
        var oldest = now - (long)(LostAfter.TotalSeconds * Stopwatch.Frequency);
        lock (_gate)
        {
            while (_ledger.TryExpire(oldest, out var number))
            {
                if (_plan.RequireAll)
                {
                    _again.Enqueue(number);
                }
            }

            var goesOn = true;
            while (goesOn && _again.TryPeek(out var number))
            {
                // Its echo may have come since.
                goesOn = _ledger.IsEchoed(number) || TrySend(number, now);
                if (goesOn)
                {
                    _again.Dequeue();
                }
            }

            var due = _plan.Rate is { } rate
                ? Math.Min(_plan.Count, (Stopwatch.GetElapsedTime(start, now).TotalSeconds * rate) + 1)
                : _plan.Count;
            while (goesOn && _ledger.Sent < due && _ledger.Waiting + _again.Count < _plan.Window)
            {
                goesOn = TrySend(_ledger.Sent, now);
            }

            var isDone = _ledger.Sent == _plan.Count && _ledger.Waiting + _again.Count == 0;
            var isOver = _ledger.UnansweredSince is { } since && Stopwatch.GetElapsedTime(since, now) >= _plan.Patience && !_endIsNear();
            return !isDone && !isOver;
        }
    }

    private bool TrySend(int number, long now)
    {
        NumberedPayload.Write(number, _payload);
        switch (_channel.TrySend(_payload))
        {
            case SendResult.Sent or SendResult.Queued:
                _ledger.OnSent(number, now);
                return true;
            case SendResult.TooLarge:
                throw new CliException(
                    ExitCodes.Usage,
                    $"--size {_plan.Size} is more than the path takes: {_channel.MaxDatagramSize} bytes at most, less where an interface takes less.");
            default:
                // Full or closed: the next pulse tries again, or finds the end.
                return false;
        }
    }
}
