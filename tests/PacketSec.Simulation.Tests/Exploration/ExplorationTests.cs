using PacketSec.Exploration;
using PacketSec.Exploration.Search;

namespace PacketSec.Simulation.Tests.Exploration;

/// <summary>The small configurations, and that the exploration would notice what it is there to notice.</summary>
public sealed class ExplorationTests
{
    public static TheoryData<string> Controls => [.. Configurations.Controls.Select(control => control.Weakness.ToString())];

    [Theory]
    [InlineData("one")]
    [InlineData("nothing-common")]
    [InlineData("cookies-one")]
    public void Whatever_happens_two_negotiators_come_to_one_session(string name)
    {
        var findings = new Explorer(Configurations.Find(name)).Run();
        Assert.Null(findings.Violation?.Fault);
        Assert.True(findings.Late > 0 || name == "nothing-common", "no attempt ran out of time: the timers are not explored");
    }

    [Theory]
    [MemberData(nameof(Controls))]
    public void A_rule_that_is_left_out_is_noticed_and_its_schedule_replays(string weakness)
    {
        var control = Configurations.Controls.Single(control => control.Weakness.ToString() == weakness);
        var violation = new Explorer(control).Run().Violation;
        Assert.NotNull(violation);
        Assert.Equal(violation.Fault, Schedule.Read(Schedule.Print(control, violation)).Fault);
    }

    [Fact]
    public void Every_rule_that_can_be_left_out_has_a_control()
        => Assert.Equal(Enum.GetValues<Weakness>().Except([Weakness.None]).Order(), Configurations.Controls.Select(control => control.Weakness).Order());

    [Fact]
    public void An_exploration_is_a_function_of_its_configuration()
    {
        var first = new Explorer(Configurations.Find("one")).Run();
        var second = new Explorer(Configurations.Find("one")).Run();
        Assert.Equal(first, second);
    }

    [Theory]
    [InlineData(0, "1 passed, 0 failed, 0 skipped")]
    [InlineData(1, "0 passed, 1 failed, 0 skipped")]
    public void Fewer_states_than_there_were_are_a_failure(int more, string end)
    {
        var states = new Explorer(Configurations.Find("cookies-one")).Run().States;
        var minimum = new FileInfo(Path.GetTempFileName());
        try
        {
            File.WriteAllText(minimum.FullName, $"# The least.\ncookies-one {states + more}\n");
            var output = new StringWriter();
            var run = new Run(output, minimum);
            run.Explore([Configurations.Find("cookies-one")]);
            Assert.Equal(more, run.Finish());
            Assert.EndsWith(end + Environment.NewLine, output.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            minimum.Delete();
        }
    }

    [Fact]
    public void Every_configuration_that_is_explored_by_default_has_a_minimum()
    {
        var lines = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "minimum.txt")).Where(line => !line.StartsWith('#'));
        Assert.Equal(Configurations.Default.Select(configuration => configuration.Name), lines.Select(line => line.Split(' ')[0]));
    }

    [Fact]
    public void A_schedule_that_cannot_be_is_refused()
    {
        var schedule = new Schedule(Configurations.Find("one"));
        Assert.Throws<ArgumentException>(() => schedule.Deliver("B", "proposal x A1"));
        Assert.Throws<ArgumentException>(() => schedule.Cancel("A"));
    }
}
