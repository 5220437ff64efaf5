using PacketSec.Protocol;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Tests.Scenarios;

public sealed class ClosingScenarios
{
    //= spec/sessions.md#closing-sent
    //= spec/sessions.md#closing-received
    //= spec/sessions.md#closing-channel
    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    [InlineData(false, 0)]
    [InlineData(false, 2)]
    public void Closing_ends_both_sides_when_one_of_three_copies_arrives(bool dialler, int lost)
    {
        using var pair = Pair.Connected(1);
        pair.CheckAlive();
        var closings = Closings(pair, lost);
        var (closer, other) = dialler ? (pair.A, pair.B) : (pair.B, pair.A);
        var closed = pair.World.Now;
        closer.Close(other.PeerId);
        Assert.Equal(SealResult.Closed, closer.Send(other.PeerId, [1]));
        pair.Run(2);

        Assert.Equal(CloseReason.Local, Assert.Single(closer.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.Equal(CloseReason.PeerClosed, Assert.Single(other.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.Empty(closer.Peers);
        Assert.Empty(other.Peers);
        Assert.Equal([0, 100, 200], closings.Select(closing => (closing.At - closed).TotalMilliseconds));
        Assert.Single(closings.Select(closing => Convert.ToHexString(closing.Bytes)).Distinct());

        var sent = pair.World.Network.Trace[TraceKind.Sent];
        pair.Run(700);
        Assert.Equal(sent, pair.World.Network.Trace[TraceKind.Sent]);
    }

    [Fact]
    public void When_all_closings_are_lost_the_peer_finds_out_by_silence_and_may_call_again()
    {
        using var pair = Pair.Connected(1);
        pair.CheckAlive();
        Closings(pair, lost: 3);
        pair.A.Close(pair.B.PeerId);
        pair.Run(1);
        Assert.True(pair.BIsOpen);
        var delivered = pair.BToA.Delivered;
        pair.SendBToA();
        pair.Check(
            pair.World.RunUntil(
                () =>
                {
                    pair.SendBToA();
                    return pair.BToA.Delivered > delivered;
                },
                TimeSpan.FromSeconds(5)),
            "no new channel");
    }

    [Fact]
    public void Both_may_close_at_once()
    {
        using var pair = Pair.Connected(1);
        pair.CheckAlive();
        pair.A.Close(pair.B.PeerId);
        pair.B.Close(pair.A.PeerId);
        pair.Run(2);
        Assert.Single(pair.A.EventsOf<PeerEvent.Closed>());
        Assert.Single(pair.B.EventsOf<PeerEvent.Closed>());
        Assert.Empty(pair.A.Peers);
        Assert.Empty(pair.B.Peers);
    }

    //= spec/sessions.md#closing-received
    [Theory]
    [InlineData(499, true)]
    [InlineData(501, false)]
    public void Late_data_are_delivered_until_500_ms_after_the_closing(int milliseconds, bool delivered)
    {
        using var pair = Pair.Connected(1, Pair.Lan);
        pair.CheckAlive();
        RecordedDatagram? late = null;
        var hold = true;
        pair.World.Network.AddTap((in datagram) =>
        {
            if (!hold || !Header.IsData(datagram.Bytes) || datagram.Bytes.Length == 20)
            {
                return TapVerdict.Pass;
            }

            hold = false;
            late = new(datagram.At, datagram.From, datagram.To, datagram.Bytes.ToArray());
            return TapVerdict.Drop;
        });
        var before = pair.AToB.Delivered;
        pair.SendAToB();
        pair.A.Close(pair.B.PeerId);

        // The closing arrives after the latency of 1 ms; an injected datagram has none.
        pair.World.Network.Inject(late!.From, late.To, late.Bytes, TimeSpan.FromMilliseconds(1 + milliseconds));
        pair.Run(2);
        Assert.Equal(before + (delivered ? 1 : 0), pair.AToB.Delivered);
    }

    [Fact]
    public void Data_sent_right_before_closing_arrive_although_the_closing_overtakes_them()
    {
        using var pair = Pair.Connected(3, Pair.Wan with { Jitter = TimeSpan.FromMilliseconds(100) });
        for (var i = 0; i < 100; i++)
        {
            pair.SendAToB();
        }

        pair.A.Close(pair.B.PeerId);
        pair.Run(2);
        pair.CheckNothingLost();
        Assert.Equal(CloseReason.PeerClosed, Assert.Single(pair.B.EventsOf<PeerEvent.Closed>()).Reason);
    }

    [Fact]
    public void A_replayed_closing_of_an_older_session_does_not_end_the_channel()
    {
        using var pair = Pair.Connected(1);
        pair.CheckAlive();
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.A.Close(pair.B.PeerId);
        pair.Run(2);
        pair.Dial();
        pair.Run(1);
        pair.CheckAlive();
        foreach (var closing in record.Datagrams.Where(datagram => Header.IsClosing(datagram.Bytes)).ToList())
        {
            pair.World.Network.Inject(closing.From, closing.To, closing.Bytes);
        }

        pair.Run(1);
        pair.CheckAlive();
    }

    [Fact]
    public void A_closed_channel_can_be_dialled_again_at_once_from_either_side()
    {
        using var pair = Pair.Connected(1);
        pair.CheckAlive();
        pair.A.Close(pair.B.PeerId);
        pair.Run(1);
        pair.B.Connect(pair.A.PeerId, pair.A.Address);
        pair.Check(pair.World.RunUntil(() => pair.AIsOpen && pair.BIsOpen, TimeSpan.FromSeconds(2)), "no channel");
        pair.CheckAlive();
    }

    //= spec/sessions.md#refusal
    [Theory]
    [InlineData(Verdict.Refuse, 1)]
    [InlineData(Verdict.Silent, 12)]
    public void A_refused_dialler_is_told_so(Verdict verdict, int withinSeconds)
    {
        var refusing = new HostOptions { Application = _ => verdict, DecisionLatency = TimeSpan.FromMilliseconds(30) };
        using var pair = new Pair(1, b: refusing);
        pair.Dial();
        pair.Run(withinSeconds);
        Assert.Equal(CloseReason.Refused, Assert.Single(pair.A.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.Empty(pair.B.Peers);
        pair.Run(20);
        Assert.Equal(0, pair.B.Endpoint.HalfOpen);
        Assert.Empty(pair.A.Peers);
    }

    [Fact]
    public void An_admitted_dialler_waits_for_the_decision_and_loses_nothing()
    {
        using var pair = new Pair(1, b: new HostOptions { Application = _ => Verdict.Allow, DecisionLatency = TimeSpan.FromSeconds(3) });
        pair.Dial();
        for (var i = 0; i < 20; i++)
        {
            pair.SendAToB();
        }

        pair.Run(2);
        Assert.Equal(0, pair.AToB.Delivered);
        pair.Run(3);
        pair.CheckNothingLost();
        pair.CheckAlive();
    }

    private static List<RecordedDatagram> Closings(Pair pair, int lost)
    {
        var closings = new List<RecordedDatagram>();
        pair.World.Network.AddTap((in datagram) =>
        {
            if (!Header.IsClosing(datagram.Bytes))
            {
                return TapVerdict.Pass;
            }

            closings.Add(new(datagram.At, datagram.From, datagram.To, datagram.Bytes.ToArray()));
            return closings.Count <= lost ? TapVerdict.Drop : TapVerdict.Pass;
        });
        return closings;
    }
}
