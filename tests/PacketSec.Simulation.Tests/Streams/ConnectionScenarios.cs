using PacketSec.Protocol.Streams;
using PacketSec.Simulation.Streams;

namespace PacketSec.Simulation.Tests.Streams;

public sealed class ConnectionScenarios
{
    private static readonly LinkOptions Link = new() { BitsPerSecond = 20e6, Delay = TimeSpan.FromMilliseconds(20), QueueBytes = 100_000 };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void After_two_seconds_of_silence_the_flow_goes_on_within_three_probe_timeouts(ulong seed)
    {
        var network = new StreamNetwork(seed);
        var (there, back) = (network.AddLink(Link), network.AddLink(Link));
        var (sender, receiver) = network.AddPair(there, back);
        var flow = new BulkFlow(sender, receiver);
        network.RunTo(TimeSpan.FromSeconds(5));
        there.Options = back.Options = Link with { IsDown = true };
        network.RunTo(TimeSpan.FromSeconds(7));
        there.Options = back.Options = Link;
        var patience = TimeSpan.FromTicks(3 * sender.Machine.ProbeTimeout / 100);
        var before = flow.Received;
        Assert.True(network.RunTo(TimeSpan.FromSeconds(7) + patience, () => flow.Received > before));

        before = flow.Received;
        var resumed = network.Elapsed;
        flow.ForgetPauses();
        network.RunTo(resumed + TimeSpan.FromSeconds(10));
        Assert.InRange(flow.LongestPause, TimeSpan.Zero, TimeSpan.FromTicks(3 * sender.Machine.Rtt.ProbeTimeout / 100));
        Assert.True((flow.Received - before) * 8.0 / 10 > 0.7 * 20e6);
    }

    //= spec/streams.md#incarnation-same
    //= spec/streams.md#rekey-invisible
    [Theory]
    [InlineData(1, 0.0)]
    [InlineData(2, 0.02)]
    public void A_transfer_survives_twenty_changes_of_session(ulong seed, double loss)
    {
        var network = new StreamNetwork(seed);
        var link = Link with { Loss = loss, Reorder = loss, Duplicate = loss };
        var (sender, receiver) = network.AddPair(network.AddLink(link), network.AddLink(link));
        var flow = new BulkFlow(sender, receiver, 20_000_000);
        for (var change = 1; change <= 20; change++)
        {
            // Each side moves on its own, every fourth time after a time without any session; ports change, addresses do not.
            var session = change + 1;
            var at = TimeSpan.FromMilliseconds(300 * change);
            if (change % 4 == 0)
            {
                network.At(at - TimeSpan.FromMilliseconds(100), () => sender.Use(network.Now, null));
            }

            network.At(at, () => sender.Use(network.Now, new(session, StreamNetwork.Address(2, (ushort)(4001 + session)), 1472)));
            network.At(at + TimeSpan.FromMilliseconds(70), () => receiver.Use(network.Now, new(session, StreamNetwork.Address(1, (ushort)(4001 + session)), 1472)));
        }

        Assert.True(network.RunTo(TimeSpan.FromSeconds(600), () => flow.IsComplete));
        Assert.Equal(20_000_000, flow.Received);
        Assert.True(network.Elapsed > TimeSpan.FromSeconds(6));
        Assert.Equal((1472, CloseCause.None), (sender.Machine.PathMtu, sender.Machine.Cause));
    }

    //= spec/streams.md#new-path
    [Fact]
    public void A_transfer_survives_a_change_of_address_to_a_slower_path_with_a_smaller_MTU()
    {
        var network = new StreamNetwork(seed: 4);
        var (there, back) = (network.AddLink(Link), network.AddLink(Link));
        var slow = Link with { BitsPerSecond = 2e6, Delay = TimeSpan.FromMilliseconds(100), QueueBytes = 50_000, MaxDatagram = 1300 };
        var (thereLater, backLater) = (network.AddLink(slow), network.AddLink(slow));
        var (sender, receiver) = network.AddPair(there, back);
        var flow = new BulkFlow(sender, receiver, 10_000_000);
        network.At(TimeSpan.FromSeconds(2), () =>
        {
            there.Options = back.Options = Link with { IsDown = true };
            (sender.Link, receiver.Link) = (thereLater, backLater);
            sender.Use(network.Now, new(2, StreamNetwork.Address(22), 1472));
            receiver.Use(network.Now, new(2, StreamNetwork.Address(21), 1472));
            Assert.Equal((12_000L, 1200), (sender.Machine.CongestionWindow, sender.Machine.PathMtu));
        });
        Assert.True(network.RunTo(TimeSpan.FromSeconds(120), () => flow.IsComplete));
        Assert.InRange(sender.Machine.PathMtu, 1292, 1300);
    }

