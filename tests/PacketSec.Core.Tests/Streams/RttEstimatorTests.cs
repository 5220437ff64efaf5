using PacketSec.Protocol.Streams.Recovery;

namespace PacketSec.Core.Tests.Streams;

public sealed class RttEstimatorTests
{
    private const long Ms = 1_000_000;

    //= rfc9002#section-6.2.2
    [Fact]
    public void Before_the_first_sample_333_ms_are_assumed()
    {
        var rtt = new RttEstimator();
        Assert.False(rtt.HasSample);
        Assert.Equal((333 * Ms) + (4 * (333 * Ms / 2)) + (25 * Ms), rtt.ProbeTimeout);
    }

    //= rfc9002#section-5.3
    [Fact]
    public void The_first_sample_is_taken_as_it_is()
    {
        var rtt = new RttEstimator();
        rtt.Update(100 * Ms, 20 * Ms);
        Assert.Equal((100 * Ms, 100 * Ms, 100 * Ms, 50 * Ms), (rtt.Latest, rtt.Min, rtt.Smoothed, rtt.Variation));
    }

    //= rfc9002#section-5.3
    [Fact]
    public void Later_samples_are_weighed_without_the_delay_of_the_peer()
    {
        var rtt = new RttEstimator();
        rtt.Update(100 * Ms, 0);
        rtt.Update(140 * Ms, 20 * Ms);
        Assert.Equal((140 * Ms, 100 * Ms, 102_500_000, 42_500_000), (rtt.Latest, rtt.Min, rtt.Smoothed, rtt.Variation));
    }

    //= rfc9002#section-5.3
    [Theory]
    [InlineData(110, 20, 110)]
    [InlineData(120, 20, 100)]
    [InlineData(140, 100, 115)]
    public void A_delay_is_at_most_25_ms_and_never_brings_a_sample_below_the_minimum(long sample, long delay, long adjusted)
    {
        var rtt = new RttEstimator();
        rtt.Update(100 * Ms, 0);
        rtt.Update(sample * Ms, delay * Ms);
        Assert.Equal(((7 * 100 * Ms) + (adjusted * Ms)) / 8, rtt.Smoothed);
    }

    //= rfc9002#section-6.2.1
    //= rfc9002#section-6.1.2
    [Fact]
    public void Timers_are_never_shorter_than_1_ms()
    {
        var rtt = new RttEstimator();
        for (var i = 0; i < 60; i++)
        {
            rtt.Update(1000, 0);
        }

        Assert.Equal(1000 + Ms + (25 * Ms), rtt.ProbeTimeout);
        Assert.Equal(Ms, rtt.LossDelay);
        rtt.Update(80 * Ms, 0);
        Assert.Equal(90 * Ms, rtt.LossDelay);
    }
}
