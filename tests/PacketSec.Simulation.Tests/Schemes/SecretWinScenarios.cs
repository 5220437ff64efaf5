using PacketSec.Protocol;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Tests.Scenarios;

namespace PacketSec.Simulation.Tests.Schemes;

/// <summary>The time between a responder's win and the first packet of its initiator, which may never come.</summary>
public sealed class SecretWinScenarios
{
    //= spec/psec.md#win-unconfirmed
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_dial_that_the_peer_won_ends_with_the_session_when_no_packet_of_the_peer_comes(ulong seed)
    {
        var options = SecretPair.Negotiated();
        using var pair = SecretPair.New(seed, a: options, b: options);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.World.Network.AddTap(WithoutProof);
        pair.Dial();
        pair.B.Connect(pair.A.PeerId, pair.A.Address);
        pair.Run(30);

        var answer = record.Datagrams.First(datagram => datagram.Word == SecretPair.Message2);
        var (winner, leader) = answer.From == pair.B.Address ? (pair.B, pair.A) : (pair.A, pair.B);
        Assert.Single(leader.EventsOf<PeerEvent.Opened>());
        Assert.Empty(winner.EventsOf<PeerEvent.Opened>());
        var end = Assert.Single(winner.Events, happened => happened.Event is PeerEvent.Closed);
        Assert.Equal(CloseReason.TimedOut, ((PeerEvent.Closed)end.Event).Reason);
        Assert.InRange((end.At - answer.At).TotalSeconds, 9.99, 10.01);

        // The dial was won: what it proposed is not proposed again.
        var won = record.Datagrams.First(datagram => datagram.Word == SecretPair.Message3).At + Pair.Wan.Latency;
        Assert.Contains(record.Datagrams, datagram => datagram.From == winner.Address && datagram.At < won && IsProposal(datagram));
        Assert.DoesNotContain(record.Datagrams, datagram => datagram.From == winner.Address && datagram.At > won && IsProposal(datagram));
    }