    //= spec/streams.md#mtu-probe
    [Fact]
    public void On_a_path_like_a_loopback_packets_become_as_large_as_the_interface_takes()
    {
        var network = new StreamNetwork(seed: 11);
        var loopback = new LinkOptions { BitsPerSecond = 5e9, Delay = TimeSpan.FromMilliseconds(0.1), QueueBytes = 4_000_000, MaxDatagram = 65_000 };
        var (sender, receiver) = network.AddPair(network.AddLink(loopback), network.AddLink(loopback));
        var flow = new BulkFlow(sender, receiver, 200_000_000);
        Assert.True(network.RunTo(TimeSpan.FromSeconds(5), () => flow.IsComplete));
        Assert.Equal(65_000, sender.Machine.PathMtu);
        Assert.InRange(sender.Built, 3_000, 6_000);
        Assert.True(flow.Received * 8.0 / network.Elapsed.TotalSeconds > 2e9, $"{network.Elapsed}");
    }

    //= spec/streams.md#black-hole
    [Fact]
    public void A_path_that_begins_to_swallow_large_packets_goes_on_with_small_ones()
    {
        var network = new StreamNetwork(seed: 5);
        var (there, back) = (network.AddLink(Link), network.AddLink(Link));
        var (sender, receiver) = network.AddPair(there, back);
        var flow = new BulkFlow(sender, receiver, 10_000_000);
        network.RunTo(TimeSpan.FromSeconds(1));
        Assert.Equal(1472, sender.Machine.PathMtu);
        there.Options = Link with { MaxDatagram = 1250 };
        Assert.True(network.RunTo(TimeSpan.FromSeconds(30), () => flow.IsComplete));
        Assert.Equal(1200, sender.Machine.PathMtu);
    }

    //= spec/streams.md#incarnation-changed
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_restart_of_either_side_ends_the_streams_and_a_new_connection_works(bool senderRestarts)
    {
        var network = new StreamNetwork(seed: 6);
        var (sender, receiver) = network.AddPair(network.AddLink(Link), network.AddLink(Link));
        var first = new BulkFlow(sender, receiver);
        network.RunTo(TimeSpan.FromSeconds(1));
        Assert.True(first.Received > 0);
        (sender.Application, receiver.Application) = (null, null);

        var (restarted, other) = senderRestarts ? (sender, receiver) : (receiver, sender);
        other.KeepsEvents = true;
        other.Events.Clear();
        var old = other.Machine;
        restarted.Restart(network.Now, new(2, StreamNetwork.Address(1), 1472));
        other.Use(network.Now, new(2, StreamNetwork.Address(2), 1472));
        restarted.Machine.Ping();
        network.RunTo(TimeSpan.FromSeconds(2));
        Assert.Equal(CloseCause.PeerRestarted, old.Cause);
        Assert.Contains(other.Events, what => what.Kind == StreamEventKind.Closed);

        var second = new BulkFlow(sender, receiver, 1_000_000);
        receiver.Events.Clear();
        Assert.True(network.RunTo(TimeSpan.FromSeconds(20), () => second.IsComplete));
    }

