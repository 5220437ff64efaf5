using PacketSec.Protocol.Streams;
using PacketSec.Simulation.Streams;

namespace PacketSec.Simulation.Tests.Streams;

public sealed class AllocationScenarios
{
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.01)]
    public void A_steady_flow_allocates_nothing_per_packet(double loss)
    {
        var link = new LinkOptions { BitsPerSecond = 50e6, Delay = TimeSpan.FromMilliseconds(10), QueueBytes = 125_000, Loss = loss };
        var network = new StreamNetwork(seed: 9);
        var (sender, receiver) = network.AddPair(network.AddLink(link), network.AddLink(link));
        var flow = new BulkFlow(sender, receiver);
        network.RunTo(TimeSpan.FromSeconds(20));
        var packets = sender.Built + receiver.Built;
        var before = GC.GetAllocatedBytesForCurrentThread();
        network.RunTo(TimeSpan.FromSeconds(30));
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        packets = sender.Built + receiver.Built - packets;
        Assert.True(packets > 5_000);
        Assert.True(allocated == 0, $"{allocated} bytes for {packets} packets, {flow.Received} bytes received");
    }

    [Fact]
    public void Steady_datagrams_allocate_nothing()
    {
        var link = new LinkOptions { BitsPerSecond = 50e6, Delay = TimeSpan.FromMilliseconds(10), QueueBytes = 125_000 };
        var network = new StreamNetwork(seed: 10);
        var (sender, receiver) = network.AddPair(network.AddLink(link), network.AddLink(link));
        var datagram = new byte[1000];
        var received = 0;
        sender.KeepsEvents = receiver.KeepsEvents = false;
        sender.Application = now =>
        {
            while (sender.Machine.SendDatagram(datagram) == DatagramResult.Queued)
            {
            }
        };
        receiver.Application = now =>
        {
            while (receiver.Machine.TryReceiveDatagram(datagram, out _))
            {
                received++;
            }
        };
        network.RunTo(TimeSpan.FromSeconds(5));
        var (count, before) = (received, GC.GetAllocatedBytesForCurrentThread());
        network.RunTo(TimeSpan.FromSeconds(8));
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(received - count > 10_000);
        Assert.True(allocated == 0, $"{allocated} bytes for {received - count} datagrams");
    }
}
