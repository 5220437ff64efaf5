using System.Diagnostics;
using System.Text;
using System.Text.Json;
using PacketSec.Cli.Bench;

namespace PacketSec.Tests.Cli;

public sealed class BenchStatisticsTests
{
    [Theory]
    [InlineData(1, 15)]
    [InlineData(20, 15)]
    [InlineData(21, 20)]
    [InlineData(40, 20)]
    [InlineData(41, 35)]
    [InlineData(50, 35)]
    [InlineData(60, 35)]
    [InlineData(61, 40)]
    [InlineData(99, 50)]
    [InlineData(100, 50)]
    public void A_percentile_is_the_nearest_rank(int percent, long expected) => Assert.Equal(expected, Statistics.Percentile([15, 20, 35, 40, 50], percent));

    [Theory]
    [InlineData(1)]
    [InlineData(50)]
    [InlineData(100)]
    public void The_percentiles_of_one_value_are_that_value(int percent) => Assert.Equal(7, Statistics.Percentile([7], percent));

    [Fact]
    public void Of_a_hundred_and_one_values_the_median_is_in_the_middle_and_of_a_hundred_below_it()
    {
        Assert.Equal(51, Statistics.Percentile([.. Enumerable.Range(1, 101).Select(value => (long)value)], 50));
        Assert.Equal(50, Statistics.Percentile([.. Enumerable.Range(1, 100).Select(value => (long)value)], 50));
        Assert.Equal(99, Statistics.Percentile([.. Enumerable.Range(1, 100).Select(value => (long)value)], 99));
    }

    [Fact]
    public void What_has_no_percentile_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Statistics.Percentile([], 50));
        Assert.Throws<ArgumentOutOfRangeException>(() => Statistics.Percentile([1], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Statistics.Percentile([1], 101));
        Assert.Throws<ArgumentException>(() => Statistics.Median([]));
    }

    [Theory]
    [InlineData(new[] { 3.0 }, 3.0)]
    [InlineData(new[] { 3.0, 1.0 }, 2.0)]
    [InlineData(new[] { 9.0, 1.0, 2.0 }, 2.0)]
    [InlineData(new[] { 9.0, 1.0, 2.0, 4.0 }, 3.0)]
    public void A_median_is_the_middle_or_the_mean_of_the_two_there(double[] values, double expected) => Assert.Equal(expected, Statistics.Median(values));

    [Fact]
    public void Samples_are_kept_up_to_their_number_and_told_in_microseconds()
    {
        var samples = new LatencySamples(4);
        var unit = Stopwatch.Frequency / 1000;
        foreach (var milliseconds in new[] { 4, 1, 3, 2 })
        {
            Assert.False(samples.IsFull);
            samples.Add(milliseconds * unit);
        }

        Assert.True(samples.IsFull);
        Assert.Equal(new LatencySummary(2000, 4000, 4000, 4000), samples.Summarize());
        Assert.Throws<IndexOutOfRangeException>(() => samples.Add(1));
        samples.Clear();
        samples.Add(5 * unit);
        Assert.Equal((1, new LatencySummary(5000, 5000, 5000, 5000)), (samples.Count, samples.Summarize()));
    }

    [Theory]
    [InlineData(20.0, 50.0, true, true)]
    [InlineData(20.1, 50.0, false, true)]
    [InlineData(20.0, 50.1, true, false)]
    public void A_comparison_takes_the_medians_and_meets_its_targets_at_the_limit(double p50, double p99, bool meetsP50, bool meetsP99)
    {
        var comparison = LatencyComparison.Of(Runs("plain", (10, 20), (1, 90), (99, 2)), Runs("packetsec", (p50, p99), (1, 900), (990, 2)));
        Assert.Equal(new LatencyComparison(10, 20, p50, p99), comparison);
        Assert.Equal((meetsP50, meetsP99), (comparison.MeetsP50, comparison.MeetsP99));
    }

    [Fact]
    public void A_figure_that_the_system_does_not_tell_is_absent_and_no_zero()
    {
        var figure = BenchFigure.Of("wakeups_per_second", "wake-ups", null, "per second", 1);
        Assert.Equal("absent", figure.Value);
        Assert.Equal("""{"wakeups_per_second":null}""", Json(figure));
        Assert.Equal("""{"x":1234.6}""", Json(BenchFigure.Of("x", "x", 1234.56, "us", 1)));
        Assert.Equal("1,234.6", BenchFigure.Of("x", "x", 1234.56, "us", 1).Value);
    }

    private static List<LatencyRun> Runs(string name, params (double P50, double P99)[] runs)
        => [.. runs.Select((run, i) => new LatencyRun(name, i + 1, 1, 0, new(run.P50, 0, run.P99, 0)))];

    private static string Json(BenchFigure figure)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            figure.Write(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
