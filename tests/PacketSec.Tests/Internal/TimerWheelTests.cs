using PacketSec.Internal;
using PacketSec.Protocol;

namespace PacketSec.Tests.Internal;

public class TimerWheelTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(64);

    private readonly Instant _start = new(1_000_000_000_000);
    private readonly TimerWheel _wheel;

    public TimerWheelTests() => _wheel = new TimerWheel(_start);

    [Fact]
    public void An_entry_comes_up_at_its_deadline_or_a_tick_later_and_not_before()
    {
        var entry = new Item();
        _wheel.Schedule(entry, _start + TimeSpan.FromSeconds(1));

        Assert.Empty(Advance(_start + TimeSpan.FromSeconds(1) - TimeSpan.FromMilliseconds(1)));
        Assert.Equal([entry], Advance(_start + TimeSpan.FromSeconds(1) + Tick));
        Assert.Empty(Advance(_start + TimeSpan.FromSeconds(100)));
        Assert.Null(_wheel.NextDue);
    }

    [Fact]
    public void An_entry_past_the_wheels_reach_waits_for_its_round()
    {
        var entry = new Item();
        var at = _start + TimeSpan.FromMinutes(10);
        _wheel.Schedule(entry, at);
        var now = _start;
        var visits = 0;
        while (now < at)
        {
            Assert.Empty(Advance(now));
            now = _wheel.NextDue!.Value;
            visits++;
        }

        Assert.Equal([entry], Advance(now));
        Assert.InRange(visits, 1, 11);
    }

    [Fact]
    public void A_nearer_deadline_moves_an_entry_and_a_further_one_does_not()
    {
        var entry = new Item();
        _wheel.Schedule(entry, _start + TimeSpan.FromSeconds(10));
        _wheel.Schedule(entry, _start + TimeSpan.FromSeconds(1));
        _wheel.Schedule(entry, _start + TimeSpan.FromSeconds(20));

        Assert.False(entry.IsTooLateFor(_start + TimeSpan.FromSeconds(1)));
        Assert.True(entry.IsTooLateFor(_start + TimeSpan.FromSeconds(1) - Tick));
        Assert.False(entry.IsTooLateFor(null));
        Assert.Equal([entry], Advance(_start + TimeSpan.FromSeconds(2)));
        Assert.Empty(Advance(_start + TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void A_deadline_in_the_past_comes_up_with_the_next_tick()
    {
        var entry = new Item();
        _wheel.Schedule(entry, _start - TimeSpan.FromSeconds(10));

        Assert.Equal([entry], Advance(_start + Tick));
    }

    [Fact]
    public void A_jump_of_hours_brings_up_everything_once()
    {
        var entries = Enumerable.Range(1, 3000).Select(_ => new Item()).ToArray();
        for (var i = 0; i < entries.Length; i++)
        {
            _wheel.Schedule(entries[i], _start + (i * TimeSpan.FromMilliseconds(111)));
        }

        Assert.Equal(entries.Length, Advance(_start + TimeSpan.FromHours(5)).Distinct().Count());
        Assert.Null(_wheel.NextDue);
    }

    [Fact]
    public void The_wheel_agrees_with_a_sorted_list()
    {
        var random = new Random(3);
        var model = new Dictionary<Item, Instant>();
        var items = Enumerable.Range(0, 50).Select(_ => new Item()).ToArray();
        var now = _start;
        for (var step = 0; step < 20_000; step++)
        {
            var item = items[random.Next(items.Length)];
            switch (random.Next(4))
            {
                case 0:
                    _wheel.Cancel(item);
                    model.Remove(item);
                    break;
                case 1:
                    now += TimeSpan.FromMilliseconds(random.Next(2000));
                    foreach (var due in Advance(now))
                    {
                        Assert.True(model.Remove((Item)due, out var at) && at <= now);
                    }

                    Assert.DoesNotContain(model.Values, at => at + Tick <= now);
                    break;
                default:
                    var wished = now + TimeSpan.FromMilliseconds(random.Next(200_000));
                    _wheel.Schedule(item, wished);
                    model[item] = model.TryGetValue(item, out var earlier) && earlier < wished ? earlier : wished;
                    break;
            }

            Assert.True(model.Count == 0 || _wheel.NextDue!.Value <= model.Values.Min() + Tick);
        }
    }

    private List<TimerWheel.Entry> Advance(Instant now)
    {
        var due = new List<TimerWheel.Entry>();
        _wheel.Advance(now, due);
        return due;
    }

    private sealed class Item : TimerWheel.Entry;
}
