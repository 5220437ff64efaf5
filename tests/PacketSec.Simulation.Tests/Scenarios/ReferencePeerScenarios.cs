using PacketSec.Protocol;
using PacketSec.Protocol.Schemes;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Tests.Scenarios;

/// <summary>The five rules of direct mode: the reference stays alive and loses nothing, in both roles.</summary>
public sealed class ReferencePeerScenarios
{
    private static readonly LinkConditions InOrder = Pair.Wan with { Jitter = TimeSpan.FromMilliseconds(20), KeepOrder = true };

    public static TheoryData<string, bool, ulong> ConditionsAndRoles
    {
        get
        {
            var data = new TheoryData<string, bool, ulong>();
            foreach (var conditions in new[] { "at once", "lan", "wan", "slow", "jitter" })
            {
                for (ulong seed = 1; seed <= 2; seed++)
                {
                    data.Add(conditions, true, seed);
                    data.Add(conditions, false, seed);
                }
            }

            return data;
        }
    }

    //= spec/p2pke.md#direct-prefer-own
    //= spec/p2pke.md#direct-hold
    //= spec/p2pke.md#direct-rekey
    [Theory]
    [MemberData(nameof(ConditionsAndRoles))]
    public void Five_minutes_of_traffic_both_ways_kill_nothing_and_lose_nothing(string conditions, bool weDial, ulong seed)
    {
        using var pair = new ReferencePair(seed, Named(conditions));
        Open(pair, weDial);
        pair.Traffic(seconds: 300, perSecondToReference: 50, perSecondFromReference: 50);
        pair.Run(303);
        pair.CheckAliveAndNothingLost();
        pair.Check(pair.ToReference.Delivered >= 14_900 && pair.FromReference.Delivered >= 14_000, $"{pair.ToReference}; {pair.FromReference}");
        pair.Check(Sessions(pair, SessionRole.Initiator) is >= 7 and <= 9, $"{Sessions(pair, SessionRole.Initiator)} own sessions");
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    [InlineData(true, 3)]
    [InlineData(false, 1)]
    [InlineData(false, 2)]
    [InlineData(false, 3)]
    public void A_reference_that_only_listens_is_served_for_five_minutes(bool weDial, ulong seed)
    {
        using var pair = new ReferencePair(seed, InOrder);
        Open(pair, weDial);
        pair.Traffic(seconds: 300, perSecondToReference: 50, perSecondFromReference: 0);
        pair.Run(303);
        pair.CheckAliveAndNothingLost();
        Assert.True(pair.ToReference.Delivered >= 14_900, pair.ToReference.ToString());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_reference_that_only_sends_is_heard_for_five_minutes_once_we_have_called_it(ulong seed)
    {
        using var pair = new ReferencePair(seed, InOrder);
        pair.WeDial();
        pair.Run(1);
        pair.SendToReference();
        pair.Traffic(seconds: 300, perSecondToReference: 0, perSecondFromReference: 50);
        pair.Run(303);
        pair.CheckAliveAndNothingLost();
        Assert.True(pair.FromReference.Delivered >= 14_900, pair.FromReference.ToString());
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    [InlineData(true, 3)]
    [InlineData(true, 4)]
    [InlineData(false, 1)]
    [InlineData(false, 2)]
    [InlineData(false, 3)]
    [InlineData(false, 4)]
    public void Over_a_lossy_and_reordering_path_the_reference_lives_as_long_as_its_stack_lasts(bool weDial, ulong seed)
    {
        using var pair = new ReferencePair(seed, Pair.Wan with { Loss = 0.05, Jitter = TimeSpan.FromMilliseconds(10) });
        pair.Reference.StackLasts = TimeSpan.FromMilliseconds(700);
        Open(pair, weDial);
        pair.Traffic(seconds: 300, perSecondToReference: 20, perSecondFromReference: 20);
        pair.Run(303);
        pair.Check(pair.Reference.Death is null, $"the reference died: {pair.Reference.Death}");
        pair.Check(pair.ToReference.Delivered > pair.ToReference.Sent * 0.85, pair.ToReference.ToString());
    }

    //= spec/p2pke.md#init-hello-fresh
    //= spec/p2pke.md#init-hello-latest
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void A_lost_answer_of_the_reference_is_recovered_by_a_fresh_InitHello_not_sooner_than_a_second_later(ulong seed)
    {
        using var pair = new ReferencePair(seed);
        var hellos = new List<RecordedDatagram>();
        var answers = 0;
        pair.World.Network.AddTap((in datagram) =>
        {
            var bytes = datagram.Bytes.ToArray();
            if (Header.IsInitHello(bytes) && !hellos.Exists(hello => hello.Bytes.AsSpan().SequenceEqual(bytes)))
            {
                hellos.Add(new(datagram.At, datagram.From, datagram.To, bytes));
            }

            return Header.IsRespHello(bytes) && answers++ == 0 ? TapVerdict.Drop : TapVerdict.Pass;
        });
        pair.WeDial();
        pair.SendToReference();
        pair.Run(5);
        pair.CheckAliveAndNothingLost();
        Assert.True(pair.IsOpen);
        Assert.Equal(2, hellos.Count);
        Assert.InRange((hellos[1].At - hellos[0].At).TotalSeconds, 1, 1.2);
    }

    //= spec/p2pke.md#direct-first-send
    [Fact]
    public void Our_first_datagram_to_a_reference_that_called_us_waits_for_a_handshake_of_our_own()
    {
        using var pair = new ReferencePair(1);
        Open(pair, weDial: false);
        pair.Run(50);
        Assert.Equal(0, Sessions(pair, SessionRole.Initiator));

        // The reference's session is as old as its channel: what goes out on it now would die with it on the way.
        Assert.Equal(SealResult.Queued, pair.SendToReference());
        pair.Run(2);
        Assert.Equal(1, Sessions(pair, SessionRole.Initiator));
        pair.CheckAliveAndNothingLost();
        Assert.Equal(1, pair.ToReference.Delivered);
    }

    //= spec/p2pke.md#direct-close
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Closing_sends_nothing_on_a_session_that_the_reference_may_not_have(bool afterItSpoke)
    {
        using var pair = new ReferencePair(1);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.WeDial();
        pair.Run(1);
        pair.SendToReference();
        pair.Run(1);
        if (afterItSpoke)
        {
            pair.SendFromReference();
            pair.Run(1);
        }

        pair.Ours.Close(pair.ReferenceId);
        pair.Run(5);
        Assert.Equal(afterItSpoke, record.Datagrams.Any(datagram => Header.IsClosing(datagram.Bytes)));
        pair.CheckAliveAndNothingLost();
    }

    [Fact]
    public void Closing_in_the_middle_of_a_handshake_does_not_kill_the_reference()
    {
        for (var milliseconds = 0; milliseconds < 300; milliseconds += 10)
        {
            using var pair = new ReferencePair(1);
            pair.WeDial();
            pair.SendToReference();
            pair.World.RunFor(TimeSpan.FromMilliseconds(milliseconds));
            pair.Ours.CancelConnect(pair.ReferenceId);
            pair.Ours.Close(pair.ReferenceId);
            pair.Run(3);
            pair.Check(pair.Reference.Death is null, $"{milliseconds} ms: {pair.Reference.Death}");
        }
    }

    //= spec/sessions.md#dead-session
    [Fact]
    public void A_reference_that_restarts_is_called_again_after_ten_seconds()
    {
        using var pair = new ReferencePair(1);
        pair.Reference.StackLasts = TimeSpan.FromSeconds(3600);
        pair.WeDial();
        pair.Run(1);
        pair.SendFromReference();
        pair.Run(1);
        pair.Traffic(seconds: 30, perSecondToReference: 10, perSecondFromReference: 0);
        pair.Run(5);
        pair.Reference.ForgetChannels();
        var delivered = pair.ToReference.LastDelivered;
        pair.Check(pair.World.RunUntil(() => pair.ToReference.LastDelivered > delivered + 10, TimeSpan.FromSeconds(12)), pair.ToReference.ToString());
    }

    private static void Open(ReferencePair pair, bool weDial)
    {
        if (weDial)
        {
            pair.WeDial();
        }
        else
        {
            pair.ReferenceDials();
            pair.SendFromReference();
        }

        pair.Check(pair.World.RunUntil(() => pair.IsOpen, TimeSpan.FromSeconds(15)), "no channel");
    }

    private static LinkConditions Named(string conditions) => conditions switch
    {
        "at once" => LinkConditions.Perfect,
        "lan" => Pair.Lan,
        "wan" => Pair.Wan,
        "slow" => new() { Latency = TimeSpan.FromMilliseconds(300) },
        _ => InOrder,
    };

    private static int Sessions(ReferencePair pair, SessionRole role) => pair.Ours.EventsOf<PeerEvent.SessionConfirmed>().Count(confirmed => confirmed.Role == role);
}
