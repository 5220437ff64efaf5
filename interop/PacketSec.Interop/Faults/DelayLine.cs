using System.Diagnostics;

namespace PacketSec.Interop.Faults;

/// <summary>Runs deliveries when they are due, on one timer. Bounded; thread-safe.</summary>
internal sealed class DelayLine : IDisposable
{
    /// <summary>A cell has at most a few hundred datagrams under way; far more would be a loop between the peers.</summary>
    public const int Capacity = 4096;

    private readonly Lock _gate = new();
    private readonly PriorityQueue<Action, (long Due, long Order)> _pending = new();
    private readonly Timer _timer;
    private long _order;
    private bool _disposed;

    public DelayLine() => _timer = new Timer(_ => RunDue());

    /// <summary>Runs a delivery after a time; false when too many wait already.</summary>
    public bool TryAdd(TimeSpan delay, Action delivery)
    {
        lock (_gate)
        {
            if (_disposed || _pending.Count == Capacity)
            {
                return false;
            }

            _pending.Enqueue(delivery, (Stopwatch.GetTimestamp() + (long)(delay.TotalSeconds * Stopwatch.Frequency), _order++));
            Arm();
            return true;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _pending.Clear();
        }

        _timer.Dispose();
    }

    private void RunDue()
    {
        while (true)
        {
            Action? delivery;
            lock (_gate)
            {
                if (_disposed || !_pending.TryPeek(out delivery, out var at))
                {
                    return;
                }

                if (at.Due > Stopwatch.GetTimestamp())
                {
                    Arm();
                    return;
                }

                _pending.Dequeue();
            }

            delivery();
        }
    }

    private void Arm()
    {
        if (_pending.TryPeek(out _, out var at))
        {
            var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), at.Due);
            _timer.Change(wait < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : wait, Timeout.InfiniteTimeSpan);
        }
    }
}
