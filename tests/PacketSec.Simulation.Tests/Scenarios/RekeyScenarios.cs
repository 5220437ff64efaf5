using PacketSec.Protocol;
using PacketSec.Protocol.Sessions;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Tests.Scenarios;

//= spec/sessions.md#rekey-lossless
public sealed class RekeyScenarios
{
    private static readonly LinkConditions Jittery = Pair.Wan with { Jitter = TimeSpan.FromMilliseconds(15) };

    [Fact]
    public void An_hour_at_a_thousand_datagrams_a_second_loses_none_to_a_rekey()
    {
        using var pair = Pair.Connected(1, Pair.Lan);
        pair.Traffic(seconds: 3600, perSecondAToB: 1000, perSecondBToA: 0);
        pair.Run(3605);
        pair.CheckNothingLost();
        pair.CheckNoDropsBut();
        Assert.InRange(pair.AToB.Delivered, 3_600_000, 3_600_001);

        // One session each 42 to 45 s: neither too many nor a single one that lived for an hour.
        Assert.InRange(Confirmed(pair.A), 3600 / 45, 3600 / 42 + 2);
        Assert.Equal(Confirmed(pair.A), Confirmed(pair.B));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Rekeys_under_traffic_both_ways_lose_nothing_when_datagrams_are_reordered(ulong seed)
    {
        using var pair = Pair.Connected(seed, Jittery, new() { WorkLatency = TimeSpan.FromMilliseconds(5) }, new() { WorkLatency = TimeSpan.FromMilliseconds(5) });
        pair.Traffic(seconds: 600, perSecondAToB: 100, perSecondBToA: 100);
        pair.Run(605);
        pair.CheckNothingLost();

        // A copy of InitDone that crosses the confirmation draws it again.
        pair.CheckNoDropsBut(DropReason.Replayed);
        Assert.InRange(Confirmed(pair.A), 600 / 45, 600 / 42 + 2);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(6, 3)]
    [InlineData(10, 4)]
    public void Rekeys_of_shortened_sessions_lose_nothing(int lifetimeSeconds, ulong seed)
    {
        var options = new HostOptions { Lifetimes = SessionLifetimes.Shortened(TimeSpan.FromSeconds(lifetimeSeconds)) };
        using var pair = Pair.Connected(seed, Pair.Lan with { Jitter = TimeSpan.FromMilliseconds(2) }, options, options);
        pair.Traffic(seconds: 120, perSecondAToB: 200, perSecondBToA: 200);
        pair.Run(121);
        pair.CheckNothingLost();
        pair.CheckNoDropsBut();
        Assert.True(Confirmed(pair.A) >= 120 / lifetimeSeconds, $"{Confirmed(pair.A)} sessions");
    }

    [Fact]
    public void Timers_that_fire_in_steps_of_64_ms_do_not_make_a_rekey_late()
    {
        var coarse = new HostOptions { TimerStep = TimeSpan.FromMilliseconds(64) };
        using var pair = Pair.Connected(1, Jittery, coarse, coarse);
        pair.Traffic(seconds: 200, perSecondAToB: 50, perSecondBToA: 50);
        pair.Run(201);
        pair.CheckNothingLost();
        pair.CheckNoDropsBut();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Data_in_one_direction_only_are_enough_for_a_rekey(bool fromDialler)
    {
        using var pair = Pair.Connected(1);
        pair.Traffic(seconds: 150, perSecondAToB: fromDialler ? 10 : 0, perSecondBToA: fromDialler ? 0 : 10);
        pair.Run(151);
        pair.CheckNothingLost();
        pair.CheckNoDropsBut();
        Assert.InRange(Confirmed(pair.A), 3, 6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_rekey_over_a_lossy_path_loses_no_more_than_the_path_does(ulong seed)
    {
        using var pair = Pair.Connected(seed, Pair.Wan with { Loss = 0.2, Jitter = TimeSpan.FromMilliseconds(5) });
        pair.Traffic(seconds: 300, perSecondAToB: 50, perSecondBToA: 50);
        pair.Run(305);

        // 20 % of 15,000 with five standard deviations.
        pair.Check(pair.AToB.Lost <= 3250 && pair.BToA.Lost <= 3250, $"{pair.AToB}; {pair.BToA}");
    }

    //= spec/sessions.md#rekey-start
    [Fact]
    public void The_initiator_renews_a_session_between_42_and_45_s_of_its_age()
    {
        using var pair = new Pair(3);
        var hellos = InitHellos(pair);
        pair.Dial();
        pair.Run(1);
        pair.Traffic(seconds: 60, perSecondAToB: 10, perSecondBToA: 10);
        pair.Run(61);
        Assert.Equal(2, hellos.Count);
        Assert.Equal(pair.A.Address, hellos[1].From);
        Assert.InRange((hellos[1].At - hellos[0].At).TotalSeconds, 42, 45);
    }

    //= spec/sessions.md#rekey-other
    [Fact]
    public void The_responder_steps_in_at_52_s_when_the_initiator_does_not_renew()
    {
        using var pair = new Pair(3);
        var hellos = InitHellos(pair);
        pair.Dial();
        pair.Run(1);
        pair.World.Network.AddTap((in datagram) =>
            Header.IsInitHello(datagram.Bytes) && datagram.From == pair.A.Address ? TapVerdict.Drop : TapVerdict.Pass);
        pair.Traffic(seconds: 70, perSecondAToB: 100, perSecondBToA: 100);
        pair.Run(72);
        var stepIn = Assert.Single(hellos, hello => hello.From == pair.B.Address);
        Assert.InRange((stepIn.At - hellos[0].At).TotalSeconds, 52, 52.1);
        pair.CheckNothingLost();
        pair.CheckNoDropsBut();
    }

    [Fact]
    public void When_no_handshake_gets_through_data_wait_from_55_s_on_and_flow_again_afterwards()
    {
        using var pair = Pair.Connected(3);
        var blocked = true;
        pair.World.Network.AddTap((in datagram) => blocked && Header.IsInitHello(datagram.Bytes) ? TapVerdict.Drop : TapVerdict.Pass);
        pair.Traffic(seconds: 62, perSecondAToB: 10, perSecondBToA: 10);

        // The channel was settled for a second when the traffic began.
        pair.Run(58);
        var delivered = pair.AToB.Delivered;
        Assert.InRange(delivered, 530, 541);
        Assert.Equal(SealResult.Queued, pair.SendAToB());
        pair.Run(4);
        Assert.Equal(delivered, pair.AToB.Delivered);

        blocked = false;
        pair.Check(pair.World.RunUntil(() => pair.AToB.Lost == 0 && pair.BToA.Lost == 0, TimeSpan.FromSeconds(40)), $"{pair.AToB}; {pair.BToA}");
    }

    //= spec/sessions.md#idle-silent
    [Fact]
    public void A_session_that_carried_no_data_ends_without_a_word_and_the_next_datagram_starts_another()
    {
        using var pair = Pair.Connected(1);
        var hellos = InitHellos(pair);
        pair.Run(200);
        Assert.Empty(hellos);
        pair.CheckAlive();
        Assert.NotEmpty(hellos);
        Assert.True(pair.AIsOpen && pair.BIsOpen);
    }

    //= spec/sessions.md#lifetime-receive
    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public void A_datagram_is_taken_until_its_session_is_exactly_60_s_old(long nanosecondsLate, bool taken)
    {
        using var pair = new Pair(1, LinkConditions.Perfect);
        var begun = pair.World.Now;
        pair.Dial();
        pair.Run(1);
        byte[]? held = null;
        pair.World.Network.AddTap((in datagram) =>
        {
            if (Header.IsInitHello(datagram.Bytes))
            {
                // Nothing renews the session.
                return TapVerdict.Drop;
            }

            if (held is not null || !Header.IsData(datagram.Bytes) || datagram.Bytes.Length == 20)
            {
                return TapVerdict.Pass;
            }

            held = datagram.Bytes.ToArray();
            return TapVerdict.Drop;
        });
        pair.SendAToB();
        var at = new Instant((begun + TimeSpan.FromSeconds(60)).Nanoseconds + nanosecondsLate);
        pair.World.At(at, () => pair.World.Network.Inject(pair.A.Address, pair.B.Address, held));
        pair.Run(70);
        Assert.Equal(taken ? 1 : 0, pair.AToB.Delivered);
    }

    private static int Confirmed(SimulatedHost host) => host.EventsOf<PeerEvent.SessionConfirmed>().Count();

    /// <summary>Collects the InitHellos that are sent from now on, without resent copies.</summary>
    private static List<RecordedDatagram> InitHellos(Pair pair)
    {
        var hellos = new List<RecordedDatagram>();
        pair.World.Network.AddTap((in datagram) =>
        {
            var bytes = datagram.Bytes.ToArray();
            if (Header.IsInitHello(bytes) && !hellos.Exists(hello => hello.Bytes.AsSpan().SequenceEqual(bytes)))
            {
                hellos.Add(new(datagram.At, datagram.From, datagram.To, bytes));
            }

            return TapVerdict.Pass;
        });
        return hellos;
    }
}
