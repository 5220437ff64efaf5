using PacketSec.Protocol;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Tests.Network;

public sealed class SimulatedNetworkTests
{
    private static readonly NetworkAddress A = Addresses.Host(1);
    private static readonly NetworkAddress B = Addresses.Host(2);

    private static readonly LinkConditions Rough = new()
    {
        Loss = 0.1,
        Duplication = 0.1,
        Corruption = 0.1,
        Reordering = 0.1,
        Latency = TimeSpan.FromMilliseconds(20),
        Jitter = TimeSpan.FromMilliseconds(5),
        Mtu = 900,
    };

    [Fact]
    public void Equal_seeds_give_equal_traces_and_another_seed_gives_another()
    {
        Assert.Equal(TraceOf(1), TraceOf(1));
        Assert.NotEqual(TraceOf(1), TraceOf(2));
    }

    [Fact]
    public void Each_datagram_is_accounted_for()
    {
        var (world, sink) = NewWorld(5, Rough);
        for (var i = 0; i < 2000; i++)
        {
            world.Network.Send(A, i % 10 == 0 ? Addresses.Host(9) : B, new byte[i % 1000]);
        }

        world.RunFor(TimeSpan.FromSeconds(1));
        var trace = world.Network.Trace;
        Assert.Equal(
            2000 + trace[TraceKind.Duplicated],
            trace[TraceKind.Lost] + trace[TraceKind.TooLarge] + trace[TraceKind.NoRoute] + trace[TraceKind.Delivered]);
        Assert.Equal(trace[TraceKind.Delivered], sink.Datagrams.Count);
        Assert.InRange(trace[TraceKind.Lost], 100, 300);
        Assert.InRange(trace[TraceKind.Duplicated], 100, 300);
        Assert.InRange(trace[TraceKind.Corrupted], 100, 300);
        Assert.InRange(trace[TraceKind.NoRoute], 100, 300);
    }

