using PacketSec.Protocol;

namespace PacketSec.Internal;

/// <summary>
/// The time of an endpoint's streams: one thread that wakes each connection at its deadlines, and lets those send on that have sent much already. It is
/// started by the first connection.
/// </summary>
internal sealed class StreamScheduler : IDisposable
{
    private readonly DriverClock _clock;
    private readonly AutoResetEvent _event = new(false);
    private readonly TimerWheel _wheel;
    private readonly List<TimerWheel.Entry> _due = [];
    private readonly Action<Exception> _fail;
    private readonly ClockTimer? _clockTimer;
    private readonly Thread _thread;
    private ConnectionDriver? _requests;
    private int _started;
    private bool _stopped;

    /// <summary>Creates it; nothing runs before the first request.</summary>
    /// <param name="clock">The time.</param>
    /// <param name="fail">Is told of an error that nothing from the network can cause; the thread ends.</param>
    public StreamScheduler(DriverClock clock, Action<Exception> fail)
    {
        _clock = clock;
        _fail = fail;
        _wheel = new TimerWheel(clock.Now, TimerWheel.StreamTick);
        _clockTimer = clock.IsCustom ? new ClockTimer(clock, () => _event.Set()) : null;
        _thread = new Thread(Run) { IsBackground = true, Name = "PacketSec streams" };
    }

    /// <summary>Has a connection looked at soon: it has a nearer deadline, or more to send. Any thread.</summary>
    public void Request(ConnectionDriver connection)
    {
        if (Interlocked.Exchange(ref connection.IsRequested, 1) != 0)
        {
            return;
        }

        var head = Volatile.Read(ref _requests);
        while (true)
        {
            connection.NextRequested = head;
            var seen = Interlocked.CompareExchange(ref _requests, connection, head);
            if (seen == head)
            {
                break;
            }

            head = seen;
        }

        if (Interlocked.Exchange(ref _started, 1) == 0)
        {
            _thread.Start();
        }

        _event.Set();
    }

    /// <summary>Ends the thread; connections are ended by their channels.</summary>
    public void Dispose()
    {
        Volatile.Write(ref _stopped, true);
        _clockTimer?.Dispose();
        _event.Set();
    }

    private void Run()
    {
        try
        {
            while (!Volatile.Read(ref _stopped))
            {
                _event.WaitOne(WaitMilliseconds(_clock.Now));
                for (var connection = Interlocked.Exchange(ref _requests, null); connection is not null;)
                {
                    var next = connection.NextRequested;
                    connection.NextRequested = null;

                    // From here on it can be requested again.
                    Interlocked.Exchange(ref connection.IsRequested, 0);
                    Look(connection);
                    connection = next;
                }

                var now = _clock.Now;
                if (_wheel.NextDue <= now)
                {
                    _due.Clear();
                    _wheel.Advance(now, _due);
                    foreach (var entry in _due)
                    {
                        Look((ConnectionDriver)entry);
                    }
                }
            }
        }
        catch (Exception error)
        {
            _fail(error);
        }
    }

    private void Look(ConnectionDriver connection)
    {
        if (connection.OnTime() is { } deadline)
        {
            _wheel.Schedule(connection, deadline);
        }
        else
        {
            _wheel.Cancel(connection);
        }
    }

    private int WaitMilliseconds(Instant now)
    {
        var due = _wheel.NextDue;
        var left = due is { } at ? Math.Max(at.Nanoseconds - now.Nanoseconds, 0) : 0;
        return _clockTimer is { } timer ? timer.WaitMilliseconds(due)
            : due is null ? Timeout.Infinite
            : (int)Math.Min((left + 999_999) / 1_000_000, 60_000);
    }
}
