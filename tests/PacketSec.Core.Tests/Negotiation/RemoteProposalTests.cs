using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using static PacketSec.Core.Tests.Negotiation.NegotiatorFixture;

namespace PacketSec.Core.Tests.Negotiation;

public sealed class RemoteProposalTests
{
    private readonly NegotiatorFixture _fixture = new();

    //= spec/psec.md#accept-standard
    [Theory]
    [InlineData("a", "a")]
    [InlineData("x c b", "c")]
    [InlineData("b a", "b")]
    [InlineData("d", null)]
    public void The_proposers_first_choice_that_is_served_is_accepted(string schemes, string? accepted)
    {
        var proposal = Proposal(HighId, "x", schemes.Split(' '));
        var reason = _fixture.Receive(proposal, out var answer);
        Assert.Equal(accepted is null ? DropReason.NoCommonScheme : DropReason.None, reason);
        Assert.Equal(accepted is null ? PsecFrame.Reject.ToArray() : Accept(accepted), answer);
        Assert.Equal(accepted is not null, _fixture.Machine.Serves);
        Assert.Empty(_fixture.Reports());
    }

    //= spec/psec.md#reject-sent
    [Fact]
    public void A_list_without_a_common_scheme_draws_a_reject_from_who_does_not_hide_and_nothing_from_who_does()
    {
        Assert.Equal(DropReason.NoCommonScheme, _fixture.Receive(Proposal(HighId, "x", "d"), out var answer));
        Assert.Equal(PsecFrame.Reject.ToArray(), answer);
        Assert.True(_fixture.Machine.IsEmpty);

        var hiding = new NegotiatorFixture(hides: true);
        Assert.Equal(DropReason.NoCommonScheme, hiding.Receive(Proposal(HighId, "x", "d"), out answer));
        Assert.Empty(answer);
        Assert.Equal(DropReason.None, hiding.Receive(Proposal(HighId, "x", "a"), out answer));
        Assert.Equal(Accept("a"), answer);
    }

    //= spec/psec.md#accept-none-outstanding
    [Fact]
    public void No_proposal_is_accepted_from_when_the_own_one_is_made_until_it_ends()
    {
        _fixture.Propose(new ProposalOptions { Schemes = ["a"] });
        var standard = _fixture.Begun();
        CheckNotAccepted("preparing");
        _fixture.Machine.TakeFirstPacket(_fixture.Now, standard, []);
        CheckNotAccepted("outstanding");
        _fixture.Machine.Withdraw();

        _fixture.Propose("a");
        _fixture.Receive(PsecFrame.Reject.ToArray());
        CheckNotAccepted("rejected");
        _fixture.Machine.Withdraw();
        Assert.Equal(DropReason.None, _fixture.Receive(Proposal(HighId, "none", "a"), out var answer));
        Assert.Equal(Accept("a"), answer);
    }

    //= spec/psec.md#reflection
    [Fact]
    public void What_comes_back_of_our_own_is_dropped()
    {
        Assert.Equal(DropReason.Reflected, _fixture.Receive(Proposal(SelfId, "x", "a")));
        var frame = _fixture.Propose("a")!;
        Assert.Equal(DropReason.Reflected, _fixture.Receive(frame));
        Assert.Equal(DropReason.Reflected, _fixture.Receive(Proposal(SelfId, "x", "b")));
        _fixture.Machine.Withdraw();
        Assert.Equal(DropReason.Reflected, _fixture.Receive(frame));

        _fixture.Propose(new ProposalOptions { Schemes = ["a"], HidePeerId = true });
        _fixture.Machine.TakeFirstPacket(_fixture.Now, _fixture.Begun(), [1]);
        var hidden = Assert.Single(_fixture.Frames());
        Assert.Equal(DropReason.Reflected, _fixture.Receive(hidden));
        Assert.Equal(DropReason.Reflected, _fixture.Receive(Proposal(SelfId, "x", "a")));

        // Once it is over nobody can tell whose the random ID was.
        _fixture.Machine.Withdraw();
        Assert.Equal(DropReason.None, _fixture.Receive(hidden));
    }