    [Fact]
    public void A_perfect_network_delivers_unchanged_in_order_and_at_once()
    {
        var (world, sink) = NewWorld(1, LinkConditions.Perfect);
        for (byte i = 0; i < 100; i++)
        {
            world.Network.Send(A, B, [i]);
        }

        Assert.True(world.RunUntilIdle(TimeSpan.FromSeconds(1)));
        Assert.Equal(TimeSpan.Zero, world.Clock.Elapsed);
        Assert.Equal(Enumerable.Range(0, 100), sink.Datagrams.Select(datagram => (int)datagram.Bytes[0]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Jitter_reorders_unless_order_is_kept(bool keepOrder)
    {
        var (world, sink) = NewWorld(1, new() { Jitter = TimeSpan.FromMilliseconds(5), KeepOrder = keepOrder });
        for (byte i = 0; i < 100; i++)
        {
            world.Network.Send(A, B, [i]);
        }

        world.RunFor(TimeSpan.FromSeconds(1));
        var order = sink.Datagrams.Select(datagram => (int)datagram.Bytes[0]).ToList();
        Assert.Equal(keepOrder, order.SequenceEqual(order.Order()));
        Assert.Equal(100, order.Count);
    }

    [Theory]
    [InlineData(1200, true)]
    [InlineData(1201, false)]
    public void The_largest_datagram_that_passes_is_the_maximum_itself(int size, bool passes)
    {
        var (world, sink) = NewWorld(1, new() { Mtu = 1200, ReportTooLarge = true });
        Assert.Equal(passes, world.Network.Send(A, B, new byte[size]));
        world.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal(passes ? 1 : 0, sink.Datagrams.Count);
    }

    [Fact]
    public void A_bottleneck_spreads_datagrams_and_drops_what_would_wait_too_long()
    {
        var (world, sink) = NewWorld(1, new() { Bandwidth = 100_000, BottleneckQueue = TimeSpan.FromMilliseconds(100) });
        for (var i = 0; i < 100; i++)
        {
            world.Network.Send(A, B, new byte[1000]);
        }

        world.RunFor(TimeSpan.FromSeconds(5));

        // One datagram takes 10 ms: one on the wire, and those whose turn comes within 100 ms.
        Assert.Equal(11, sink.Datagrams.Count);
        Assert.Equal(TimeSpan.FromMilliseconds(10), sink.Datagrams[1].At - sink.Datagrams[0].At);
    }

    [Fact]
    public void A_rebound_host_sends_from_its_new_address_and_the_old_one_leads_nowhere()
    {
        var (world, sink) = NewWorld(1, LinkConditions.Perfect);
        var (first, second) = (Addresses.Host(100, 50001), Addresses.Host(100, 50002));
        world.Network.Rebind(B, first);
        world.Network.Send(A, first, [1]);
        world.RunFor(TimeSpan.FromSeconds(1));
        world.Network.Rebind(B, second);
        world.Network.Send(A, first, [2]);
        world.Network.Send(A, B, [3]);
        world.Network.Send(A, second, [4]);
        world.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal([1, 4], sink.Datagrams.Select(datagram => (int)datagram.Bytes[0]));
        Assert.Equal(second, world.Network.PublicAddressOf(B));
    }

    [Fact]
    public void A_partition_cuts_both_ways_between_two_hosts_only_and_heals()
    {
        var (world, sink) = NewWorld(1, LinkConditions.Perfect);
        world.Network.Partition(A, B);
        world.Network.Send(A, B, [1]);
        world.Network.Send(Addresses.Host(3), B, [2]);
        world.Network.Partition(A, B, cut: false);
        world.Network.Send(A, B, [3]);
        world.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal([2, 3], sink.Datagrams.Select(datagram => (int)datagram.Bytes[0]));
    }

    [Fact]
    public void A_tap_alters_drops_and_injects()
    {
        var (world, sink) = NewWorld(1, LinkConditions.Perfect);
        var record = new RecordingTap();
        world.Network.AddTap(record);
        world.Network.AddTap((in datagram) =>
        {
            if (datagram.Bytes[0] == 1)
            {
                return TapVerdict.Drop;
            }

            datagram.Bytes[0] = 9;
            world.Network.Inject(datagram.From, datagram.To, [7], TimeSpan.FromMilliseconds(1));
            return TapVerdict.Pass;
        });
        world.Network.Send(A, B, [1]);
        world.Network.Send(A, B, [2]);
        world.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal([9, 7], sink.Datagrams.Select(datagram => (int)datagram.Bytes[0]));
        Assert.Equal([1, 2], record.Datagrams.Select(datagram => (int)datagram.Bytes[0]));
    }

    [Fact]
    public void An_actor_whose_deadline_never_passes_is_reported()
    {
        var world = new World(1);
        world.Add(new Stuck());
        var failure = Assert.Throws<InvalidOperationException>(() => world.RunFor(TimeSpan.FromSeconds(1)));
        Assert.Contains("stuck", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Repeated_actions_come_at_their_times_and_end()
    {
        var world = new World(1);
        var times = new List<double>();
        world.Every(TimeSpan.FromMilliseconds(10), () =>
        {
            times.Add(world.Clock.Elapsed.TotalMilliseconds);
            return times.Count < 3;
        });
        Assert.True(world.RunUntilIdle(TimeSpan.FromSeconds(1)));
        Assert.Equal([10, 20, 30], times);
    }

    private static ulong TraceOf(ulong seed)
    {
        var (world, _) = NewWorld(seed, Rough);
        for (var i = 0; i < 500; i++)
        {
            world.Network.Send(A, B, world.Random.NextBytes(world.Random.Next(1000)));
            world.RunFor(TimeSpan.FromMilliseconds(1));
        }

        return world.Network.Trace.Hash;
    }

    private static (World World, Sink Sink) NewWorld(ulong seed, LinkConditions conditions)
    {
        var world = new World(seed);
        world.Network.Conditions = conditions;
        var sink = new Sink();
        world.Network.Attach(B, sink);
        return (world, sink);
    }

    private sealed class Sink : IDatagramReceiver
    {
        public List<(Instant At, byte[] Bytes)> Datagrams { get; } = [];

        public void OnDatagram(Instant now, in PathAddress path, ReadOnlySpan<byte> datagram) => Datagrams.Add((now, datagram.ToArray()));
    }

    private sealed class Stuck : IActor
    {
        public string Name => "stuck";

        public Instant? NextDeadline => VirtualClock.Beginning;

        public void OnTimeout(Instant now)
        {
        }
    }
}
