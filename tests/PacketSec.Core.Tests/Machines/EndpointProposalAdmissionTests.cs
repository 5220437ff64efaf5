using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Schemes.SecretHandshake;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Tests.Machines;

/// <summary>What strangers can make an endpoint keep and send by proposals.</summary>
public sealed class EndpointProposalAdmissionTests
{
    private static readonly NetworkAddress Remote = EndpointFixture.Address(200);
    private static readonly (ReceivedKind, DropReason) Taken = (ReceivedKind.Negotiation, DropReason.None);

    //= spec/psec.md#admission
    //= spec/psec.md#cookie-admission
    [Fact]
    public void Past_the_places_for_all_a_proposal_is_asked_for_a_cookie_and_admitted_with_it()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var peer = fixture.NewIdentity(2);
        fixture.Fill(ImplementationLimits.Proposals - 1);
        Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(5 << 16), fixture.NewProposal(peer)));
        Assert.Equal(ImplementationLimits.Proposals, fixture.Machine.ProposalsServed);
        fixture.Sent();

        var digest = fixture.Machine.StateDigest();
        var proposal = fixture.NewProposal(peer);
        Assert.Equal(Taken, fixture.Receive(Remote, proposal));
        var retry = Assert.Single(fixture.Sent());
        Assert.StartsWith("psec-retry-1:", System.Text.Encoding.ASCII.GetString(retry)[2..], StringComparison.Ordinal);
        Assert.True(retry.Length <= proposal.Length);
        Assert.Equal(digest, fixture.Machine.StateDigest());
        Assert.Equal((ReceivedKind.Dropped, DropReason.ProposalsFull), fixture.Receive(Remote, fixture.NewProposal(peer, takesRetry: false)));

        Assert.Equal(Taken, fixture.Receive(Remote, EndpointNegotiationFixture.WithCookie(proposal, retry)));
        Assert.Equal([1, 7, .. "p2pke-1"u8], Assert.Single(fixture.Sent()));
        Assert.Equal(ImplementationLimits.Proposals + 1, fixture.Machine.ProposalsServed);

        // Its handshake has a place, whatever strangers do.
        using var hello = fixture.NewInitHello(peer, EndpointNegotiationFixture.StandardOf(proposal));
        Assert.Equal((ReceivedKind.Handshake, DropReason.None), fixture.Receive(Remote, hello.InitHello));

        fixture.Now += TimeSpan.FromSeconds(10);
        fixture.Machine.HandleTimeout(fixture.Now);
        Assert.Equal(0, fixture.Machine.ProposalsServed);
    }

    //= spec/psec.md#hiding-cookie
    [Theory]
    [InlineData(SecretHandshakeScheme.SchemeName)]
    [InlineData(MyChipsScheme.SchemeName)]
    public void Who_hides_asks_strangers_for_a_cookie_with_all_places_free_and_keeps_nothing_without_one(string scheme)
    {
        using var fixture = new EndpointNegotiationFixture(scheme: scheme);
        using var peer = fixture.NewIdentity(2);
        var digest = fixture.Machine.StateDigest();
        var proposal = fixture.NewProposal(peer, scheme, firstPacket: [0, 0, 0, 8, 1]);
        Assert.Equal(Taken, fixture.Receive(Remote, proposal));
        Assert.Equal(Taken, fixture.Receive(Remote, proposal));
        Assert.All(fixture.Sent(), retry => Assert.StartsWith("psec-retry-1:", System.Text.Encoding.ASCII.GetString(retry)[2..], StringComparison.Ordinal));
        Assert.Equal(2, fixture.Machine.RetriesSent);

        // Whoever stands between could take the word away that a retry is taken.
        Assert.Equal(Taken, fixture.Receive(Remote, fixture.NewProposal(peer, scheme, takesRetry: false)));
        Assert.Equal(3, fixture.Machine.RetriesSent);
        fixture.Sent();
        Assert.Equal((ReceivedKind.Dropped, DropReason.NoCommonScheme), fixture.Receive(Remote, fixture.NewProposal(peer)));
        Assert.Empty(fixture.Sent());
        Assert.Equal(0, fixture.Machine.ProposalsServed);
        Assert.Equal(digest, fixture.Machine.StateDigest());

        fixture.Receive(Remote, proposal);
        var cookie = Assert.Single(fixture.Sent());
        Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(201), EndpointNegotiationFixture.WithCookie(proposal, cookie)));
        Assert.Equal(0, fixture.Machine.ProposalsServed);
        fixture.Sent();
        Assert.Equal(Taken, fixture.Receive(Remote, EndpointNegotiationFixture.WithCookie(proposal, cookie)));
        Assert.Equal([1, (byte)scheme.Length, .. System.Text.Encoding.ASCII.GetBytes(scheme)], Assert.Single(fixture.Sent()));
        Assert.Equal(1, fixture.Machine.ProposalsServed);

        // One that is served already needs none.
        Assert.Equal((ReceivedKind.CachedAnswer, DropReason.None), fixture.Receive(Remote, proposal));
    }

    //= spec/psec.md#hiding-cookie
    //= spec/psec.md#cookie-admission
    [Fact]
    public void The_places_of_who_hides_are_those_for_proposals_with_a_cookie()
    {
        using var fixture = new EndpointNegotiationFixture(scheme: SecretHandshakeScheme.SchemeName);
        using var peer = fixture.NewIdentity(2);
        for (var i = 0; i <= ImplementationLimits.ProposalsPerPrefix; i++)
        {
            var from = EndpointFixture.Address(i % 250, 4000 + (i / 250));
            var proposal = fixture.NewProposal(peer, SecretHandshakeScheme.SchemeName);
            fixture.Receive(from, proposal);
            var reason = fixture.Receive(from, EndpointNegotiationFixture.WithCookie(proposal, fixture.Sent()[^1])).Reason;
            Assert.Equal(i < ImplementationLimits.ProposalsPerPrefix ? DropReason.None : DropReason.PrefixProposalsFull, reason);
            fixture.Sent();
        }

        Assert.Equal(ImplementationLimits.ProposalsPerPrefix, fixture.Machine.ProposalsServed);
    }

    //= spec/psec.md#hiding-cookie
    [Fact]
    public void Who_hides_and_proposes_itself_asks_for_no_cookie_there()
    {
        using var fixture = new EndpointNegotiationFixture(scheme: SecretHandshakeScheme.SchemeName);
        using var peer = fixture.NewIdentity(2);
        fixture.Propose(Remote, peer.PeerId, new() { Schemes = [SecretHandshakeScheme.SchemeName], HidePeerId = true, EmbedFirstPacket = false });
        fixture.Sent();
        Assert.Equal(Taken, fixture.Receive(Remote, fixture.NewProposal(peer, SecretHandshakeScheme.SchemeName)));
        Assert.Equal(0, fixture.Machine.RetriesSent);
    }

    //= spec/psec.md#admission
    [Fact]
    public void A_network_has_places_of_its_own()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var peer = fixture.NewIdentity(2);
        for (var i = 0; i < ImplementationLimits.ProposalsPerPrefix; i++)
        {
            Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(i % 250, 4000 + (i / 250)), fixture.NewProposal(peer)));
        }

        fixture.Sent();
        Assert.Equal((ReceivedKind.Dropped, DropReason.PrefixProposalsFull), fixture.Receive(EndpointFixture.Address(251), fixture.NewProposal(peer, takesRetry: false)));
        Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(1 << 8), fixture.NewProposal(peer, takesRetry: false)));
        fixture.Sent();
        Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(251), fixture.NewProposal(peer)));
        Assert.Equal(1, fixture.Machine.RetriesSent);
    }

    //= spec/psec.md#cookie-life
    [Fact]
    public void A_cookie_of_another_address_proposal_or_time_is_answered_by_another()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var peer = fixture.NewIdentity(2);
        fixture.Fill(ImplementationLimits.Proposals);
        var proposal = fixture.NewProposal(peer);
        fixture.Receive(Remote, proposal);
        var retry = Assert.Single(fixture.Sent());
        var served = fixture.Machine.ProposalsServed;

        fixture.Receive(EndpointFixture.Address(201), EndpointNegotiationFixture.WithCookie(proposal, retry));
        fixture.Receive(EndpointFixture.Address(200, 4001), EndpointNegotiationFixture.WithCookie(proposal, retry));
        fixture.Receive(Remote, EndpointNegotiationFixture.WithCookie(fixture.NewProposal(peer), retry));
        Assert.Equal(served, fixture.Machine.ProposalsServed);
        Assert.All(fixture.Sent(), answer => Assert.True(answer.Length == retry.Length && !answer.SequenceEqual(retry)));
        Assert.Equal(4, fixture.Machine.RetriesSent);
    }

    //= spec/psec.md#admission
    [Fact]
    public void One_that_drew_no_first_packet_is_asked_again_when_work_is_full_and_one_that_did_is_not()
    {
        using var fixture = new EndpointNegotiationFixture(directScheme: P2pkeScheme.SchemeName);
        using var peer = fixture.NewIdentity(2);
        var idle = fixture.NewProposal(peer);
        var busy = fixture.NewProposal(peer);
        fixture.Receive(Remote, idle);
        fixture.Receive(EndpointFixture.Address(201), busy);
        using var hello = fixture.NewInitHello(peer, EndpointNegotiationFixture.StandardOf(busy));
        fixture.Receive(EndpointFixture.Address(201), hello.InitHello);
        fixture.Sent();

        // The work of strangers is full, since nobody runs it.
        using var stranger = fixture.NewInitHello(peer, null);
        for (var i = 1; fixture.Receive(EndpointFixture.Address(i << 8), stranger.InitHello).Kind == ReceivedKind.Handshake; i++)
        {
        }

        Assert.Equal((ReceivedKind.CachedAnswer, DropReason.None), fixture.Receive(EndpointFixture.Address(201), busy));
        Assert.Equal(9, Assert.Single(fixture.Sent()).Length);
        Assert.Equal(Taken, fixture.Receive(Remote, idle));
        var retry = Assert.Single(fixture.Sent());
        using var first = fixture.NewInitHello(peer, EndpointNegotiationFixture.StandardOf(idle));
        Assert.Equal((ReceivedKind.Dropped, DropReason.WorkFull), fixture.Receive(Remote, first.InitHello));
        Assert.Equal((ReceivedKind.CachedAnswer, DropReason.None), fixture.Receive(Remote, EndpointNegotiationFixture.WithCookie(idle, retry)));
        Assert.Equal((ReceivedKind.Handshake, DropReason.None), fixture.Receive(Remote, first.InitHello));
        Assert.Equal(2, fixture.Machine.ProposalsServed);
    }

    //= spec/psec.md#live-rate
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void From_an_address_with_a_session_or_a_dial_of_ours_come_eight_new_proposals_each_second_and_no_retry_goes(bool session)
    {
        using var fixture = new EndpointNegotiationFixture();
        using var peer = fixture.NewIdentity(2);
        fixture.Fill(ImplementationLimits.Proposals);
        if (session)
        {
            Assert.True(fixture.Machine.TryOpenPeer(peer.PeerId, Remote, out var handle));
            fixture.Machine.HandleRouteChange(handle, new(Remote, RouteUse.Session));
        }
        else
        {
            fixture.Propose(Remote, peer.PeerId);
        }

        fixture.Sent();
        for (var i = 0; i < ImplementationLimits.WorkPerChannelPerSecond; i++)
        {
            Assert.Equal(Taken, fixture.Receive(Remote, fixture.NewProposal(peer)));
        }

        Assert.Equal((ReceivedKind.Dropped, DropReason.PrefixRate), fixture.Receive(Remote, fixture.NewProposal(peer)));
        Assert.Equal(session ? ImplementationLimits.WorkPerChannelPerSecond : 0, fixture.Sent().Count);
        Assert.Equal(0, fixture.Machine.RetriesSent);
        fixture.Now += TimeSpan.FromSeconds(1);
        Assert.Equal(Taken, fixture.Receive(Remote, fixture.NewProposal(peer)));
    }

    //= spec/psec.md#copy
    [Fact]
    public void Two_sides_that_are_made_to_believe_that_both_lead_do_not_draw_each_others_proposals_without_end()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var peer = fixture.NewIdentity(2);
        fixture.Propose(Remote, peer.PeerId);
        fixture.Sent();

        // Of all IDs the own one leads: the proposal says so to this side, and an altered one the same to the other.
        var highest = new byte[] { 0, 42 }.Concat(Enumerable.Repeat((byte)0xFF, 42)).ToArray();
        var proposal = ProposalFrame.Encode(highest, fixture.Strings());
        for (var i = 0; i < ImplementationLimits.WorkPerChannelPerSecond; i++)
        {
            Assert.NotEqual(DropReason.PrefixRate, fixture.Receive(Remote, proposal).Reason);
        }

        Assert.Equal(ImplementationLimits.WorkPerChannelPerSecond - 1, fixture.Sent().Count);
        Assert.Equal((ReceivedKind.Dropped, DropReason.PrefixRate), fixture.Receive(Remote, proposal));
        Assert.Empty(fixture.Sent());
    }

    //= spec/psec.md#amplification
    [Fact]
    public void No_more_bytes_go_to_an_address_than_came_from_it()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var peer = fixture.NewIdentity(2);
        var proposal = ProposalFrame.Encode(peer.PeerId.Multihash, [P2pkeScheme.SchemeName]);
        var agreement = EndpointNegotiationFixture.StandardOf(proposal);
        using var hello = fixture.NewInitHello(peer, agreement);
        Assert.Equal(200, hello.InitHello.Length);

        // Without the suites, which decide nothing, the first packet is shorter than its answer.
        var shortest = hello.InitHello.AsSpan(0, 36).ToArray().Concat(hello.InitHello.Skip(36 + 26)).ToArray();
        Assert.Equal(174, shortest.Length);
        var received = proposal.Length;
        var sent = 0;
        fixture.Receive(Remote, proposal);
        for (var i = 0; i < 20; i++)
        {
            received += shortest.Length;
            fixture.Receive(Remote, shortest);
            fixture.RunWork();
            sent += fixture.Sent().Sum(packet => packet.Length);
            Assert.True(sent <= received, $"{sent} bytes for {received}");
        }

        // The 49 bytes of the proposal, less 9 for the accept, pay for two answers of 18 bytes more; then each eleventh copy draws none.
        Assert.Equal(49, proposal.Length);
        Assert.True(fixture.Machine.Drops[DropReason.Amplification] >= 1);
        Assert.True(sent > received - 400);
    }

    //= spec/psec.md#amplification
    [Fact]
    public void A_retry_is_not_longer_than_what_it_answers()
    {
        using var fixture = new EndpointNegotiationFixture();
        fixture.Fill(ImplementationLimits.Proposals);
        var tiny = ProposalFrame.Encode([0, 1, 7], [P2pkeScheme.SchemeName, PsecFrame.Retry]);
        Assert.Equal((ReceivedKind.Dropped, DropReason.Amplification), fixture.Receive(Remote, tiny));
        Assert.Empty(fixture.Sent());
        var longer = ProposalFrame.Encode([0, 30, .. new byte[30].Select(_ => (byte)7)], [P2pkeScheme.SchemeName, PsecFrame.Retry]);
        Assert.Equal(Taken, fixture.Receive(Remote, longer));
        Assert.True(Assert.Single(fixture.Sent()).Length <= longer.Length);
    }

    //= spec/psec.md#claimed-id
    [Fact]
    public void A_finish_by_another_identity_than_the_proposal_named_comes_to_nothing()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var named = fixture.NewIdentity(2);
        using var proven = fixture.NewIdentity(3);
        foreach (var (id, reason) in new[] { (named.PeerId.Multihash.ToArray(), DropReason.KeyMismatch), ([0x12, 32, .. new byte[32]], DropReason.None) })
        {
            var proposal = ProposalFrame.Encode(id, fixture.Strings());
            fixture.Receive(Remote, proposal);
            using var hello = fixture.NewInitHello(proven, EndpointNegotiationFixture.StandardOf(proposal));
            fixture.Receive(Remote, hello.InitHello);
            fixture.RunWork();
            fixture.Receive(Remote, fixture.Finish(hello, fixture.Sent()[^1], proven));
            fixture.RunWork();
            Assert.Equal(reason == DropReason.None ? 0 : 1, fixture.Machine.Drops[DropReason.KeyMismatch] - (reason == DropReason.None ? 1 : 0));
            Assert.Equal(reason == DropReason.None ? 1 : 0, fixture.Events().OfType<EndpointEvent.SessionEstablished>().Count());
        }
    }

    //= spec/psec.md#first-packet-progress
    [Fact]
    public void First_packets_with_other_bytes_are_handshakes_of_their_own_up_to_the_bound()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var peer = fixture.NewIdentity(2);
        var proposal = fixture.NewProposal(peer);
        var agreement = EndpointNegotiationFixture.StandardOf(proposal);
        fixture.Receive(Remote, proposal);
        for (var i = 1; i <= ImplementationLimits.HandshakesPerAddress + 1; i++)
        {
            using var hello = fixture.NewInitHello(peer, agreement);
            hello.InitHello[8] ^= (byte)i;
            Assert.Equal((ReceivedKind.Handshake, DropReason.None), fixture.Receive(Remote, hello.InitHello));
            fixture.RunWork();
            Assert.Equal(Math.Min(i, ImplementationLimits.HandshakesPerAddress), fixture.Machine.HalfOpen);
            Assert.Equal((ReceivedKind.CachedAnswer, DropReason.None), fixture.Receive(Remote, hello.InitHello));
        }
    }

    //= spec/psec.md#one-wins
    //= spec/psec.md#copy-after-win
    [Fact]
    public void A_win_wipes_the_other_handshakes_of_its_proposals_and_no_others()
    {
        using var fixture = new EndpointNegotiationFixture(directScheme: P2pkeScheme.SchemeName);
        using var peer = fixture.NewIdentity(2);
        var proposals = new[] { fixture.NewProposal(peer), fixture.NewProposal(peer) };
        var hellos = proposals.Select(proposal => fixture.NewInitHello(peer, EndpointNegotiationFixture.StandardOf(proposal))).ToArray();
        using var direct = fixture.NewInitHello(peer, null);
        foreach (var datagram in proposals.Concat(hellos.Select(hello => hello.InitHello)).Append(direct.InitHello))
        {
            fixture.Receive(Remote, datagram);
        }

        fixture.RunWork();
        var answers = fixture.Sent().Where(packet => packet.Length == 192).ToList();
        Assert.Equal(3, fixture.Machine.HalfOpen);
        fixture.Receive(Remote, fixture.Finish(hellos[0], answers[0], peer));
        fixture.RunWork();
        var established = Assert.Single(fixture.Events().OfType<EndpointEvent.SessionEstablished>());
        fixture.Machine.HandleRouteChange(established.Peer, new(Remote, RouteUse.Session) { Agreements = [established.Session.Agreement!] });
        Assert.Equal(1, fixture.Machine.HalfOpen);
        Assert.Equal((ReceivedKind.Dropped, DropReason.NegotiationOver), fixture.Receive(Remote, proposals[0]));

        // The other one may be of an attempt that the peer has begun since.
        Assert.Equal(1, fixture.Machine.ProposalsServed);
        Assert.Equal((ReceivedKind.CachedAnswer, DropReason.None), fixture.Receive(Remote, proposals[1]));

        // When the session is gone, so is the memory of what led to it.
        fixture.Machine.HandleRouteChange(established.Peer, new(Remote, RouteUse.None));
        Assert.Equal(Taken, fixture.Receive(Remote, proposals[0]));
        established.Session.Dispose();
    }

    //= spec/psec.md#copy-after-win
    [Fact]
    public void A_won_proposal_is_remembered_also_when_its_win_wipes_the_last_handshake_of_its_address()
    {
        using var fixture = new EndpointNegotiationFixture();
        using var peer = fixture.NewIdentity(2);
        var proposal = fixture.NewProposal(peer);
        var agreement = EndpointNegotiationFixture.StandardOf(proposal);
        using var hello = fixture.NewInitHello(peer, agreement);
        using var other = fixture.NewInitHello(peer, agreement);
        other.InitHello[8] ^= 1;
        fixture.Receive(Remote, proposal);
        fixture.Receive(Remote, hello.InitHello);
        fixture.Receive(Remote, other.InitHello);
        fixture.RunWork();
        var answer = fixture.Sent().First(packet => packet.Length == 192);
        fixture.Receive(Remote, fixture.Finish(hello, answer, peer));
        fixture.RunWork();
        var established = Assert.Single(fixture.Events().OfType<EndpointEvent.SessionEstablished>());
        Assert.Equal(0, fixture.Machine.HalfOpen);

        // What the session's peer says of its address comes a moment later.
        fixture.Machine.HandleRouteChange(established.Peer, new(Remote, RouteUse.Session) { Agreements = [established.Session.Agreement!] });
        Assert.Equal((ReceivedKind.Dropped, DropReason.NegotiationOver), fixture.Receive(Remote, proposal));
        established.Session.Dispose();
    }
}
