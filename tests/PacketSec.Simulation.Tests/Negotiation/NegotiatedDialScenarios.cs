using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Wire;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Tests.Scenarios;

namespace PacketSec.Simulation.Tests.Negotiation;

public sealed class NegotiatedDialScenarios
{
    //= spec/psec.md#reject-sent
    //= spec/psec.md#reject-schedule
    //= spec/psec.md#no-downgrade
    [Fact]
    public void A_listener_without_a_common_scheme_rejects_and_the_dial_says_so_after_three_seconds()
    {
        using var pair = new PsecPair(1, Pair.Wan, PsecPair.Options(PsecPair.Proposal("p2pke-1")), PsecPair.Options(null, PsecPair.Hiding));
        // B hides, so nothing is said; another listener that does not hide says it.
        pair.DialFromA();
        pair.Pair.Run(11);
        Assert.Equal([CloseReason.TimedOut], pair.A.EventsOf<PeerEvent.Closed>().Select(closed => closed.Reason));
        Assert.DoesNotContain(pair.Tap.Datagrams, datagram => datagram.From == pair.B.Address);

        using var open = new PsecPair(1, Pair.Wan, PsecPair.Options(PsecPair.Proposal(PsecPair.Hiding), PsecPair.Hiding));
        open.DialFromA();
        open.Pair.Run(3);
        Assert.Empty(open.A.EventsOf<PeerEvent.Closed>());
        open.Pair.Run(1);
        Assert.Equal([CloseReason.NoCommonScheme], open.A.EventsOf<PeerEvent.Closed>().Select(closed => closed.Reason));
        Assert.All(open.Tap.Datagrams.Where(datagram => datagram.From == open.B.Address), reject => Assert.Equal([0xFF], reject.Bytes));
        Assert.True(open.B.Drops(DropReason.NoCommonScheme) >= 3);

        // Nothing was tried with another list, and nothing more is sent.
        var proposals = open.Tap.Datagrams.Where(datagram => datagram.From == open.A.Address).ToList();
        Assert.All(proposals, proposal => Assert.Equal(proposals[0].Bytes, proposal.Bytes));
        open.Pair.Run(10);
        Assert.Equal(proposals.Count, open.Tap.Datagrams.Count(datagram => datagram.From == open.A.Address));
    }

    //= spec/psec.md#reject-hidden
    //= spec/psec.md#hidden-id
    [Fact]
    public void A_hidden_dial_shows_no_identity_ignores_a_reject_and_is_new_each_time()
    {
        var hidden = PsecPair.Options(PsecPair.Proposal(PsecPair.Hiding) with { HidePeerId = true }, PsecPair.Hiding);
        using var pair = new PsecPair(2, Pair.Wan, hidden, PsecPair.Options(null, PsecPair.Hiding));
        pair.DialFromA();
        pair.RunUntilOpen();
        pair.CheckOneSession();
        pair.Pair.CheckAlive();
        var first = Proposal(pair.Tap, pair.A.Address);
        Assert.Equal([0x12, 32], first.Id[..2]);

        using var rejected = new PsecPair(2, Pair.Wan, hidden);
        rejected.DialFromA();
        rejected.Pair.Run(9.9);
        Assert.Contains(rejected.Tap.Datagrams, datagram => datagram.Bytes is [0xFF]);
        Assert.Empty(rejected.A.EventsOf<PeerEvent.Closed>());
        rejected.Pair.Run(0.2);
        Assert.Equal([CloseReason.TimedOut], rejected.A.EventsOf<PeerEvent.Closed>().Select(closed => closed.Reason));
        rejected.DialFromA();
        rejected.Pair.Run(1);
        var ids = rejected.Tap.Datagrams.Where(datagram => datagram.From == rejected.A.Address).Select(datagram => Convert.ToHexString(datagram.Bytes[2..36]));
        Assert.Equal(2, ids.Distinct().Count());
    }

