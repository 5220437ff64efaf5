using PacketSec.Internal;
using PacketSec.Protocol;
using PacketSec.Tests.Api;

namespace PacketSec.Tests.Internal;

public class ClockTimerTests
{
    private readonly ManualTimeProvider _time = new();
    private int _wakes;

    [Fact]
    public void It_wakes_at_the_deadline_and_not_before()
    {
        using var timer = new ClockTimer(new DriverClock(_time), () => _wakes++);
        var due = After(TimeSpan.FromMilliseconds(10));

        Assert.Equal(Timeout.Infinite, timer.WaitMilliseconds(due));
        _time.Advance(TimeSpan.FromMilliseconds(9));
        Assert.Equal(Timeout.Infinite, timer.WaitMilliseconds(due));
        Assert.Equal(0, _wakes);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, _wakes);
        Assert.Equal(0, timer.WaitMilliseconds(due));
    }

    [Fact]
    public void Without_a_deadline_nothing_wakes()
    {
        using var timer = new ClockTimer(new DriverClock(_time), () => _wakes++);
        Assert.Equal(Timeout.Infinite, timer.WaitMilliseconds(After(TimeSpan.FromMilliseconds(10))));
        Assert.Equal(Timeout.Infinite, timer.WaitMilliseconds(null));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(0, _wakes);
    }

    [Fact]
    public void A_timer_of_whole_milliseconds_that_comes_up_too_early_is_set_again()
    {
        var time = new ManualTimeProvider { WholeMilliseconds = true };
        using var timer = new ClockTimer(new DriverClock(time), () => _wakes++);
        var due = new Instant((time.GetTimestamp() + 105_000) * TimeSpan.NanosecondsPerTick);

        Assert.Equal(Timeout.Infinite, timer.WaitMilliseconds(due));
        time.Advance(TimeSpan.FromMilliseconds(10));
        Assert.Equal(1, _wakes);
        Assert.Equal(Timeout.Infinite, timer.WaitMilliseconds(due));
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(2, _wakes);
        Assert.Equal(0, timer.WaitMilliseconds(due));
    }

    private Instant After(TimeSpan time) => new((_time.GetTimestamp() + time.Ticks) * TimeSpan.NanosecondsPerTick);
}
