using PacketSec.Cli.Plot;

namespace PacketSec.Tests.Load;

public class ScaleTests
{
    [Theory]
    [InlineData(8, 8, 1)]
    [InlineData(8.01, 10, 2)]
    [InlineData(1150, 1200, 200)]
    [InlineData(0.7, 0.7, 0.1)]
    public void A_linear_scale_goes_from_zero_to_the_mark_that_takes_the_largest_in(double largest, double last, double step)
    {
        var scale = Scale.Linear(largest, 0, 100);

        Assert.Equal(0, scale.Ticks[0]);
        Assert.Equal(last, scale.Ticks[^1], 9);
        Assert.Equal(step, scale.Ticks[1], 9);
        Assert.Equal(0, scale.Map(0));
        Assert.Equal(50, scale.Map(last / 2), 9);
        Assert.Equal(100, scale.Map(last), 9);
    }

    [Theory]
    [InlineData(1, 10, new double[] { 1, 2, 5, 10 })]
    [InlineData(0.9, 6.9, new[] { 0.5, 1, 2, 5, 10 })]
    [InlineData(0.5, 5, new[] { 0.5, 1, 2, 5 })]
    [InlineData(99, 101, new double[] { 50, 100, 200 })]
    public void A_logarithmic_scale_has_marks_of_one_digit_around_all_values(double smallest, double largest, double[] ticks)
        => Assert.Equal(ticks, Scale.Logarithmic(smallest, largest, 0, 1).Ticks);

    [Fact]
    public void On_a_logarithmic_scale_equal_ratios_are_equally_far_apart_and_may_go_downwards()
    {
        var scale = Scale.Logarithmic(1, 100, 200, 0);

        Assert.Equal(200, scale.Map(1), 9);
        Assert.Equal(100, scale.Map(10), 9);
        Assert.Equal(0, scale.Map(100), 9);
    }

    [Theory]
    [InlineData(2, 64, 8900, new double[] { 64, 128, 256, 512, 1024, 2048, 4096, 8192 })]
    [InlineData(10, 1, 10_000, new double[] { 1, 10, 100, 1000, 10_000 })]
    [InlineData(10, 2, 9, new double[] { })]
    public void Powers_are_marked_between_the_ends(int numberBase, double smallest, double largest, double[] ticks)
        => Assert.Equal(ticks, Scale.Powers(numberBase, smallest, largest, 0, 1).Ticks);

    [Fact]
    public void One_value_alone_has_a_place()
    {
        Assert.Equal(0, Scale.Powers(2, 1200, 1200, 0, 100).Map(1200));
        Assert.Equal(0, Scale.Logarithmic(1, 1, 0, 100).Map(1));
    }

    [Fact]
    public void What_is_beyond_the_ends_is_at_the_ends()
    {
        Assert.Equal(0, Scale.Linear(10, 0, 100).Map(-1));
        Assert.Equal(100, Scale.Linear(10, 0, 100).Map(11));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    public void Values_are_positive(double value)
    {
        Assert.Throws<ArgumentException>(() => Scale.Linear(value, 0, 1));
        Assert.Throws<ArgumentException>(() => Scale.Logarithmic(value, 1, 0, 1));
        Assert.Throws<ArgumentException>(() => Scale.Powers(2, value, 1, 0, 1));
    }

    [Theory]
    [InlineData(0.5, "0.5")]
    [InlineData(5, "5")]
    [InlineData(1200, "1,200")]
    public void Marks_are_written_for_people(double value, string text) => Assert.Equal(text, Scale.Label(value));
}