    //= spec/psec.md#leader
    [Fact]
    public void Hidden_dials_at_once_elect_by_their_hidden_identities()
    {
        var hidden = PsecPair.Options(PsecPair.Proposal(PsecPair.Hiding) with { HidePeerId = true }, PsecPair.Hiding);
        for (ulong seed = 1; seed <= 6; seed++)
        {
            using var pair = new PsecPair(seed, Pair.Wan, hidden, hidden);
            pair.DialFromA();
            pair.DialFromB();
            pair.RunUntilOpen();
            pair.Pair.Run(12);
            var (a, _) = pair.CheckOneSession();
            var leads = LeaderElection.Compare(Proposal(pair.Tap, pair.A.Address).Id, Proposal(pair.Tap, pair.B.Address).Id) < 0;
            Assert.Equal(leads ? SessionRole.Initiator : SessionRole.Responder, a.Role);
        }
    }

    //= spec/psec.md#list-hiding
    //= spec/psec.md#list-mixed
    //= spec/psec.md#embed-hidden
    [Fact]
    public void Hiding_and_showing_are_mixed_by_name_only()
    {
        using var pair = new PsecPair(1, Pair.Wan, PsecPair.Options(PsecPair.Proposal("p2pke-1") with { HidePeerId = true }));
        Assert.Contains("'p2pke-1' does not", Assert.Throws<ArgumentException>(pair.DialFromA).Message, StringComparison.Ordinal);
        Assert.Empty(pair.Tap.Datagrams);

        using var mixed = new PsecPair(1, Pair.Wan, PsecPair.Options(PsecPair.Proposal(PsecPair.Hiding, "p2pke-1")));
        Assert.Contains("allow the mixture", Assert.Throws<ArgumentException>(mixed.DialFromA).Message, StringComparison.Ordinal);

        using var allowed = new PsecPair(1, Pair.Wan, PsecPair.Options(PsecPair.Proposal(PsecPair.Hiding, "p2pke-1") with { AllowMixture = true }));
        allowed.DialFromA();
        allowed.RunUntilOpen();
        Assert.Equal("p2pke-1", allowed.CheckOneSession().A.Agreement!.Scheme);

        var served = Assert.Throws<ArgumentException>(() => new PsecPair(1, null, PsecPair.Options(null, "p2pke-1", PsecPair.Hiding)));
        Assert.Contains("hide identities beside others", served.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new PsecPair(1, null, PsecPair.Options(null, PsecPair.Hiding) with { DirectScheme = "p2pke-1" }));
    }

    //= spec/psec.md#join
    [Fact]
    public void A_dial_joins_what_the_peer_has_begun_and_proposes_when_nothing_comes_of_it()
    {
        using var pair = new PsecPair(5, Pair.Wan);
        pair.DialFromA();
        pair.World.After(TimeSpan.FromMilliseconds(40), pair.DialFromB);
        pair.RunUntilOpen(1);
        pair.Pair.Run(12);
        Assert.Equal(NegotiationCase.Standard, pair.CheckOneSession().A.Agreement!.Case);
        Assert.DoesNotContain(pair.Tap.Datagrams, datagram => datagram.From == pair.B.Address && datagram.Bytes is [0, >= 2, ..]);

        // What A sends after its proposal is lost: B's dial makes no progress.
        using var stuck = new PsecPair(5, Pair.Wan, PsecPair.Options(PsecPair.Proposal() with { EmbedFirstPacket = false }));
        stuck.DialFromA();
        stuck.Pair.Run(0.04);
        stuck.DialFromB();
        stuck.World.Network.AddTap((in TappedDatagram datagram) => datagram.From == stuck.A.Address && datagram.Bytes is [0, 0, 0, 0, ..] ? TapVerdict.Drop : TapVerdict.Pass);
        stuck.Pair.Run(0.49);
        Assert.DoesNotContain(stuck.Tap.Datagrams, datagram => datagram.From == stuck.B.Address && datagram.Bytes is [0, >= 2, ..]);
        stuck.Pair.Run(0.02);
        Assert.Contains(stuck.Tap.Datagrams, datagram => datagram.From == stuck.B.Address && datagram.Bytes is [0, >= 2, ..]);
    }