    //= spec/psec.md#copy-unconfirmed
    //= spec/psec.md#win-unconfirmed
    [Fact]
    public void A_proposal_that_was_won_is_over_while_its_session_waits_for_a_packet_and_new_again_when_that_is_gone()
    {
        var options = SecretPair.Negotiated();
        using var pair = SecretPair.New(1, a: options, b: options);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.World.Network.AddTap(WithoutProof);
        pair.Dial();
        pair.Run(1);
        var proposal = record.Datagrams.First(IsProposal);
        pair.World.Network.Inject(proposal.From, proposal.To, proposal.Bytes);
        pair.Run(1);
        Assert.Equal(1, pair.B.Drops(DropReason.NegotiationOver));
        Assert.Equal(2, record.Datagrams.Count(datagram => datagram.Bytes[0] == 1)); // the retry and the accept

        // Nobody dialled there, so nothing is said of the channel that never was.
        pair.Run(10);
        Assert.Equal(CloseReason.TimedOut, Assert.Single(pair.B.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.Empty(pair.B.EventsOf<PeerEvent.Opened>());
        pair.World.Network.Inject(proposal.From, proposal.To, proposal.Bytes);
        pair.Run(0.1);
        Assert.Equal(1, pair.B.Drops(DropReason.NegotiationOver));
        Assert.Equal(3, record.Datagrams.Count(datagram => datagram.Bytes[0] == 1));
    }

    //= spec/sessions.md#identity-unproven
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_session_that_waits_for_a_packet_does_not_keep_another_identity_from_its_address(bool isProven)
    {
        using var pair = SecretPair.New(1);
        pair.World.Network.AddTap((in TappedDatagram datagram) => isProven ? TapVerdict.Pass : WithoutProof(datagram));
        pair.Dial();
        pair.Run(1);
        Assert.Equal(isProven, pair.BIsOpen);
        pair.A.Kill();
        isProven = true;
        using var next = new SimulatedHost(pair.World, pair.A.Address, "C", SecretPair.Direct());
        next.Connect(pair.B.PeerId, pair.B.Address);
        pair.Run(1);

        var wasHeld = pair.B.Drops(DropReason.AddressHeldByAnother) > 0;
        Assert.Equal(!wasHeld, Pair.IsOpen(pair.B, next));
        Assert.Equal(pair.BIsOpen, wasHeld);
    }

    //= spec/sessions.md#identity-unproven
    [Fact]
    public void Answers_that_anybody_can_make_do_not_keep_another_identity_from_their_address()
    {
        using var pair = SecretPair.New(1);
        using var third = new SimulatedHost(pair.World, Addresses.Host(0x0301), "C", SecretPair.Direct());

        // A means C and calls B, who answers: A has a session of C's there that nothing will confirm.
        pair.A.Connect(third.PeerId, pair.B.Address);
        pair.Run(1);
        pair.B.Connect(pair.A.PeerId, pair.A.Address);
        pair.Run(1);
        Assert.True(pair.AIsOpen && pair.BIsOpen);
        Assert.Equal(0, pair.A.Drops(DropReason.AddressHeldByAnother));
    }

    //= spec/secret-handshake.md#won-unconfirmed
    [Fact]
    public void A_first_message_under_a_proposal_that_was_won_is_answered_when_the_session_is_confirmed_and_not_before()
    {
        var options = SecretPair.Negotiated();
        using var pair = SecretPair.New(1, a: options, b: options);
        var record = new RecordingTap();
        var isProven = false;
        pair.World.Network.AddTap(record);
        pair.World.Network.AddTap((in TappedDatagram datagram) => isProven ? TapVerdict.Pass : WithoutProof(datagram));
        pair.Dial();
        pair.Run(1);
        var first = record.Datagrams.First(datagram => datagram.Word == SecretPair.Message1);
        pair.World.Network.Inject(first.From, first.To, first.Bytes);
        pair.Run(0.1);
        Assert.Equal(1, pair.B.Drops(DropReason.UnknownTranscript));
        Assert.Single(record.Datagrams, datagram => datagram.Word == SecretPair.Message2);

        isProven = true;
        pair.RunUntilOpen(1);
        pair.World.Network.Inject(first.From, first.To, first.Bytes);
        pair.Run(0.1);
        Assert.Equal(1, pair.B.Drops(DropReason.UnknownTranscript));
        Assert.Equal(2, record.Datagrams.Count(datagram => datagram.Word == SecretPair.Message2));
        pair.CheckAlive();
    }

    //= spec/secret-handshake.md#won-unconfirmed
    [Theory]
    [InlineData(0)]
    [InlineData(300)]
    public void Of_several_messages_3_under_one_proposal_one_makes_a_session_also_when_all_are_asked_about(int milliseconds)
    {
        var options = SecretPair.Negotiated() with { Application = _ => Verdict.Allow, DecisionLatency = TimeSpan.FromMilliseconds(milliseconds) };
        using var pair = SecretPair.New(1, Pair.Lan, options, options);
        pair.World.Network.AddTap(DoubledFirst(pair.World, copies: 2));
        pair.Dial();
        pair.RunUntilOpen();
        pair.Run(1);
        Assert.Single(pair.B.EventsOf<EndpointEvent.SessionEstablished>());
        Assert.InRange(pair.B.EventsOf<EndpointEvent.DecisionRequested>().Count(), milliseconds == 0 ? 1 : 3, 3);
        pair.CheckAlive();
    }

    //= spec/sessions.md#trial-unproven
    [Fact]
    public void Each_of_four_answers_may_be_the_one_that_is_confirmed()
    {
        using var pair = SecretPair.New(1, Pair.Lan);
        pair.World.Network.AddTap(DoubledFirst(pair.World, copies: 3));
        pair.Dial();
        pair.RunUntilOpen();
        Assert.Equal(4, pair.B.EventsOf<EndpointEvent.SessionEstablished>().Count());
        Assert.Single(pair.A.EventsOf<PeerEvent.SessionConfirmed>());
        Assert.Single(pair.B.EventsOf<PeerEvent.SessionConfirmed>());
        pair.CheckAlive();
    }

    //= spec/sessions.md#closing-unproven
    [Fact]
    public void A_call_that_is_cancelled_says_so_on_all_sessions_also_to_the_wrong_party()
    {
        using var pair = SecretPair.New(1, Pair.Lan);
        using var third = new SimulatedHost(pair.World, Addresses.Host(0x0301), "C", SecretPair.Direct());
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.World.Network.AddTap(DoubledFirst(pair.World, copies: 3));
        pair.A.Connect(third.PeerId, pair.B.Address);
        pair.Run(0.5);
        pair.A.CancelConnect(third.PeerId);
        pair.Run(1);
        var closing = record.Datagrams.Where(datagram => datagram.Word == 0x7FFFFFFF).ToList();
        Assert.Equal(12, closing.Count);
        Assert.Equal(4, closing.DistinctBy(datagram => Convert.ToHexString(datagram.Bytes)).Count());
        Assert.All(closing, datagram => Assert.Equal((pair.A.Address, 20), (datagram.From, datagram.Bytes.Length)));
        var sent = record.Datagrams.Count;
        pair.Run(12);
        Assert.Equal(sent, record.Datagrams.Count);
        Assert.Empty(pair.B.EventsOf<EndpointEvent.SessionEstablished>());
    }

    private static TapVerdict WithoutProof(in TappedDatagram datagram)
        => Header.Counter(datagram.Bytes) >= 16 && !Header.FromResponder(datagram.Bytes) && datagram.Bytes is not [0 or 1, >= 2, ..] ? TapVerdict.Drop : TapVerdict.Pass;

    private static TapHandler DoubledFirst(World world, int copies) => (in TappedDatagram datagram) =>
    {
        while (Header.Read(datagram.Bytes) == SecretPair.Message1 && copies-- > 0)
        {
            world.Network.Inject(datagram.From, datagram.To, datagram.Bytes);
        }

        return TapVerdict.Pass;
    };

    private static bool IsProposal(RecordedDatagram datagram) => datagram.Bytes is [0, >= 2, ..];
}
