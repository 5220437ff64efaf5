using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Tests.Machines;

/// <summary>What a datagram is, what an endpoint keeps of a proposal, and what it answers.</summary>
public sealed class EndpointNegotiationTests
{
    private static readonly NetworkAddress Remote = EndpointFixture.Address(200);

    public static TheoryData<string, string, DropReason> StrangersDatagrams => new()
    {
        { "a word that is no first packet", "00000010" + new string('0', 40), DropReason.UnknownAddress },
        { "a reserved counter", "00000003", DropReason.ReservedCounter },
        { "a broken proposal", "0026ab", DropReason.Malformed },
        { "a proposal with bytes after its end", "0003000107010161010161", DropReason.Malformed },
        { "an accept", "010161", DropReason.NoProposal },
        { "a reject", "ff", DropReason.NoProposal },
        { "a broken accept", "010261", DropReason.TooShort },
        { "a reject with a byte after it", "ff00", DropReason.TooShort },
        { "the second byte is one", "00010000", DropReason.TooShort },
    };

    //= spec/psec.md#accept-unknown
    //= spec/psec.md#reject-unexpected
    //= spec/psec.md#frame-strict
    [Theory]
    [MemberData(nameof(StrangersDatagrams))]
    public void A_datagram_of_a_stranger_is_dropped_for_what_it_is(string what, string hex, DropReason reason)
    {
        using var fixture = new EndpointNegotiationFixture();
        var digest = fixture.Machine.StateDigest();
        Assert.True((ReceivedKind.Dropped, reason) == fixture.Receive(Remote, Convert.FromHexString(hex)), what);
        Assert.Equal(digest, fixture.Machine.StateDigest());
        Assert.Empty(fixture.Sent());
    }

    //= spec/psec.md#frame-size
    [Theory]
    [InlineData(2048, ReceivedKind.Negotiation, DropReason.None)]
    [InlineData(2049, ReceivedKind.Dropped, DropReason.TooLong)]
    public void A_proposal_has_at_most_2048_bytes(int size, ReceivedKind kind, DropReason reason)
    {
        using var fixture = new EndpointNegotiationFixture();
        using var peer = fixture.NewIdentity(2);
        var shortest = ProposalFrame.Encode(peer.PeerId.Multihash, [P2pkeScheme.SchemeName], new byte[200]).Length - 200;
        var proposal = ProposalFrame.Encode(peer.PeerId.Multihash, [P2pkeScheme.SchemeName], new byte[size - shortest]);
        Assert.Equal(size, proposal.Length);
        Assert.Equal((kind, reason), fixture.Receive(Remote, proposal));
    }