    //= rfc9000#section-2
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.02)]
    public void A_thousand_streams_at_once_all_arrive_whole(double loss)
    {
        var network = new StreamNetwork(seed: 7);
        var link = Link with { BitsPerSecond = 100e6, QueueBytes = 500_000, Loss = loss };
        var (sender, receiver) = network.AddPair(network.AddLink(link), network.AddLink(link));
        sender.Machine.Ping();
        receiver.Machine.Ping();
        network.RunTo(TimeSpan.FromSeconds(1));
        receiver.Events.Clear();
        var streams = Enumerable.Range(0, 1000).Select(i => sender.Machine.TryOpen(bidirectional: true)!).ToList();
        Assert.All(streams, Assert.NotNull);
        foreach (var stream in streams)
        {
            var bytes = Content(stream.Id);
            Assert.Equal(bytes.Length, sender.Machine.Write(stream, bytes));
            sender.Machine.Finish(stream);
        }

        var received = new Dictionary<StreamState, List<byte>>();
        var complete = 0;
        var buffer = new byte[20_000];
        receiver.Application = now =>
        {
            while (receiver.Events.TryDequeue(out var what))
            {
                if (what is { Kind: StreamEventKind.Readable, Stream: { } stream })
                {
                    var bytes = received.TryGetValue(stream, out var known) ? known : received[stream] = [];
                    bytes.AddRange(buffer[..receiver.Machine.Read(now, stream, buffer, out var ended)]);
                    if (ended)
                    {
                        complete++;
                        receiver.Machine.Finish(stream);
                    }
                }
            }
        };
        Assert.True(network.RunTo(TimeSpan.FromSeconds(60), () => complete == 1000));
        Assert.All(received, pair => Assert.Equal(Content(pair.Key.Id), pair.Value));

        // Both directions have ended: nothing is left of them when the sender has read the ends.
        network.RunTo(network.Elapsed + TimeSpan.FromSeconds(5));
        streams.ForEach(stream => sender.Machine.Read(network.Now, stream, default, out _));
        network.RunTo(network.Elapsed + TimeSpan.FromSeconds(5));
        Assert.Equal((0, 0), (sender.Machine.StreamCount, receiver.Machine.StreamCount));
    }

    [Fact]
    public void Streams_share_a_path_evenly()
    {
        var network = new StreamNetwork(seed: 8);
        var (sender, receiver) = network.AddPair(network.AddLink(Link), network.AddLink(Link));
        var flows = Enumerable.Range(0, 10).Select(i => new MultiReader()).ToList();
        network.RunTo(TimeSpan.FromMilliseconds(100));
        sender.Machine.Ping();
        receiver.Machine.Ping();
        network.RunTo(TimeSpan.FromSeconds(1));
        var streams = flows.Select(flow => sender.Machine.TryOpen(bidirectional: true)!).ToList();
        var chunk = new byte[50_000];
        sender.Application = now => streams.ForEach(stream => sender.Machine.Write(stream, chunk));
        receiver.Application = now =>
        {
            while (receiver.Events.TryDequeue(out var what))
            {
                if (what is { Kind: StreamEventKind.Readable, Stream: { } stream })
                {
                    int count;
                    while ((count = receiver.Machine.Read(now, stream, chunk, out _)) > 0)
                    {
                        flows[(int)StreamId.Index(stream.Id)].Bytes += count;
                    }
                }
            }
        };
        network.RunTo(TimeSpan.FromSeconds(10));
        var (least, most) = (flows.Min(flow => flow.Bytes), flows.Max(flow => flow.Bytes));
        Assert.True(least > 1_000_000 && least > 0.9 * most, $"{least} to {most}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Both_directions_arrive_whole_over_a_path_that_loses_reorders_and_doubles(ulong seed)
    {
        var network = new StreamNetwork(seed);
        var link = Link with { Loss = 0.03, Reorder = 0.1, Duplicate = 0.05 };
        var (one, two) = network.AddPair(network.AddLink(link), network.AddLink(link));
        var there = new BulkFlow(one, two, 3_000_000);
        Assert.True(network.RunTo(TimeSpan.FromSeconds(300), () => there.IsComplete));
        (one.Application, two.Application) = (null, null);
        var back = new BulkFlow(two, one, 3_000_000);
        Assert.True(network.RunTo(network.Elapsed + TimeSpan.FromSeconds(300), () => back.IsComplete));
        Assert.True(two.Refused.GetValueOrDefault(PacketVerdict.Duplicate) > 10);
    }

    [Fact]
    public void A_seed_names_a_run()
    {
        Assert.Equal(Run(1), Run(1));
        Assert.NotEqual(Run(1), Run(2));
    }

    private static (long Received, long Built) Run(ulong seed)
    {
        var network = new StreamNetwork(seed);
        var (sender, receiver) = network.AddPair(network.AddLink(Link with { Loss = 0.01 }), network.AddLink(Link with { Loss = 0.01 }));
        var flow = new BulkFlow(sender, receiver);
        network.RunTo(TimeSpan.FromSeconds(3));
        return (flow.Received, sender.Built);
    }

    private static byte[] Content(long id) => new DeterministicRandom((ulong)id).NextBytes(3000 + (int)(id % 7 * 1000));

    private sealed class MultiReader
    {
        public long Bytes { get; set; }
    }
}
