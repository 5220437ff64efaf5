using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Shared;

public sealed class PairedRatiosTests
{
    [Fact]
    public void Each_contestant_goes_first_in_every_other_pair()
    {
        var order = new List<char>();
        PairedRatios.Run(3, () => Ran('A'), () => Ran('B'));
        Assert.Equal("ABBAAB", string.Concat(order));

        double Ran(char name)
        {
            order.Add(name);
            return 1;
        }
    }

    [Fact]
    public void The_pairs_keep_who_measured_what_whoever_went_first()
    {
        var a = 0.0;
        var b = 10.0;
        var ratios = PairedRatios.Run(3, () => ++a, () => ++b);
        Assert.Equal([(1, 11), (2, 12), (3, 13)], ratios.Pairs);
    }

    [Fact]
    public void The_median_is_of_the_ratios_of_pairs_and_not_the_ratio_of_medians()
    {
        // The machine slows down to a tenth: the ratio of each pair is 2, or 1 once.
        var ratios = PairedRatios.FromPairs([(200, 100), (10, 10), (20, 10)]);
        Assert.Equal(2, ratios.Median);
        Assert.Equal(20, ratios.MedianA);
        Assert.Equal(10, ratios.MedianB);
        Assert.Equal([1, 2, 2], ratios.Sorted);
    }

    [Theory]
    [InlineData(1, 5, 5, 5)]
    [InlineData(2, 5.25, 5.5, 5.75)]
    [InlineData(4, 5.75, 6.5, 7.25)]
    [InlineData(5, 6, 7, 8)]
    [InlineData(9, 7, 9, 11)]
    public void Quartiles_lie_between_the_ratios_next_to_them(int count, double lower, double median, double upper)
    {
        // 5, 6, 7 and so on, the highest first.
        var pairs = Enumerable.Range(5, count).Reverse().Select(ratio => (ratio * 3.0, 3.0)).ToList();
        var ratios = PairedRatios.FromPairs(pairs);
        Assert.Equal(lower, ratios.Lower, 12);
        Assert.Equal(median, ratios.Median, 12);
        Assert.Equal(upper, ratios.Upper, 12);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    [InlineData(-1, 1)]
    [InlineData(double.NaN, 1)]
    [InlineData(1, double.PositiveInfinity)]
    public void What_cannot_be_related_is_a_mistake(double a, double b)
        => Assert.Throws<ArgumentException>(() => PairedRatios.FromPairs([(1, 1), (a, b)]));

    [Fact]
    public void No_pair_at_all_is_a_mistake()
    {
        Assert.Throws<ArgumentException>(() => PairedRatios.FromPairs([]));
        Assert.Throws<ArgumentOutOfRangeException>(() => PairedRatios.Run(0, () => 1, () => 1));
    }
}