    //= spec/psec.md#cancel
    [Fact]
    public void A_cancelled_dial_leaves_no_trace_and_says_goodbye_where_its_finish_was_sent()
    {
        for (var at = 5; at <= 115; at += 10)
        {
            using var pair = new PsecPair(6, Pair.Wan);
            pair.DialFromA();
            pair.Pair.Run(at / 1000.0);
            var finished = pair.Tap.Datagrams.Any(datagram => datagram.Bytes is [0, 0, 0, 2, ..]);
            var opened = pair.Pair.AIsOpen;
            pair.A.CancelConnect(pair.B.PeerId);
            if (opened)
            {
                pair.A.Close(pair.B.PeerId);
            }

            pair.Pair.Run(1);
            var sent = pair.Tap.Datagrams.Count(datagram => datagram.From == pair.A.Address);
            Assert.Equal(finished, pair.Tap.Datagrams.Any(datagram => datagram.From == pair.A.Address && datagram.Word == 0x7FFFFFFF));
            pair.Pair.Run(12);
            Assert.Equal(sent, pair.Tap.Datagrams.Count(datagram => datagram.From == pair.A.Address));
            Assert.False(pair.Pair.BIsOpen);
            Assert.Equal(0, pair.B.Endpoint.ProposalsServed);
            Assert.Equal(0, pair.B.Endpoint.HalfOpen);
            Assert.Null(pair.A.NextDeadline);
        }
    }

    //= spec/psec.md#cancel
    [Fact]
    public void A_cancelled_redial_of_an_open_channel_withdraws_its_proposal_and_leaves_the_channel()
    {
        using var pair = new PsecPair(6, Pair.Wan);
        pair.DialFromA();
        pair.RunUntilOpen();
        pair.Pair.Run(1);
        pair.World.Network.AddTap((in TappedDatagram datagram) => datagram.Bytes is [0, >= 2, ..] ? TapVerdict.Drop : TapVerdict.Pass);
        pair.DialFromA();
        pair.Pair.Run(1);
        pair.A.CancelConnect(pair.B.PeerId);
        pair.Pair.Run(0.1);
        var sent = pair.Tap.Datagrams.Count;
        pair.Pair.Run(10);
        Assert.Equal(sent, pair.Tap.Datagrams.Count);
        pair.Pair.CheckAlive();
        pair.CheckOneSession();
    }

    //= spec/psec.md#renegotiate
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_peer_that_restarts_negotiates_beside_the_old_session_and_the_channel_goes_on(ulong seed)
    {
        using var pair = new PsecPair(seed, Pair.Wan);
        pair.DialFromA();
        pair.RunUntilOpen();
        pair.Pair.Run(1);
        pair.A.Restart();
        pair.DialFromA();
        Assert.True(pair.World.RunUntil(() => PsecPair.Sessions(pair.B).Count == 2, TimeSpan.FromSeconds(1)));
        Assert.Empty(pair.B.EventsOf<PeerEvent.Closed>());
        Assert.NotEqual(PsecPair.Sessions(pair.B)[0].Agreement, PsecPair.Sessions(pair.B)[1].Agreement);
        pair.Pair.CheckAlive();
    }

    //= spec/psec.md#start-over
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_listener_that_lost_its_memory_is_found_again_by_a_proposal(bool idle)
    {
        using var pair = new PsecPair(4, Pair.Wan);
        pair.DialFromA();
        pair.RunUntilOpen();
        pair.Pair.Run(1);
        pair.B.Restart();
        if (idle)
        {
            // After the last session's end the next datagram starts over.
            pair.Pair.Run(61);
        }

        var before = pair.Tap.Datagrams.Count;
        pair.Pair.Traffic(seconds: 6, perSecondAToB: 20, perSecondBToA: 0);
        pair.Pair.Run(6);
        pair.Check(pair.Pair.AToB.Delivered > 60, pair.Pair.AToB.ToString());
        Assert.Contains(pair.Tap.Datagrams.Skip(before), datagram => datagram.Bytes is [0, >= 2, ..]);
        Assert.DoesNotContain(pair.Tap.Datagrams.Skip(before), datagram => datagram.Bytes is [0, 0, 0, 0, ..]);
    }

