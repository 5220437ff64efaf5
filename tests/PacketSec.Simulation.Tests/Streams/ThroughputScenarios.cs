using PacketSec.Protocol.Streams;
using PacketSec.Simulation.Streams;

namespace PacketSec.Simulation.Tests.Streams;

public sealed class ThroughputScenarios
{
    // The corners of 10 Mbit/s to 1 Gbit/s, 1 to 200 ms and no to 1 % loss. Those of many packets end before the 60th second.
    [Theory]
    [InlineData(10, 1, 0, 60)]
    [InlineData(10, 1, 0.01, 60)]
    [InlineData(10, 200, 0, 60)]
    [InlineData(10, 200, 0.001, 60)]
    [InlineData(10, 200, 0.01, 60)]
    [InlineData(100, 20, 0.001, 60)]
    [InlineData(1000, 1, 0, 11)]
    [InlineData(1000, 1, 0.01, 20)]
    [InlineData(1000, 200, 0, 12)]
    [InlineData(1000, 200, 0.001, 30)]
    [InlineData(1000, 200, 0.01, 60)]
    public void A_flow_reaches_four_fifths_of_what_the_path_and_the_RFC_allow(double megabits, double rttMs, double loss, int seconds)
    {
        var cell = new StreamCell(megabits, rttMs, loss);
        var network = new StreamNetwork(seed: 1);
        var (sender, receiver) = network.AddPair(network.AddLink(cell.Link), network.AddLink(cell.Link), StreamCell.Wide);
        var flow = new BulkFlow(sender, receiver);
        network.RunTo(TimeSpan.FromSeconds(10));
        var before = flow.Received;
        network.RunTo(TimeSpan.FromSeconds(seconds));
        var rate = (flow.Received - before) * 8.0 / (seconds - 10);
        Assert.True(rate >= cell.Target, $"{rate / 1e6:f2} of {cell.Target / 1e6:f2} Mbit/s");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Two_flows_share_a_link(int kind)
    {
        var cell = new StreamCell(20, 40, 0);
        var network = new StreamNetwork(seed: 2);
        var (there, back) = (network.AddLink(cell.Link), network.AddLink(cell.Link));
        var options = StreamCell.Wide with { CongestionControl = (CongestionControl)kind };
        var first = Start(network, there, back, options);
        network.RunTo(TimeSpan.FromSeconds(5));
        var second = Start(network, there, back, options);
        network.RunTo(TimeSpan.FromSeconds(30));
        var (a, b) = (first.Received, second.Received);
        network.RunTo(TimeSpan.FromSeconds(90));
        (a, b) = (first.Received - a, second.Received - b);
        var jain = (double)(a + b) * (a + b) / (2 * (((double)a * a) + ((double)b * b)));
        Assert.True(jain >= 0.9, $"{jain:f3}: {a} and {b} bytes");
        Assert.True((a + b) * 8.0 / 60 >= cell.Target);
    }

    private static BulkFlow Start(StreamNetwork network, SimulatedLink there, SimulatedLink back, StreamOptions options)
    {
        var (sender, receiver) = network.AddPair(there, back, options);
        var flow = new BulkFlow(sender, receiver);
        return flow;
    }
}
