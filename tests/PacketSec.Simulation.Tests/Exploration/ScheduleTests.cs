using PacketSec.Exploration;
using PacketSec.Exploration.Search;

namespace PacketSec.Simulation.Tests.Exploration;

/// <summary>Schedules that an exploration found once, as it printed them.</summary>
public sealed class ScheduleTests
{
    // The finish of an attempt that was given up arrives after the proposal of the next one, which must not be over with it.
    //= spec/psec.md#copy-after-win
    [Fact]
    public void A_late_finish_of_an_earlier_attempt_does_not_silence_the_proposal_of_the_next()
    {
        var schedule = new Schedule(Configurations.Find("redial"));
        schedule.Connect("A");
        schedule.Timer("A");
        schedule.Deliver("B", "proposal x A1");
        schedule.Deliver("A", "accept x");
        schedule.Deliver("B", "first 879c8a 0cb728");
        schedule.Deliver("A", "answer 879c8a 0cb728 bb790d");
        schedule.Timer("A");
        schedule.Connect("A");
        schedule.Deliver("B", "proposal x A2");
        schedule.Deliver("B", "finish 879c8a 0cb728 bb790d");
        Assert.Null(schedule.Fault);
    }

    // The same after a restart, which leaves no closing message behind.
    [Fact]
    public void A_late_finish_of_a_life_before_does_not_silence_the_proposal_of_this_one()
    {
        var schedule = new Schedule(Configurations.Find("restart"));
        schedule.Connect("A");
        schedule.Deliver("B", "proposal x A1");
        schedule.Deliver("A", "accept x");
        schedule.Deliver("B", "first 879c8a 0cb728");
        schedule.Deliver("A", "answer 879c8a 0cb728 bb790d");
        schedule.Restart("A");
        schedule.Connect("A");
        schedule.Deliver("B", "proposal x A2");
        schedule.Drop("A", "accept x");
        Assert.Null(schedule.Fault);
    }
}
