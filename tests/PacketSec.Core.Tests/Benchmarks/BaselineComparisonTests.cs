using PacketSec.Benchmarks.Baselines;

namespace PacketSec.Core.Tests.Benchmarks;

public class BaselineComparisonTests
{
    [Theory]
    [InlineData(1.0, 1.5, nameof(Verdict.Within))]
    [InlineData(1.0, 1.51, nameof(Verdict.Slower))]
    [InlineData(1.0, 0.1, nameof(Verdict.Within))]
    public void A_benchmark_may_be_so_much_slower_and_not_more(double before, double now, string verdict)
        => Assert.Equal(verdict, Compare(new(before, 0), new(now, 0)));

    [Theory]
    [InlineData(0, 0, nameof(Verdict.Within))]
    [InlineData(0, 1, nameof(Verdict.AllocatesMore))]
    [InlineData(1000, 1100, nameof(Verdict.Within))]
    [InlineData(1000, 1101, nameof(Verdict.AllocatesMore))]
    public void A_benchmark_may_allocate_a_little_more_if_it_allocates_at_all(long before, long now, string verdict)
        => Assert.Equal(verdict, Compare(new(1, before), new(1, now)));

    [Fact]
    public void Benchmarks_that_only_one_side_knows_are_named()
    {
        var lines = BaselineComparison.Compare(
            new Dictionary<string, Cost> { ["b"] = new(1, 0), ["old"] = new(1, 0) }, new Dictionary<string, Cost> { ["b"] = new(1, 0), ["a new one"] = new(1, 0) });

        Assert.Equal(
            [("a new one", Verdict.New), ("b", Verdict.Within), ("old", Verdict.Missing)], lines.Select(line => (line.Name, line.Verdict)));
    }

    private static string Compare(Cost before, Cost now)
        => BaselineComparison.Compare(new Dictionary<string, Cost> { ["x"] = before }, new Dictionary<string, Cost> { ["x"] = now }).Single().Verdict.ToString();
}
