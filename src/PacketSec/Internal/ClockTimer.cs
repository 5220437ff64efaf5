using PacketSec.Protocol;

namespace PacketSec.Internal;

/// <summary>The timer that wakes a thread at its next deadline, where only an application's clock knows when that has come.</summary>
/// <remarks>Belongs to the thread that it wakes.</remarks>
internal sealed class ClockTimer : IDisposable
{
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(1);

    private readonly DriverClock _clock;
    private readonly ITimer _timer;
    private Instant? _due;
    private bool _fired;

    /// <summary>Creates it; it is not set.</summary>
    /// <param name="clock">The time.</param>
    /// <param name="wake">Ends the thread's current wait, or else the next one.</param>
    public ClockTimer(DriverClock clock, Action wake)
    {
        _clock = clock;
        _timer = clock.CreateTimer(() =>
        {
            Volatile.Write(ref _fired, true);
            wake();
        });
    }

    /// <summary>Sets the timer, and tells how long the thread may wait for it.</summary>
    /// <param name="due">The next deadline, or null.</param>
    /// <returns>0 when it has come, else without limit.</returns>
    public int WaitMilliseconds(Instant? due)
    {
        var fired = Interlocked.Exchange(ref _fired, false);
        if (due != _due || fired)
        {
            // Timers that count whole milliseconds come up to one too early. From there it is a whole one, so that the thread does not spin.
            var left = due is { } at ? new TimeSpan(Math.Max(at.Nanoseconds - _clock.Now.Nanoseconds, 0) / TimeSpan.NanosecondsPerTick) : Timeout.InfiniteTimeSpan;
            _timer.Change(due is not null && due == _due && left < Least ? Least : left, Timeout.InfiniteTimeSpan);
            _due = due;
        }

        // The clock may have passed the deadline before its timer was set, and then stand still.
        return _clock.Now >= due ? 0 : Timeout.Infinite;
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();
}