    //= spec/psec.md#start-over
    //= spec/psec.md#first-packet-tag
    [Fact]
    public void A_rekey_that_nobody_understands_gives_way_to_a_proposal_after_two_seconds()
    {
        using var pair = new PsecPair(4, Pair.Wan);
        pair.DialFromA();
        pair.RunUntilOpen();
        pair.Pair.Run(0.5);
        pair.Pair.SendAToB();
        pair.Pair.Run(40);
        pair.B.Restart();

        // Only the receipt of B is missing: A has no reason to think that B is gone before its rekey.
        pair.Pair.Run(7);
        var hello = pair.Tap.Datagrams.First(datagram => datagram.Bytes is [0, 0, 0, 0, ..]);
        var proposal = pair.Tap.Datagrams.Where(datagram => datagram.Bytes is [0, >= 2, ..]).Skip(1).First();
        Assert.InRange((proposal.At - hello.At).TotalMilliseconds, 2000, 2010);
        Assert.True(pair.B.Drops(DropReason.UnknownTranscript) >= 3);
        pair.Pair.Run(2);
        pair.Pair.CheckAlive();
        Assert.Equal(0, pair.B.Drops(DropReason.NoDirectScheme));
    }

    //= spec/psec.md#direct-one
    [Fact]
    public void Negotiating_and_direct_peers_are_served_by_one_socket_and_not_mixed_up()
    {
        using var pair = new PsecPair(8, Pair.Wan, b: PsecPair.Options() with { DirectScheme = "p2pke-1" });
        using var direct = new Hosts.SimulatedHost(pair.World, Addresses.Host(0x0301), "C", new());
        pair.DialFromA();
        direct.Connect(pair.B.PeerId, pair.B.Address);
        pair.RunUntilOpen();
        Assert.True(pair.World.RunUntil(() => Pair.IsOpen(pair.B, direct), TimeSpan.FromSeconds(5)));
        pair.Pair.Run(2);
        Assert.Equal(2, PsecPair.Sessions(pair.B).Count(session => session.Agreement is null) + PsecPair.Sessions(pair.B).Count(session => session.Agreement is not null));
        Assert.Contains(PsecPair.Sessions(pair.B), session => session.Agreement is null);

        // Without a direct scheme the same first message is refused, and a tagged one is never taken for a direct one.
        using var strict = new PsecPair(8, Pair.Wan);
        using var other = new Hosts.SimulatedHost(strict.World, Addresses.Host(0x0301), "C", new());
        other.Connect(strict.B.PeerId, strict.B.Address);
        strict.Pair.Run(11);
        Assert.True(strict.B.Drops(DropReason.NoDirectScheme) > 0);
        Assert.Equal([CloseReason.TimedOut], other.EventsOf<PeerEvent.Closed>().Select(closed => closed.Reason));
    }

    //= spec/p2pke.md#psec-answers
    //= spec/p2pke.md#psec-one-hello
    [Fact]
    public void A_responder_that_restarts_in_the_middle_answers_the_same_first_packet_anew()
    {
        using var pair = new PsecPair(10, Pair.Wan);
        pair.World.Network.AddTap((in TappedDatagram datagram) => datagram.Bytes is [0, 0, 0, 2, ..] && pair.World.Clock.Elapsed < TimeSpan.FromMilliseconds(300) ? TapVerdict.Drop : TapVerdict.Pass);
        pair.DialFromA();
        pair.Pair.Run(0.2);
        Assert.Contains(pair.Tap.Datagrams, datagram => datagram.Bytes is [0, 0, 0, 2, ..]);
        pair.B.Restart();
        pair.RunUntilOpen(3);
        pair.Pair.Run(12);
        pair.CheckOneSession();
        pair.Pair.CheckAlive();
        var hellos = pair.Tap.Datagrams.Where(datagram => datagram.Bytes is [0x80, 0, 0, 1, ..]).Select(datagram => Convert.ToHexString(datagram.Bytes)).Distinct();
        Assert.Equal(2, hellos.Count());
    }

    private static (byte[] Id, int Count) Proposal(RecordingTap tap, NetworkAddress from)
    {
        var bytes = tap.Datagrams.First(datagram => datagram.From == from && datagram.Bytes is [0, >= 2, ..]).Bytes;
        Assert.True(WireMessage.TryRead<ProposalFrame>(bytes, out var frame));
        return (frame.PeerId.ToArray(), frame.Count);
    }
}
