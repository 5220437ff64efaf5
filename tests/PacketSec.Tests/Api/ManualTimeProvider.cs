namespace PacketSec.Tests.Api;

/// <summary>A clock that stands still until a test moves it.</summary>
internal sealed class ManualTimeProvider : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private TimeSpan _passed = TimeSpan.FromHours(1);

    /// <summary>Gets a value indicating whether timers leave out what is less than a millisecond, as those of the platform do.</summary>
    public bool WholeMilliseconds { get; init; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        lock (_lock)
        {
            return _passed.Ticks;
        }
    }

    public override DateTimeOffset GetUtcNow() => Start + new TimeSpan(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        lock (_lock)
        {
            _timers.Add(timer);
        }

        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan time)
    {
        ManualTimer[] due;
        lock (_lock)
        {
            _passed += time;
            due = [.. _timers.Where(timer => timer.DueAt <= _passed)];
            foreach (var timer in due)
            {
                timer.DueAt = TimeSpan.MaxValue;
            }
        }

        foreach (var timer in due)
        {
            timer.Fire();
        }
    }

    /// <summary>Advances step by step until something ends that waits for its time to come.</summary>
    /// <param name="end">What ends.</param>
    /// <param name="step">How far at once: less where others must answer meanwhile. A tenth of a second unless given.</param>
    public Task AdvanceUntilEndAsync(Task end, TimeSpan? step = null) => Until.TrueAsync(() =>
    {
        Advance(step ?? TimeSpan.FromMilliseconds(100));
        return end.IsCompleted;
    });

    private sealed class ManualTimer(ManualTimeProvider owner, Action fire) : ITimer
    {
        public TimeSpan DueAt { get; set; } = TimeSpan.MaxValue;

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            bool now;
            lock (owner._lock)
            {
                dueTime = owner.WholeMilliseconds ? TimeSpan.FromMilliseconds((long)dueTime.TotalMilliseconds) : dueTime;
                now = dueTime == TimeSpan.Zero;
                DueAt = dueTime == Timeout.InfiniteTimeSpan || now ? TimeSpan.MaxValue : owner._passed + dueTime;
            }

            if (now)
            {
                ThreadPool.QueueUserWorkItem(_ => fire());
            }

            return true;
        }

        public void Dispose()
        {
            lock (owner._lock)
            {
                owner._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