    //= spec/psec.md#accept-standard
    //= spec/psec.md#copy
    [Fact]
    public void Each_copy_of_a_proposal_draws_its_accept_and_begins_nothing()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var peer = fixture.NewIdentity(2);
        var proposal = fixture.NewProposal(peer);
        Assert.Equal((ReceivedKind.Negotiation, DropReason.None), fixture.Receive(Remote, proposal));
        var accept = Assert.Single(fixture.Sent());
        Assert.Equal([1, 7, .. "p2pke-1"u8], accept);
        var digest = fixture.Machine.StateDigest();
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal((ReceivedKind.CachedAnswer, DropReason.None), fixture.Receive(Remote, proposal));
            Assert.Equal(accept, Assert.Single(fixture.Sent()));
        }

        Assert.Equal(digest, fixture.Machine.StateDigest());
        Assert.Equal(1, fixture.Machine.ProposalsServed);

        fixture.Now += TimeSpan.FromSeconds(10);
        fixture.Machine.HandleTimeout(fixture.Now);
        Assert.Equal(0, fixture.Machine.ProposalsServed);
        Assert.Null(fixture.Machine.NextDeadline);
    }

    //= spec/psec.md#embed-use
    [Fact]
    public void A_first_packet_inside_is_answered_beside_the_accept_once_for_each_copy()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var peer = fixture.NewIdentity(2);
        var strings = fixture.Strings();
        var bare = ProposalFrame.Encode(peer.PeerId.Multihash, strings);
        using var hello = fixture.NewInitHello(peer, EndpointNegotiationFixture.StandardOf(bare));
        var proposal = ProposalFrame.Encode(peer.PeerId.Multihash, strings, hello.InitHello);

        Assert.Equal((ReceivedKind.Handshake, DropReason.None), fixture.Receive(Remote, proposal));
        fixture.RunWork();
        var answers = fixture.Sent();
        Assert.Equal([9, 192], answers.Select(answer => answer.Length));
        fixture.Receive(Remote, proposal);
        Assert.Equal(answers, fixture.Sent());
        Assert.Equal(1, fixture.Machine.HalfOpen);

        fixture.Receive(Remote, fixture.Finish(hello, answers[1], peer));
        fixture.RunWork();
        var established = Assert.Single(fixture.Events().OfType<EndpointEvent.SessionEstablished>());
        Assert.Equal(EndpointNegotiationFixture.StandardOf(bare), established.Session.Agreement);
        established.Session.Dispose();
    }

    //= spec/psec.md#embed-use
    [Fact]
    public void A_first_packet_inside_is_ignored_when_another_scheme_is_accepted_or_it_is_bound_to_something_else()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var peer = fixture.NewIdentity(2);
        using var untagged = fixture.NewInitHello(peer, null);
        using var other = fixture.NewInitHello(peer, EndpointNegotiationFixture.StandardOf(fixture.NewProposal(peer)));
        byte[][] packets = [untagged.InitHello, other.InitHello, [1, 2, 3], new byte[36], [0x80, 0, 0, 1, .. new byte[60]]];
        foreach (var packet in packets)
        {
            Assert.Equal((ReceivedKind.Negotiation, DropReason.None), fixture.Receive(Remote, fixture.NewProposal(peer, firstPacket: packet)));
            fixture.RunWork();
            Assert.Equal(9, Assert.Single(fixture.Sent()).Length);
        }

        string[] strings = ["another", .. fixture.Strings()];
        var bare = ProposalFrame.Encode(peer.PeerId.Multihash, strings);
        using var hello = fixture.NewInitHello(peer, EndpointNegotiationFixture.StandardOf(bare));
        Assert.Equal((ReceivedKind.Negotiation, DropReason.None), fixture.Receive(Remote, ProposalFrame.Encode(peer.PeerId.Multihash, strings, hello.InitHello)));
        fixture.RunWork();
        Assert.Single(fixture.Sent());
        Assert.Equal(0, fixture.Machine.HalfOpen);
    }

    //= spec/psec.md#first-packet-tag
    //= spec/p2pke.md#psec-tag
    [Fact]
    public void A_tagged_first_packet_needs_a_negotiation_and_is_not_given_to_the_direct_scheme()
    {
        using var fixture = new EndpointNegotiationFixture(directScheme: P2pkeScheme.SchemeName);
        using var peer = fixture.NewIdentity(2);
        var proposal = fixture.NewProposal(peer);
        using var hello = fixture.NewInitHello(peer, EndpointNegotiationFixture.StandardOf(proposal));
        Assert.Equal((ReceivedKind.Dropped, DropReason.UnknownTranscript), fixture.Receive(Remote, hello.InitHello));
        fixture.Receive(Remote, proposal);
        Assert.Equal((ReceivedKind.Dropped, DropReason.UnknownTranscript), fixture.Receive(EndpointFixture.Address(201), hello.InitHello));
        Assert.Equal((ReceivedKind.Handshake, DropReason.None), fixture.Receive(Remote, hello.InitHello));
        using var direct = fixture.NewInitHello(peer, null);
        Assert.Equal((ReceivedKind.Handshake, DropReason.None), fixture.Receive(Remote, direct.InitHello));
    }

    //= spec/psec.md#direct-one
    [Fact]
    public void Without_a_direct_scheme_only_the_addresses_of_direct_peers_are_served_directly()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var peer = fixture.NewIdentity(2);
        using var hello = fixture.NewInitHello(peer, null);
        Assert.Equal((ReceivedKind.Dropped, DropReason.NoDirectScheme), fixture.Receive(Remote, hello.InitHello));

        Assert.True(fixture.Machine.TryOpenPeer(peer.PeerId, Remote, out var handle));
        fixture.Machine.HandleRouteChange(handle, new(Remote, RouteUse.Handshake));
        Assert.Equal((ReceivedKind.Dropped, DropReason.NoDirectScheme), fixture.Receive(Remote, hello.InitHello));
        fixture.Machine.HandleRouteChange(handle, new(Remote, RouteUse.Handshake) { DirectScheme = new P2pkeScheme() });
        Assert.Equal((ReceivedKind.Handshake, DropReason.None), fixture.Receive(Remote, hello.InitHello));
    }

    //= spec/psec.md#first-packet-tag
    [Fact]
    public void A_rekey_is_served_under_the_transcript_of_a_session_at_its_address()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var peer = fixture.NewIdentity(2);
        var agreement = EndpointNegotiationFixture.StandardOf(fixture.NewProposal(peer));
        using var hello = fixture.NewInitHello(peer, agreement);
        Assert.True(fixture.Machine.TryOpenPeer(peer.PeerId, Remote, out var handle));
        fixture.Machine.HandleRouteChange(handle, new(Remote, RouteUse.Session) { Agreements = [agreement] });
        Assert.Equal((ReceivedKind.Handshake, DropReason.None), fixture.Receive(Remote, hello.InitHello));
        fixture.Machine.HandleRouteChange(handle, new(Remote, RouteUse.None));
        using var later = fixture.NewInitHello(peer, agreement);
        Assert.Equal((ReceivedKind.Dropped, DropReason.UnknownTranscript), fixture.Receive(Remote, later.InitHello));
    }

    //= spec/psec.md#frame-early
    [Fact]
    public void Frames_are_not_held_as_early_data()
    {
        using var fixture = new EndpointNegotiationFixture(directScheme: P2pkeScheme.SchemeName);
        using var peer = fixture.NewIdentity(2);
        using var hello = fixture.NewInitHello(peer, null);
        fixture.Receive(Remote, hello.InitHello);
        fixture.RunWork();
        var early = new byte[40];
        early[3] = 16;
        Assert.Equal((ReceivedKind.EarlyData, DropReason.None), fixture.Receive(Remote, early));
        Assert.Equal((ReceivedKind.Negotiation, DropReason.None), fixture.Receive(Remote, fixture.NewProposal(peer)));
        Assert.Equal((ReceivedKind.Dropped, DropReason.NoProposal), fixture.Receive(Remote, [1, 40, .. new byte[40].Select(_ => (byte)'a')]));

        // With state, what begins as a proposal and is none may be data.
        Assert.Equal((ReceivedKind.EarlyData, DropReason.None), fixture.Receive(Remote, [0, 38, .. new byte[40]]));
    }

    //= spec/psec.md#reject-sent
    [Fact]
    public void A_reject_is_one_byte_and_leaves_nothing_behind()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var peer = fixture.NewIdentity(2);
        var digest = fixture.Machine.StateDigest();
        Assert.Equal((ReceivedKind.Dropped, DropReason.NoCommonScheme), fixture.Receive(Remote, fixture.NewProposal(peer, "another")));
        Assert.Equal([0xFF], Assert.Single(fixture.Sent()));
        Assert.Equal(digest, fixture.Machine.StateDigest());
        Assert.Null(fixture.Machine.NextDeadline);
    }

    [Fact]
    public void Dials_of_two_identities_at_one_address_propose_one_after_the_other_within_their_own_time()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var first = fixture.NewIdentity(2);
        using var second = fixture.NewIdentity(3);
        var one = fixture.Propose(Remote, first.PeerId);
        Assert.Single(fixture.Sent());
        fixture.Now += TimeSpan.FromSeconds(4);
        var two = fixture.Propose(Remote, second.PeerId);
        Assert.Empty(fixture.Sent());

        fixture.Machine.HandleNegotiation(fixture.Now, one, new NegotiationRequest.Withdraw(Remote));
        fixture.Machine.HandleTimeout(fixture.Now);
        Assert.Single(fixture.Sent());
        fixture.Events();
        fixture.Now += TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1);
        fixture.Machine.HandleTimeout(fixture.Now);
        Assert.Empty(fixture.Events());
        fixture.Now += TimeSpan.FromTicks(1);
        fixture.Machine.HandleTimeout(fixture.Now);
        var over = Assert.IsType<EndpointEvent.NegotiationReported>(Assert.Single(fixture.Events()));
        Assert.Equal((two, new NegotiationReport.Over(NegotiationOutcome.TimedOut)), (over.Peer, over.Report));
        Assert.Null(fixture.Machine.NextDeadline);

        // One that waits until its time is over has failed, too.
        fixture.Propose(Remote, first.PeerId);
        var three = fixture.Propose(Remote, second.PeerId);
        fixture.Now += TimeSpan.FromSeconds(10);
        fixture.Machine.HandleTimeout(fixture.Now);
        Assert.Contains(fixture.Events().OfType<EndpointEvent.NegotiationReported>(), report => report.Peer == three);
        Assert.Null(fixture.Machine.NextDeadline);
    }

    [Fact]
    public void A_peer_that_is_closed_takes_its_attempt_along()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var first = fixture.NewIdentity(2);
        using var second = fixture.NewIdentity(3);
        var one = fixture.Propose(Remote, first.PeerId);
        fixture.Propose(Remote, second.PeerId);
        fixture.Sent();
        fixture.Machine.ClosePeer(one);
        fixture.Machine.HandleTimeout(fixture.Now);
        Assert.Single(fixture.Sent());
        fixture.Machine.Close();
        Assert.Null(fixture.Machine.NextDeadline);
        Assert.Equal((ReceivedKind.Dropped, DropReason.EndpointClosing), fixture.Receive(Remote, fixture.NewProposal(first)));
    }
}
