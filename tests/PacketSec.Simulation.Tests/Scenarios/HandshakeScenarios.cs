using PacketSec.Protocol;
using PacketSec.Protocol.Schemes;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Tests.Scenarios;

public sealed class HandshakeScenarios
{
    public static TheoryData<double, ulong> LossAndSeeds
    {
        get
        {
            var data = new TheoryData<double, ulong>();
            foreach (var loss in new[] { 0, 0.1, 0.2, 0.3, 0.4 })
            {
                for (ulong seed = 1; seed <= 8; seed++)
                {
                    data.Add(loss, seed);
                }
            }

            return data;
        }
    }

    //= spec/p2pke.md#init-hello-resend
    //= spec/p2pke.md#initiator-confirmed
    [Theory]
    [MemberData(nameof(LossAndSeeds))]
    public void A_handshake_completes_over_loss_and_data_flow_both_ways(double loss, ulong seed)
    {
        using var pair = new Pair(seed, Pair.Wan with { Loss = loss });
        pair.Dial();
        pair.Check(pair.World.RunUntil(() => pair.AIsOpen && pair.BIsOpen, TimeSpan.FromSeconds(20)), "no channel");
        pair.Traffic(seconds: 5, perSecondAToB: 20, perSecondBToA: 20);
        pair.Run(6);
        pair.Check(pair.AToB.Delivered >= pair.AToB.Sent * (1 - loss) * 0.6, pair.AToB.ToString());
        pair.Check(pair.BToA.Delivered >= pair.BToA.Sent * (1 - loss) * 0.6, pair.BToA.ToString());
        if (loss == 0)
        {
            pair.CheckNothingLost();
            pair.CheckNoDropsBut();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_handshake_completes_over_loss_duplication_reordering_and_corruption_at_once(ulong seed)
    {
        var rough = Pair.Wan with { Loss = 0.15, Duplication = 0.3, Reordering = 0.3, Corruption = 0.15, Jitter = TimeSpan.FromMilliseconds(20) };
        using var pair = new Pair(seed, rough, new() { WorkLatency = TimeSpan.FromMilliseconds(30) }, new() { WorkLatency = TimeSpan.FromMilliseconds(30) });
        pair.Dial();
        pair.Check(pair.World.RunUntil(() => pair.AIsOpen && pair.BIsOpen, TimeSpan.FromSeconds(20)), "no channel");
        pair.Traffic(seconds: 70, perSecondAToB: 20, perSecondBToA: 20);
        pair.Run(72);
        pair.Check(pair.AToB.Delivered > pair.AToB.Sent / 2 && pair.BToA.Delivered > pair.BToA.Sent / 2, $"{pair.AToB}; {pair.BToA}");
    }

    [Fact]
    public void Equal_seeds_give_equal_runs_of_whole_hosts()
    {
        Assert.Equal(TraceOf(1), TraceOf(1));
        Assert.NotEqual(TraceOf(1), TraceOf(2));
    }

    [Fact]
    public void A_handshake_takes_three_messages_two_confirmations_and_the_repetitions_for_a_possible_reference()
    {
        using var pair = new Pair(1);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.Dial();
        pair.Run(5);
        Assert.Equal([Header.InitHello, Header.RespHello, Header.InitDone], record.Datagrams.Take(3).Select(datagram => datagram.Word));
        Assert.Equal([190, 192, 134], record.Datagrams.Take(3).Select(datagram => datagram.Bytes.Length));
        Assert.Equal(1, record.Datagrams.Count(datagram => datagram.Word == Header.InitHello));
        Assert.InRange(record.Datagrams.Count(datagram => datagram.Word == Header.InitDone), 1, 3);
        Assert.All(record.Datagrams.Skip(3).Where(datagram => datagram.Word != Header.InitDone), datagram => Assert.Equal(20, datagram.Bytes.Length));
    }

    //= spec/sessions.md#idle-silent
    [Fact]
    public void With_nothing_to_send_there_is_no_traffic_after_the_handshake()
    {
        using var pair = Pair.Connected(1);
        pair.Run(1);
        var sent = pair.World.Network.Trace[TraceKind.Sent];
        pair.Run(300);
        Assert.Equal(sent, pair.World.Network.Trace[TraceKind.Sent]);
    }

    //= spec/p2pke.md#dial-deadline
    [Fact]
    public void A_dial_that_nobody_answers_ends_at_its_deadline_and_sends_nothing_more()
    {
        using var pair = new Pair(1);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.B.Kill();
        pair.Dial();
        pair.Run(9.99);
        Assert.Empty(pair.A.EventsOf<PeerEvent.Closed>());
        pair.Run(0.02);
        Assert.Equal(CloseReason.TimedOut, Assert.Single(pair.A.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.Empty(pair.A.Peers);
        var sent = record.Datagrams.Count;
        pair.Run(60);
        Assert.Equal(sent, record.Datagrams.Count);
        Assert.All(record.Datagrams, datagram => Assert.Equal(Header.InitHello, datagram.Word));

        // Fresh ones at 1, 3 and 7 s: rarer ones would not recover a lost answer of the reference in time.
        Assert.Equal(4, record.Datagrams.Select(datagram => Convert.ToHexString(datagram.Bytes)).Distinct().Count());
    }

    [Fact]
    public void A_dial_through_an_outage_of_eight_seconds_succeeds()
    {
        using var pair = new Pair(1);
        pair.World.Network.Partition(pair.A.Address, pair.B.Address);
        pair.Dial();
        pair.Run(8);
        pair.World.Network.Partition(pair.A.Address, pair.B.Address, cut: false);
        pair.Check(pair.World.RunUntil(() => pair.AIsOpen && pair.BIsOpen, TimeSpan.FromSeconds(2)), "no channel");
        pair.CheckAlive();
    }

    //= spec/sessions.md#dial-cancel
    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(40)]
    [InlineData(60)]
    [InlineData(90)]
    [InlineData(500)]
    public void A_cancelled_dial_leaves_nothing_behind(int afterMilliseconds)
    {
        using var pair = new Pair(1);
        var before = pair.A.StateDigest();
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.Dial();
        pair.World.RunFor(TimeSpan.FromMilliseconds(afterMilliseconds));
        pair.A.CancelConnect(pair.B.PeerId);
        if (pair.AIsOpen)
        {
            // The dial was over: cancelling it does nothing, and the channel lives on.
            pair.CheckAlive();
            return;
        }

        pair.Run(1);
        Assert.Empty(pair.A.Peers);
        Assert.Equal(before, pair.A.StateDigest());
        record.Clear();
        pair.Run(70);
        Assert.DoesNotContain(record.Datagrams, datagram => datagram.From == pair.A.Address);
        Assert.Equal(0, pair.B.Endpoint.HalfOpen);
    }

    //= spec/sessions.md#glare
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Glare_leaves_one_channel_at_each_end_and_loses_nothing(ulong seed)
    {
        using var pair = new Pair(seed, Pair.Wan with { Jitter = TimeSpan.FromMilliseconds(10) }, new() { WorkLatency = TimeSpan.FromMilliseconds(5) }, new() { WorkLatency = TimeSpan.FromMilliseconds(5) });
        pair.Dial();
        pair.World.RunFor(TimeSpan.FromMilliseconds(seed * 8));
        pair.B.Connect(pair.A.PeerId, pair.A.Address);
        pair.Check(pair.World.RunUntil(() => pair.AIsOpen && pair.BIsOpen, TimeSpan.FromSeconds(3)), "no channel");
        pair.Traffic(seconds: 100, perSecondAToB: 100, perSecondBToA: 100);
        pair.Run(101);
        Assert.Single(pair.A.Peers);
        Assert.Single(pair.B.Peers);
        pair.CheckNothingLost();
        pair.CheckNoDropsBut(DropReason.NoHandshake, DropReason.Replayed);
    }

    [Fact]
    public void Datagrams_given_at_once_with_the_dial_arrive_in_order_when_it_is_done()
    {
        using var pair = new Pair(1);
        pair.Dial();
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(SealResult.Queued, pair.SendAToB());
        }

        pair.Run(1);
        Assert.Equal(100, pair.AToB.Delivered);
    }

    //= spec/sessions.md#drop-reasons
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Each_datagram_received_is_counted_exactly_once(ulong seed)
    {
        using var pair = new Pair(seed, Pair.Wan with { Loss = 0.1, Duplication = 0.2, Corruption = 0.2, Jitter = TimeSpan.FromMilliseconds(40) });
        pair.Dial();
        pair.Run(1);
        pair.Traffic(seconds: 60, perSecondAToB: 50, perSecondBToA: 50);
        pair.World.After(TimeSpan.FromSeconds(61), () => pair.World.Network.Conditions = Pair.Wan);
        pair.Run(80);
        foreach (var host in new[] { pair.A, pair.B })
        {
            var atOnce = host.Received(ReceivedKind.Payload) + host.Received(ReceivedKind.Control) + host.Received(ReceivedKind.CachedAnswer);
            var late = host.Received(ReceivedKind.Handshake) + host.Received(ReceivedKind.EarlyData);
            Assert.Equal(host.DatagramsReceived, atOnce + late + host.Received(ReceivedKind.Dropped));

            // What was not decided at once was an InitHello answered, a finish or an answer that verified, an early payload, or a drop.
            var own = host.EventsOf<PeerEvent.SessionConfirmed>().Count(confirmed => confirmed.Role == SessionRole.Initiator);
            var dropped = Enum.GetValues<DropReason>().Sum(host.Drops);
            Assert.Equal(host.DatagramsReceived, atOnce + host.Endpoint.HandshakesBegun + host.Endpoint.HandshakesFinished + own + host.EarlyDelivered + dropped);
        }
    }

    private static ulong TraceOf(ulong seed)
    {
        using var pair = new Pair(
            seed,
            Pair.Wan with { Loss = 0.1, Jitter = TimeSpan.FromMilliseconds(10) },
            new() { WorkLatency = TimeSpan.FromMilliseconds(5) },
            new() { TimerStep = TimeSpan.FromMilliseconds(64) });
        pair.Dial();
        pair.Run(1);
        pair.Traffic(seconds: 60, perSecondAToB: 20, perSecondBToA: 20);
        pair.Run(70);
        return pair.World.Network.Trace.Hash;
    }
}