    //= spec/psec.md#copy
    [Fact]
    public void Each_copy_of_an_accepted_proposal_draws_its_accept_and_nothing_else()
    {
        var proposal = Proposal(HighId, "x", "b", "a");
        var remote = _fixture.Take(proposal);
        byte[][] copies =
        [
            proposal,
            ProposalFrame.Encode(Convert.FromHexString(HighId), ["b", "a", "psec-attempt-1:x"]),
            ProposalFrame.Encode(Convert.FromHexString(HighId), ["b", "a", "psec-attempt-1:x", "psec-retry-1", "psec-retry-1:cookie"], [1, 2, 3]),
        ];
        var before = _fixture.Digest();
        Check();
        _fixture.Machine.OnProgress(_fixture.Now, remote);
        before = _fixture.Digest();
        Check();

        // Nor when one's own is outstanding meanwhile: it was accepted before.
        _fixture.Propose("a");
        _fixture.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(OwnProposalState.Outstanding, _fixture.Own.State);
        before = _fixture.Digest();
        Check();

        void Check()
        {
            foreach (var copy in copies)
            {
                Assert.Equal(ProposalKind.Copy, _fixture.Look(copy).Kind);
                Assert.Equal(DropReason.None, _fixture.Receive(copy, out var answer));
                Assert.Equal(Accept("b"), answer);
                Assert.Equal(before, _fixture.Digest());
                Assert.Empty(_fixture.Frames());
                Assert.Empty(_fixture.Reports());
            }
        }
    }

