using PacketSec.Protocol;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Tests.Scenarios;

public sealed class RestartScenarios
{
    /// <summary>The points of a channel's life at which a process may die: as soon as such a datagram is sent.</summary>
    public enum Moment
    {
        FirstInitHello,
        FirstRespHello,
        FirstInitDone,
        FirstConfirmation,
        FirstDataOfA,
        FirstDataOfB,
        Idle,
        Busy,
        RekeyInitHello,
        RekeyRespHello,
        RekeyInitDone,
        RekeyConfirmation,
    }

    public static TheoryData<Moment, bool> MomentsAndSides
    {
        get
        {
            var data = new TheoryData<Moment, bool>();
            foreach (var moment in Enum.GetValues<Moment>())
            {
                data.Add(moment, true);
                data.Add(moment, false);
            }

            return data;
        }
    }

    //= spec/sessions.md#dead-session
    [Theory]
    [MemberData(nameof(MomentsAndSides))]
    public void A_restart_of_either_side_at_any_moment_is_survived(Moment moment, bool dialler)
    {
        using var pair = new Pair(7, Pair.Wan with { Jitter = TimeSpan.FromMilliseconds(3) }, new() { WorkLatency = TimeSpan.FromMilliseconds(2) });
        var (restarted, survivor) = dialler ? (pair.A, pair.B) : (pair.B, pair.A);
        Instant? at = null;
        Watch(pair, moment, () =>
        {
            at = pair.World.Now;
            restarted.Restart();
            if (dialler)
            {
                // What its application does when it comes up; the listener's waits to be called.
                pair.Dial();
            }
        });
        pair.Dial();
        pair.Traffic(seconds: 70, perSecondAToB: 20, perSecondBToA: 20);
        pair.Check(pair.World.RunUntil(() => at is not null, TimeSpan.FromSeconds(60)), $"{moment} never came");

        // A listener that forgets a handshake it has answered looks like the reference, which says nothing when it only listens: it gets 10 s.
        var silentAtFirst = !dialler && moment is Moment.FirstRespHello or Moment.FirstInitDone;
        var (there, back) = (pair.AToB.Delivered, pair.BToA.Delivered);
        var limit = TimeSpan.FromSeconds(silentAtFirst ? 12 : 5);
        var recovered = pair.World.RunUntil(() => pair.AToB.Delivered > there + 5 && pair.BToA.Delivered > back + 5, limit);
        pair.Check(recovered, $"not alive {limit.TotalSeconds} s after {moment}: {pair.AToB}; {pair.BToA}");
        Assert.True(Pair.IsOpen(survivor, restarted) && Pair.IsOpen(restarted, survivor));
    }

    //= spec/sessions.md#icmp-ignored
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void After_a_restart_of_the_listener_data_flow_again_within_five_seconds_without_icmp(ulong seed)
    {
        using var pair = Pair.Connected(seed);
        pair.Traffic(seconds: 30, perSecondAToB: 100, perSecondBToA: 100);
        pair.Run(10);
        pair.B.Kill();
        pair.Run(1);
        pair.B.Restart();
        var restarted = pair.World.Now;
        var last = pair.AToB.Sent;
        pair.Check(pair.World.RunUntil(() => pair.AToB.LastDelivered >= last, TimeSpan.FromSeconds(5)), $"{pair.AToB}");
        Assert.InRange((pair.World.Now - restarted).TotalSeconds, 0, 5);

        // From the recovery on nothing is lost.
        var (there, back) = (pair.AToB.Sent, pair.BToA.Sent);
        pair.Run(10);
        for (var i = there; i < pair.AToB.Sent - 10; i++)
        {
            pair.Check(pair.AToB.HasArrived(i), $"{i} was lost after the recovery");
        }

        pair.Check(pair.BToA.Sent > back && pair.BToA.LastDelivered > back, pair.BToA.ToString());
    }

    [Fact]
    public void A_side_that_only_listens_is_called_again_by_the_side_that_sends()
    {
        using var pair = Pair.Connected(1);
        pair.Traffic(seconds: 40, perSecondAToB: 0, perSecondBToA: 20);
        pair.Run(5);
        pair.A.Restart();
        var delivered = pair.BToA.Delivered;
        pair.Check(pair.World.RunUntil(() => pair.BToA.Delivered > delivered, TimeSpan.FromSeconds(5)), pair.BToA.ToString());
    }

