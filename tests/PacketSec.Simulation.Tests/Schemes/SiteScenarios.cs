using PacketSec.Protocol;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Tests.Scenarios;

namespace PacketSec.Simulation.Tests.Schemes;

/// <summary><c>mychips-1</c> between sites that know each other: idle channels, and two dials at once.</summary>
public sealed class SiteScenarios
{
    private static readonly HostOptions Site = new()
    {
        IsKnownSite = true,
        Application = _ => Verdict.Allow,
        DirectScheme = MyChipsScheme.SchemeName,
    };

    // Keys of either order.
    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 8).Select(seed => (ulong)seed)];

    //= spec/mychips.md#idle-responder
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_responder_closes_a_channel_60_s_after_its_last_datagram(bool fromInitiator)
    {
        using var pair = Pair.Connected(1, a: Site, b: Site);
        pair.Traffic(20, 1, 1);
        pair.Run(21);
        _ = fromInitiator ? pair.SendAToB() : pair.SendBToA();
        pair.Run(59.9);
        Assert.True(pair.AIsOpen && pair.BIsOpen);
        pair.Run(1);

        Assert.Equal(CloseReason.IdleTimeout, Assert.Single(pair.B.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.Equal(CloseReason.PeerClosed, Assert.Single(pair.A.EventsOf<PeerEvent.Closed>()).Reason);
    }

    //= spec/mychips.md#idle-responder
    [Fact]
    public void The_time_is_an_option_and_a_keepalive_does_not_count()
    {
        var busy = Site with { SiteIdleTimeout = TimeSpan.FromSeconds(30), Keepalive = TimeSpan.FromSeconds(15) };
        using var pair = Pair.Connected(1, a: busy, b: busy);
        pair.Run(28.8);
        Assert.True(pair.AIsOpen && pair.BIsOpen);
        pair.Run(1);
        Assert.Equal(CloseReason.IdleTimeout, Assert.Single(pair.B.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.Equal(CloseReason.PeerClosed, Assert.Single(pair.A.EventsOf<PeerEvent.Closed>()).Reason);
    }

    //= spec/mychips.md#idle-initiator
    [Fact]
    public void The_initiator_never_ends_a_channel_for_idleness()
    {
        var quick = Site with { SiteIdleTimeout = TimeSpan.FromSeconds(5), IdleTimeout = TimeSpan.FromSeconds(5) };
        using var pair = Pair.Connected(1, a: quick, b: Site with { SiteIdleTimeout = null, IdleTimeout = null });
        pair.Run(1_000);
        Assert.Empty(pair.A.EventsOf<PeerEvent.Closed>());
        Assert.Empty(pair.B.EventsOf<PeerEvent.Closed>());
        pair.CheckAlive();
    }

    //= spec/mychips.md#idle-responder
    [Fact]
    public void Without_a_time_of_its_own_the_responder_ends_a_channel_that_has_no_session()
    {
        using var pair = Pair.Connected(1, a: Site, b: Site with { SiteIdleTimeout = null, IdleTimeout = TimeSpan.FromSeconds(20) });
        pair.Run(78);
        Assert.True(pair.BIsOpen);
        pair.Run(2);
        Assert.Equal(CloseReason.IdleTimeout, Assert.Single(pair.B.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.True(pair.AIsOpen);
    }

    //= spec/mychips.md#idle-initiator
    [Fact]
    public void A_channel_that_carried_nothing_and_was_closed_is_begun_anew_by_the_next_datagram()
    {
        using var pair = Pair.Connected(1, a: Site, b: Site);
        pair.Run(65);
        Assert.Equal(CloseReason.IdleTimeout, Assert.Single(pair.B.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.True(pair.AIsOpen);
        Assert.Equal(SealResult.Queued, pair.SendAToB());
        pair.Run(1);
        pair.CheckNothingLost();
        pair.CheckAlive();
    }

    //= spec/mychips.md#both-kept
    //= spec/mychips.md#at-once
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Of_two_dials_at_once_both_open_and_the_one_of_the_lower_key_is_sent_on(ulong seed)
    {
        using var pair = DialledAtOnce(seed);
        foreach (var host in new[] { pair.A, pair.B })
        {
            var sessions = host.EventsOf<PeerEvent.SessionConfirmed>().ToList();
            Assert.Equal([SessionRole.Initiator, SessionRole.Responder], sessions.Select(session => session.Role).Order());
        }

        Assert.Empty(pair.A.EventsOf<PeerEvent.SessionEnded>());
        for (var i = 0; i < 20; i++)
        {
            pair.CheckAlive();
            Assert.Equal(RoleOf(pair.A, pair.B), LastUsed(pair.A, pair.B));
            Assert.Equal(RoleOf(pair.B, pair.A), LastUsed(pair.B, pair.A));
        }
    }

    //= spec/mychips.md#both-kept
    //= spec/mychips.md#at-once
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Two_dials_at_once_lose_nothing_and_are_renewed_once(ulong seed)
    {
        using var pair = new Pair(seed, Pair.Wan, Site, Site);
        DialBoth(pair);
        pair.Traffic(100, 20, 20);
        pair.Run(101);
        pair.CheckNothingLost();
        Assert.Equal(4, pair.A.EventsOf<PeerEvent.SessionConfirmed>().Count());
        Assert.Equal(4, pair.B.EventsOf<PeerEvent.SessionConfirmed>().Count());
    }

    //= spec/mychips.md#at-once
    //= spec/mychips.md#idle-responder
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Of_two_at_once_the_responder_of_the_one_that_is_sent_on_closes(ulong seed)
    {
        using var pair = DialledAtOnce(seed);
        pair.Traffic(10, 1, 1);
        pair.Run(72);
        var (lower, higher) = IsLower(pair.A, pair.B) ? (pair.A, pair.B) : (pair.B, pair.A);
        Assert.Equal(CloseReason.PeerClosed, Assert.Single(lower.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.Equal(CloseReason.IdleTimeout, Assert.Single(higher.EventsOf<PeerEvent.Closed>()).Reason);
    }

    //= spec/mychips.md#at-once
    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_dial_after_another_is_sent_on_whosever_key_is_lower(ulong seed)
    {
        using var pair = Pair.Connected(seed, a: Site, b: Site);
        pair.CheckAlive();
        pair.Run(12);
        pair.B.Connect(pair.A.PeerId, pair.World.Network.PublicAddressOf(pair.A.Address));
        pair.Run(1);
        pair.CheckAlive();
        Assert.Equal(SessionRole.Responder, LastUsed(pair.A, pair.B));
        Assert.Equal(SessionRole.Initiator, LastUsed(pair.B, pair.A));
    }

    private static Pair DialledAtOnce(ulong seed)
    {
        var pair = new Pair(seed, Pair.Wan, Site, Site);
        DialBoth(pair);
        pair.Run(1);
        return pair;
    }

    private static void DialBoth(Pair pair)
    {
        pair.Dial();
        pair.B.Connect(pair.A.PeerId, pair.World.Network.PublicAddressOf(pair.A.Address));
    }

    private static bool IsLower(SimulatedHost host, SimulatedHost other)
    {
        byte[] theirs = [];
        Assert.True(MyChipsContext.TryMap(host.PublicKey, out var own) && MyChipsContext.TryMap(other.PublicKey, out theirs));
        return own.AsSpan().SequenceCompareTo(theirs) < 0;
    }

    private static SessionRole RoleOf(SimulatedHost host, SimulatedHost other) => IsLower(host, other) ? SessionRole.Initiator : SessionRole.Responder;

    /// <summary>The own role in the session that the last datagram came on.</summary>
    private static SessionRole LastUsed(SimulatedHost host, SimulatedHost other)
        => host.EventsOf<PeerEvent.SessionConfirmed>().Single(session => session.Number == host.OpenedOn(other.PeerId)).Role;
}