    //= spec/psec.md#copy
    [Fact]
    public void A_copy_of_a_simultaneous_proposal_draws_the_leaders_proposal_and_first_packet_and_nothing_from_the_other()
    {
        var leader = new NegotiatorFixture(LowId);
        var follower = new NegotiatorFixture(HighId);
        var (leading, following) = (leader.Propose("a")!, follower.Propose("a")!);
        var agreement = leader.Take(following).Agreement;
        follower.Take(leading);
        Assert.Equal(agreement, leader.Begun());
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(DropReason.None, leader.Receive(following, out var answer));
            Assert.Empty(answer);
            Assert.Equal(leading, Assert.Single(leader.Frames()));
            Assert.Equal(new NegotiationReport.Repeat(agreement), Assert.Single(leader.Reports()));

            var before = follower.Digest();
            Assert.Equal(DropReason.None, follower.Receive(leading, out answer));
            Assert.Empty(answer);
            Assert.Equal(before, follower.Digest());
            Assert.Empty(follower.Frames());
            Assert.Empty(follower.Reports());
        }
    }

    [Fact]
    public void A_copy_draws_nothing_while_the_own_proposal_waits_for_its_first_packet()
    {
        _fixture.Propose(new ProposalOptions { Schemes = ["a"] });
        _fixture.Reports();
        var proposal = Proposal(HighId, "x", "a");
        Assert.True(_fixture.Take(proposal).WeLead);
        Assert.IsType<NegotiationReport.Begin>(Assert.Single(_fixture.Reports()));
        Assert.Equal(DropReason.None, _fixture.Receive(proposal));
        Assert.Empty(_fixture.Frames());
        Assert.Empty(_fixture.Reports());
    }

    //= spec/psec.md#newest
    [Fact]
    public void The_newest_simultaneous_hypothesis_is_the_last_one_that_came_and_a_copy_makes_it_that_again()
    {
        _fixture.ProposeWith([1], "a", "b");
        var standard = _fixture.Own.Standard;
        var (first, second) = (Proposal(HighId, "first", "a"), Proposal(HighId, "second", "b"));
        var firstAgreement = _fixture.Take(first).Agreement;
        Assert.Equal(firstAgreement, _fixture.Begun());
        var secondAgreement = _fixture.Take(second).Agreement;
        Assert.Equal(secondAgreement, _fixture.Begun());
        Assert.Same(secondAgreement, _fixture.Own.Leading);

        _fixture.Receive(first);
        Assert.Equal(firstAgreement, _fixture.Begun());
        Assert.Same(firstAgreement, _fixture.Own.Leading);
        _fixture.Receive(first);
        Assert.Equal(new NegotiationReport.Repeat(firstAgreement), Assert.Single(_fixture.Reports()));

        // The standard hypothesis is of another kind: neither takes the other's place.
        Assert.Same(standard, _fixture.Own.Standard);
        Assert.Equal(DropReason.None, _fixture.Receive(Accept("b")));
        Assert.Equal(NegotiationCase.Standard, _fixture.Begun().Case);
        Assert.Same(firstAgreement, _fixture.Own.Leading);
        Assert.Equal(2, _fixture.Machine.Remotes.Count);
    }

    [Fact]
    public void An_accepted_proposal_is_forgotten_10_s_after_it_came_first()
    {
        var proposal = Proposal(HighId, "x", "a");
        _fixture.Take(proposal);
        for (var i = 0; i < 9; i++)
        {
            _fixture.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(ProposalKind.Copy, _fixture.Look(proposal).Kind);
            _fixture.Receive(proposal);
        }

        _fixture.Machine.OnProgress(_fixture.Now, _fixture.Machine.Remotes[0]);
        _fixture.Advance(TimeSpan.FromSeconds(1) - Nanosecond100);
        Assert.Equal(ProposalKind.Copy, _fixture.Look(proposal).Kind);
        _fixture.Advance(Nanosecond100);
        Assert.Equal(ProposalKind.Standard, _fixture.Look(proposal).Kind);
        Assert.True(_fixture.Machine.IsEmpty);
    }

    [Fact]
    public void A_simultaneous_proposal_is_forgotten_with_the_own_one_and_accepted_when_it_comes_again()
    {
        var proposal = Proposal(HighId, "x", "a");
        foreach (var withdrawn in new[] { false, true })
        {
            _fixture.Propose("a");
            _fixture.Advance(TimeSpan.FromSeconds(4));
            _fixture.Machine.OnProgress(_fixture.Now, _fixture.Take(proposal));
            if (withdrawn)
            {
                _fixture.Machine.Withdraw();
            }
            else
            {
                _fixture.Advance(TimeSpan.FromSeconds(6));
            }

            Assert.Empty(_fixture.Machine.Remotes);
            Assert.Equal(DropReason.None, _fixture.Receive(proposal, out var answer));
            Assert.Equal(Accept("a"), answer);
            _fixture.Advance(TimeSpan.FromSeconds(10));
            Assert.Empty(_fixture.Machine.Remotes);
        }
    }

    //= spec/psec.md#cancel
    [Fact]
    public void After_a_cancellation_accepted_proposals_live_on_and_simultaneous_ones_are_unknown_again()
    {
        var (accepted, simultaneous) = (Proposal(HighId, "accepted", "a"), Proposal(HighId, "simultaneous", "a"));
        var first = _fixture.Serve(accepted);
        _fixture.Propose("a");
        _fixture.Advance(TimeSpan.FromMilliseconds(500));
        var second = _fixture.Take(simultaneous);
        _fixture.Machine.Withdraw();
        Assert.Empty(_fixture.Frames());
        Assert.Empty(_fixture.Reports());
        Assert.Same(first, _fixture.Machine.FindResponder(first.Agreement.Tag));
        Assert.Null(_fixture.Machine.FindResponder(second.Agreement.Tag));
        Assert.Equal(ProposalKind.Standard, _fixture.Look(simultaneous).Kind);
        Assert.Equal(DropReason.None, _fixture.Receive(accepted, out var answer));
        Assert.Equal(Accept("a"), answer);
    }

    //= spec/psec.md#first-packet-tag
    [Fact]
    public void A_first_packet_is_served_under_the_proposal_whose_transcript_begins_with_its_tag()
    {
        var accepted = _fixture.Take(Proposal(HighId, "accepted", "a"));
        _fixture.Propose("a");
        _fixture.Advance(TimeSpan.FromMilliseconds(500));
        var led = _fixture.Take(Proposal(LowId, "we follow", "a"));
        var leading = _fixture.Take(Proposal(HighId, "we lead", "a"));
        foreach (var _ in new[] { "before a first packet", "and after it" })
        {
            Assert.Same(accepted, _fixture.Machine.FindResponder(accepted.Agreement.Tag));
            Assert.Same(led, _fixture.Machine.FindResponder(led.Agreement.Tag));
            Assert.Null(_fixture.Machine.FindResponder(leading.Agreement.Tag));
            Assert.Null(_fixture.Machine.FindResponder(new byte[8]));
            Assert.Null(_fixture.Machine.FindResponder(accepted.Agreement.Transcript[1..9]));
            _fixture.Machine.OnProgress(_fixture.Now, accepted);
            _fixture.Machine.OnProgress(_fixture.Now, led);
        }

        // The one that was won is over; the other one was ours to end.
        _fixture.Machine.OnWonAsInitiator(_fixture.Now, accepted.Agreement);
        Assert.Null(_fixture.Machine.FindResponder(accepted.Agreement.Tag));
        Assert.Null(_fixture.Machine.FindResponder(led.Agreement.Tag));
    }

    //= spec/psec.md#claimed-id
    [Theory]
    [InlineData(DialledId, true)]
    [InlineData(LowId, true)]
    [InlineData(HighId, false)]
    public void An_identity_multihash_in_a_proposal_is_what_its_handshake_has_to_prove(string id, bool claims)
    {
        var expected = claims ? Peer(id) : null;
        Assert.Equal(expected, _fixture.Take(Proposal(id, "standard", "a")).Agreement.ClaimedPeer);
        _fixture.Propose("a");
        _fixture.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(expected, _fixture.Take(Proposal(id, "simultaneous", "a")).Agreement.ClaimedPeer);

        // What we proposed ourselves claims nothing of the other side.
        _fixture.Reports();
        Assert.Equal(DropReason.None, _fixture.Receive(Accept("a")));
        Assert.Null(_fixture.Begun().ClaimedPeer);
    }

    [Fact]
    public void What_admission_asks_of_a_proposal_is_read_and_changes_nothing()
    {
        var plain = _fixture.Look(ProposalFrame.Encode(Convert.FromHexString(DialledId), ["d", "psec-attempt-1:x"]));
        Assert.Equal((ProposalKind.Standard, null, false, 0), (plain.Kind, plain.Scheme, plain.TakesRetry, plain.Cookie.Length));
        Assert.Equal(["d"], plain.Schemes);
        Assert.Equal(Peer(DialledId), plain.ClaimedPeer);

        var retried = _fixture.Look(ProposalFrame.Encode(Convert.FromHexString(HighId), ["b", "psec-attempt-1:x", "psec-retry-1", "psec-retry-1:", "psec-retry-1:abc", "psec-retry-1:d"]));
        Assert.Equal((ProposalKind.Standard, "b", true), (retried.Kind, retried.Scheme, retried.TakesRetry));
        Assert.Equal("abc"u8.ToArray(), retried.Cookie);
        Assert.Null(retried.ClaimedPeer);
        Assert.Equal(32, retried.Digest.Length);
        Assert.Equal(DropReason.Reflected, _fixture.Machine.Take(_fixture.Now, _fixture.Look(Proposal(SelfId, "x", "a")), out _));
    }

    //= spec/psec.md#proposals-per-address
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_fifth_proposal_takes_the_place_of_the_oldest_that_drew_no_first_packet(bool simultaneous)
    {
        Begin(simultaneous);
        var remotes = Enumerable.Range(0, 4).Select(i => _fixture.Take(Proposal(HighId, $"{i}", "a"))).ToList();
        Assert.Equal(4, _fixture.Machine.Remotes.Count);
        _fixture.Machine.OnProgress(_fixture.Now, remotes[0]);
        _fixture.Machine.OnProgress(_fixture.Now, remotes[2]);

        var fifth = _fixture.Take(Proposal(HighId, "fifth", "a"));
        Assert.Equal([remotes[0], remotes[2], remotes[3], fifth], _fixture.Machine.Remotes);
        var sixth = _fixture.Take(Proposal(HighId, "sixth", "a"));
        Assert.Equal([remotes[0], remotes[2], fifth, sixth], _fixture.Machine.Remotes);
    }

    //= spec/psec.md#proposals-per-address
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_fifth_proposal_is_dropped_when_all_four_drew_a_first_packet(bool simultaneous)
    {
        Begin(simultaneous);
        var remotes = Enumerable.Range(0, 4).Select(i => _fixture.Serve(Proposal(HighId, $"{i}", "a"))).ToList();
        Assert.Equal(DropReason.AddressProposalsFull, _fixture.Receive(Proposal(HighId, "fifth", "a"), out var answer));
        Assert.Empty(answer);
        Assert.Equal(remotes, _fixture.Machine.Remotes);

        // Copies need no place; what nothing is common with takes none.
        Assert.Equal(DropReason.None, _fixture.Receive(Proposal(HighId, "0", "a")));
        Assert.Equal(simultaneous ? DropReason.None : DropReason.NoCommonScheme, _fixture.Receive(Proposal(HighId, "sixth", "d")));

        // Those that are over do not count.
        _fixture.Machine.OnWonAsResponder(_fixture.Now, remotes[0].Agreement, Peer(HighId));
        Assert.Equal(DropReason.None, _fixture.Receive(Proposal(HighId, "fifth", "a")));
    }

    //= spec/psec.md#proposals-per-address
    [Fact]
    public void Where_this_side_leads_a_verified_answer_keeps_the_place()
    {
        _fixture.Propose("a");
        var remotes = Enumerable.Range(0, 4).Select(i => _fixture.Take(Proposal(HighId, $"{i}", "a"))).ToList();
        _fixture.Machine.OnAnswered(remotes[0].Agreement);
        Assert.Equal(RemoteProposalState.SimultaneousServing, remotes[0].State);
        Assert.False(_fixture.Own.Accepted);
        var fifth = _fixture.Take(Proposal(HighId, "fifth", "a"));
        Assert.Equal([remotes[0], remotes[2], remotes[3], fifth], _fixture.Machine.Remotes);
    }

    [Fact]
    public void A_copy_draws_a_proposal_where_this_side_leads()
    {
        _fixture.Propose("a");
        var (first, second) = (_fixture.Take(Proposal(HighId, "first", "a")), _fixture.Take(Proposal(HighId, "second", "a")));
        var led = _fixture.Take(Proposal(LowId, "led", "a"));
        Assert.Equal([true, true, false], new[] { first, second, led }.Select(_fixture.Machine.DrawsProposal));
        _fixture.Machine.Withdraw();
        Assert.False(_fixture.Machine.DrawsProposal(second));
    }

    [Fact]
    public void Agreements_are_known_until_their_proposals_are_over()
    {
        var remote = _fixture.Take(Proposal(HighId, "x", "a"));
        Assert.True(_fixture.Machine.Knows(remote.Agreement));
        Assert.False(_fixture.Machine.Knows(Agreement.Standard(PacketSec.Crypto.CryptoProvider.Default, [1], "a", null)));
        _fixture.Machine.OnWonAsResponder(_fixture.Now, remote.Agreement, Peer(HighId));
        Assert.False(_fixture.Machine.Knows(remote.Agreement));
    }

    private void Begin(bool simultaneous)
    {
        if (simultaneous)
        {
            _fixture.Propose("a");
        }
    }

    private void CheckNotAccepted(string name)
    {
        Assert.Equal(DropReason.None, _fixture.Receive(Proposal(HighId, name, "a"), out var answer));
        Assert.Empty(answer);
        Assert.Equal(RemoteProposalState.Simultaneous, _fixture.Machine.Remotes[^1].State);
        Assert.False(_fixture.Machine.Serves);
        _fixture.Frames();
        _fixture.Reports();
    }
}