    //= spec/sessions.md#dead-backoff
    [Fact]
    public void A_peer_that_stays_away_is_called_ever_more_rarely_and_the_channel_lives_on()
    {
        using var pair = Pair.Connected(1);
        var hellos = new List<Instant>();
        var seen = new HashSet<string>();
        pair.Run(1);
        pair.SendBToA();
        pair.Run(1);
        pair.World.Network.AddTap((in datagram) =>
        {
            if (Header.IsInitHello(datagram.Bytes) && seen.Add(Convert.ToHexString(datagram.Bytes)))
            {
                hellos.Add(datagram.At);
            }

            return TapVerdict.Pass;
        });
        pair.B.Kill();
        pair.Traffic(seconds: 200, perSecondAToB: 1, perSecondBToA: 0);
        pair.Run(200);

        // Four first messages to an attempt of 10 s, and pauses of 2, 4, 8, 16, 30, 30 s between attempts.
        Assert.InRange(hellos.Count, 4 * 7, 4 * 8);
        Assert.True(pair.AIsOpen);
        pair.B.Restart();
        var delivered = pair.AToB.Delivered;
        pair.SendAToB();
        pair.Check(pair.World.RunUntil(() => pair.AToB.Delivered > delivered, TimeSpan.FromSeconds(35)), pair.AToB.ToString());
    }

    //= spec/sessions.md#wrong-identity-end
    //= spec/sessions.md#identity-change
    [Fact]
    public void Another_identity_at_the_address_of_a_dead_peer_gets_nothing_and_ends_the_channel_with_its_last_session()
    {
        using var pair = Pair.Connected(1);
        pair.Traffic(seconds: 80, perSecondAToB: 20, perSecondBToA: 20);
        pair.Run(10);
        pair.B.Kill();
        using var impostor = new SimulatedHost(pair.World, pair.B.Address, "C");
        var delivered = 0;
        impostor.PayloadReceived = (_, _) => delivered++;

        pair.Check(pair.World.RunUntil(() => pair.A.EventsOf<PeerEvent.IdentityMismatch>().Any(), TimeSpan.FromSeconds(5)), "no mismatch");
        Assert.Equal(impostor.PeerId, pair.A.EventsOf<PeerEvent.IdentityMismatch>().First().Proven);
        Assert.Empty(pair.A.EventsOf<PeerEvent.Closed>());

        pair.Run(52);
        Assert.Equal(CloseReason.WrongIdentity, Assert.Single(pair.A.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.Empty(impostor.Peers);
        Assert.Equal(0, delivered);
    }

    [Fact]
    public void A_dial_to_an_address_where_another_identity_answers_ends_at_once()
    {
        using var pair = new Pair(1);
        pair.B.Kill();
        using var impostor = new SimulatedHost(pair.World, pair.B.Address, "C");
        pair.Dial();
        pair.Run(1);
        Assert.Equal(CloseReason.WrongIdentity, Assert.Single(pair.A.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.Empty(pair.A.Peers);
        Assert.Empty(impostor.Peers);
    }

    //= spec/sessions.md#idle-timeout
    [Fact]
    public void A_channel_without_a_live_session_ends_after_ten_minutes()
    {
        using var pair = Pair.Connected(1);
        pair.Run(60 + 599 - 1);
        Assert.Empty(pair.A.EventsOf<PeerEvent.Closed>());
        pair.Run(2);
        Assert.Equal(CloseReason.IdleTimeout, Assert.Single(pair.A.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.Equal(CloseReason.IdleTimeout, Assert.Single(pair.B.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.Empty(pair.A.Peers);
        Assert.Empty(pair.B.Peers);
    }

    private static void Watch(Pair pair, Moment moment, Action action)
    {
        var count = 0;
        var done = false;
        void Fire(TimeSpan delay)
        {
            done = true;
            pair.World.After(delay, action);
        }

        if (moment is Moment.Idle or Moment.Busy)
        {
            Fire(TimeSpan.FromSeconds(moment == Moment.Idle ? 0.4 : 10));
            return;
        }

        pair.World.Network.AddTap((in datagram) =>
        {
            var rekey = moment >= Moment.RekeyInitHello;
            if (!done && Matches(pair, moment, datagram) && (!rekey || (datagram.At - VirtualClock.Beginning).TotalSeconds > 20) && ++count == 1)
            {
                Fire(TimeSpan.Zero);
            }

            return TapVerdict.Pass;
        });
    }

    private static bool Matches(Pair pair, Moment moment, in TappedDatagram datagram) => moment switch
    {
        Moment.FirstInitHello or Moment.RekeyInitHello => Header.IsInitHello(datagram.Bytes),
        Moment.FirstRespHello or Moment.RekeyRespHello => Header.IsRespHello(datagram.Bytes),
        Moment.FirstInitDone or Moment.RekeyInitDone => Header.IsInitDone(datagram.Bytes),
        Moment.FirstConfirmation or Moment.RekeyConfirmation
            => datagram.From == pair.B.Address && Header.IsData(datagram.Bytes) && Header.Counter(datagram.Bytes) == Header.FirstData,
        Moment.FirstDataOfA => datagram.From == pair.A.Address && Header.IsData(datagram.Bytes) && datagram.Bytes.Length > 20,
        _ => datagram.From == pair.B.Address && Header.IsData(datagram.Bytes) && datagram.Bytes.Length > 20,
    };
}
