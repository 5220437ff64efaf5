using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using static PacketSec.Core.Tests.Negotiation.NegotiatorFixture;

namespace PacketSec.Core.Tests.Negotiation;

public sealed class JoinAndWinTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    private readonly NegotiatorFixture _fixture = new();

    //= spec/psec.md#join
    [Fact]
    public void A_dial_waits_500_ms_for_the_proposal_that_is_being_served_and_then_sends_its_own()
    {
        _fixture.Take(Proposal(DialledId, "x", "a"));
        _fixture.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(_fixture.Propose("a"));
        Assert.Equal(OwnProposalState.Joining, _fixture.Own.State);
        Assert.Empty(_fixture.Advance(Patience - Nanosecond100));
        Assert.Equal(OwnProposalState.Joining, _fixture.Own.State);
        Assert.Single(_fixture.Advance(Nanosecond100));
        Assert.Equal(OwnProposalState.Outstanding, _fixture.Own.State);
        Assert.Equal(RemoteProposalState.Accepted, _fixture.Machine.Remotes[0].State);

        // The copies begin now; the deadline stays where it was.
        Assert.Equal(TimeSpan.FromMilliseconds(333), _fixture.Advance(Patience)[0].At);
        Assert.Equal(TimeSpan.FromSeconds(9), _fixture.Own.Deadline - _fixture.Now);
    }

    //= spec/psec.md#join
    [Fact]
    public void Each_progress_of_what_it_waits_for_gives_it_500_ms_more()
    {
        var remote = _fixture.Take(Proposal(DialledId, "x", "a"));
        _fixture.Propose("a");
        for (var i = 0; i < 3; i++)
        {
            Assert.Empty(_fixture.Advance(TimeSpan.FromMilliseconds(498)));
            Assert.Equal(OwnProposalState.Joining, _fixture.Own.State);
            _fixture.Machine.OnProgress(_fixture.Now, remote);
        }

        Assert.Empty(_fixture.Advance(Patience - Nanosecond100));
        Assert.Single(_fixture.Advance(Nanosecond100));
    }

    //= spec/psec.md#join
    [Fact]
    public void It_waits_no_longer_than_2_s_whatever_comes()
    {
        var remote = _fixture.Take(Proposal(DialledId, "x", "a"));
        _fixture.Propose("a");
        var begun = _fixture.Now;
        while (_fixture.Now < begun + TimeSpan.FromSeconds(1.9))
        {
            Assert.Empty(_fixture.Advance(TimeSpan.FromMilliseconds(100)));
            _fixture.Machine.OnProgress(_fixture.Now, remote);
        }

        Assert.Empty(_fixture.Advance(begun + TimeSpan.FromSeconds(2) - Nanosecond100 - _fixture.Now));
        Assert.Equal(OwnProposalState.Joining, _fixture.Own.State);
        Assert.Single(_fixture.Advance(Nanosecond100));
    }

    //= spec/psec.md#join
    [Fact]
    public void A_dial_with_nothing_left_to_wait_for_sends_its_proposal()
    {
        _fixture.Take(Proposal(DialledId, "x", "a"));
        _fixture.Advance(TimeSpan.FromSeconds(9.8));
        _fixture.Propose("a");
        Assert.Empty(_fixture.Advance(TimeSpan.FromMilliseconds(200) - Nanosecond100));
        Assert.Single(_fixture.Advance(Nanosecond100));
        Assert.Empty(_fixture.Machine.Remotes);
    }

    [Theory]
    [InlineData("over")]
    [InlineData("simultaneous")]
    [InlineData("nothing")]
    public void A_dial_does_not_wait_for_what_is_not_being_served(string what)
    {
        if (what != "nothing")
        {
            if (what == "simultaneous")
            {
                _fixture.Propose("a");
            }

            var remote = _fixture.Take(Proposal(HighId, "x", "a"));
            if (what == "over")
            {
                _fixture.Machine.OnWonAsInitiator(_fixture.Now, remote.Agreement);
            }
            else
            {
                _fixture.Machine.Withdraw();
            }
        }

        Assert.NotNull(_fixture.Propose("a"));
        Assert.Equal(OwnProposalState.Outstanding, _fixture.Own.State);
    }

    [Fact]
    public void A_dial_that_waits_leaves_proposals_to_be_accepted()
    {
        _fixture.Take(Proposal(DialledId, "x", "a"));
        _fixture.Propose("a");
        Assert.Equal(DropReason.None, _fixture.Receive(Proposal(DialledId, "y", "a"), out var answer));
        Assert.Equal(Accept("a"), answer);
        Assert.Equal(DropReason.NoCommonScheme, _fixture.Receive(Proposal(DialledId, "z", "d")));
        Assert.Equal(OwnProposalState.Joining, _fixture.Own.State);
    }

    [Fact]
    public void A_dial_that_waits_fails_at_its_deadline_too()
    {
        _fixture.Take(Proposal(DialledId, "x", "a"));
        _fixture.Propose(new ProposalOptions { Schemes = ["a"] }, within: TimeSpan.FromMilliseconds(400));
        _fixture.Advance(TimeSpan.FromMilliseconds(400) - Nanosecond100);
        Assert.Equal(OwnProposalState.Joining, _fixture.Own.State);
        _fixture.Advance(Nanosecond100);
        Assert.Null(_fixture.Machine.Own);
        Assert.Equal(NegotiationOutcome.TimedOut, _fixture.Outcome());
    }

    //= spec/psec.md#one-wins
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_win_by_the_dialled_identity_ends_the_attempt_and_what_belongs_to_it(bool joining)
    {
        var accepted = _fixture.Take(Proposal(DialledId, "accepted", "a"));
        _fixture.Propose("a");
        if (!joining)
        {
            _fixture.Advance(Patience);
            _fixture.Take(Proposal(LowId, "served", "a"));
            _fixture.Serve(Proposal(HighId, "led", "a"));
        }

        Assert.Equal(joining ? OwnProposalState.Joining : OwnProposalState.Outstanding, _fixture.Own.State);
        _fixture.Machine.OnWonAsResponder(_fixture.Now, accepted.Agreement, Dialled);
        Assert.Null(_fixture.Machine.Own);
        Assert.Equal(NegotiationOutcome.WonByPeer, _fixture.Outcome());
        Assert.Equal((accepted, RemoteProposalState.Over), (Assert.Single(_fixture.Machine.Remotes), accepted.State));
        Assert.Null(_fixture.Machine.FindResponder(accepted.Agreement.Tag));
        Assert.False(_fixture.Machine.Serves);
    }

    //= spec/psec.md#one-wins
    [Fact]
    public void A_win_as_initiator_ends_the_attempt_and_says_nothing_to_who_won()
    {
        _fixture.Propose("a");
        var remote = _fixture.Take(Proposal(HighId, "x", "a"));
        _fixture.Reports();
        _fixture.Machine.OnWonAsInitiator(_fixture.Now, remote.Agreement);
        Assert.Null(_fixture.Machine.Own);
        Assert.Empty(_fixture.Reports());
        Assert.Equal(RemoteProposalState.Over, remote.State);
    }

    // The peer gave an attempt up, or restarted, and proposed anew, before the finish of the attempt before arrived.
    //= spec/psec.md#copy-after-win
    [Theory]
    [InlineData("served as responder")]
    [InlineData("dialled, won as responder")]
    [InlineData("dialled, won as initiator")]
    public void A_win_leaves_a_proposal_of_another_attempt_to_be_accepted(string how)
    {
        if (how != "served as responder")
        {
            _fixture.Propose("a");
        }

        var won = _fixture.Take(Proposal(HighId, "won", "a"));
        var newer = Proposal(HighId, "newer", "a");
        _fixture.Take(newer);
        if (how == "dialled, won as initiator")
        {
            _fixture.Machine.OnWonAsInitiator(_fixture.Now, won.Agreement);
        }
        else
        {
            _fixture.Machine.OnWonAsResponder(_fixture.Now, won.Agreement, how == "served as responder" ? Peer(HighId) : Dialled);
        }

        Assert.Equal(DropReason.NegotiationOver, _fixture.Receive(Proposal(HighId, "won", "a")));
        Assert.Equal(DropReason.None, _fixture.Receive(newer, out var answer));
        Assert.Equal(Accept("a"), answer);
        Assert.NotNull(_fixture.Machine.FindResponder(_fixture.Machine.Remotes[^1].Agreement.Tag));
    }

    //= spec/psec.md#one-wins
    [Fact]
    public void A_win_by_another_identity_ends_what_belongs_to_its_proposal_and_the_dial_goes_on()
    {
        var accepted = _fixture.Take(Proposal(HighId, "accepted", "a"));
        var other = _fixture.Take(Proposal(LowId, "other", "a"));
        _fixture.Propose("a");
        _fixture.Advance(Patience);
        var led = _fixture.Take(Proposal(LowId, "led", "a"));
        _fixture.Machine.OnWonAsResponder(_fixture.Now, accepted.Agreement, Peer(HighId));
        Assert.Equal(OwnProposalState.Outstanding, _fixture.Own.State);
        Assert.Empty(_fixture.Reports());
        Assert.Equal(
            [RemoteProposalState.Over, RemoteProposalState.Accepted, RemoteProposalState.Simultaneous],
            _fixture.Machine.Remotes.Select(remote => remote.State));
        Assert.Null(_fixture.Machine.FindResponder(accepted.Agreement.Tag));
        Assert.Same(other, _fixture.Machine.FindResponder(other.Agreement.Tag));
        Assert.Equal(DropReason.NegotiationOver, _fixture.Receive(Proposal(HighId, "accepted", "a")));

        // So it is with a win under the transcript of both proposals.
        _fixture.Machine.OnWonAsResponder(_fixture.Now, led.Agreement, Peer(LowId));
        Assert.Equal((OwnProposalState.Outstanding, RemoteProposalState.Over), (_fixture.Own.State, led.State));
        Assert.NotEmpty(_fixture.Advance(TimeSpan.FromSeconds(1)));
        Assert.Equal(TimeSpan.FromSeconds(59), led.ForgetAt - _fixture.Now);

        // And a win of what is known no more ends nothing.
        var before = _fixture.Digest();
        _fixture.Machine.OnWonAsResponder(_fixture.Now, Agreement.Standard(PacketSec.Crypto.CryptoProvider.Default, [1], "a", null), Peer(HighId));
        Assert.Equal(before, _fixture.Digest());
    }

    [Fact]
    public void A_dial_that_waited_for_another_identity_sends_its_proposal_when_that_one_has_won()
    {
        var accepted = _fixture.Take(Proposal(HighId, "x", "a"));
        _fixture.Propose("a");
        _fixture.Machine.OnWonAsResponder(_fixture.Now, accepted.Agreement, Peer(HighId));
        _fixture.Machine.HandleTimeout(_fixture.Now);
        Assert.Single(_fixture.Frames());
        Assert.Equal(OwnProposalState.Outstanding, _fixture.Own.State);
    }

    //= spec/psec.md#copy-after-win
    [Theory]
    [InlineData("won as initiator")]
    [InlineData("won as responder")]
    [InlineData("won by another")]
    public void A_proposal_of_an_attempt_that_was_won_is_known_for_60_s(string how)
    {
        var proposal = Proposal(HighId, "x", "a");
        _fixture.Advance(TimeSpan.FromSeconds(1));
        if (how == "won as initiator")
        {
            _fixture.Propose("a");
        }

        var remote = _fixture.Take(proposal);
        if (how == "won by another")
        {
            _fixture.Propose("a");
        }

        _fixture.Advance(TimeSpan.FromMilliseconds(100));
        if (how == "won as initiator")
        {
            _fixture.Machine.OnWonAsInitiator(_fixture.Now, remote.Agreement);
        }
        else
        {
            _fixture.Machine.OnWonAsResponder(_fixture.Now, remote.Agreement, Peer(HighId));
        }

        // A second win does not lengthen the memory.
        var won = _fixture.Now;
        _fixture.Advance(TimeSpan.FromSeconds(20));
        _fixture.Machine.OnWonAsInitiator(_fixture.Now, remote.Agreement);
        _fixture.Advance(won + TimeSpan.FromSeconds(60) - Nanosecond100 - _fixture.Now);
        Assert.Equal(DropReason.NegotiationOver, _fixture.Receive(proposal, out var answer));
        Assert.Empty(answer);
        _fixture.Advance(Nanosecond100);
        Assert.Equal(DropReason.None, _fixture.Receive(proposal, out answer));
        Assert.Equal(Accept("a"), answer);
    }

    //= spec/psec.md#copy-after-win
    [Fact]
    public void A_proposal_of_an_attempt_that_was_won_is_unknown_when_no_session_lives_any_more()
    {
        var proposal = Proposal(HighId, "x", "a");
        _fixture.Machine.OnWonAsResponder(_fixture.Now, _fixture.Take(proposal).Agreement, Peer(HighId));
        var served = _fixture.Take(Proposal(HighId, "y", "a"));
        Assert.Equal(DropReason.NegotiationOver, _fixture.Receive(proposal));
        _fixture.Machine.ForgetWon();
        Assert.Equal([served], _fixture.Machine.Remotes);
        Assert.Equal(DropReason.None, _fixture.Receive(proposal));
    }

    // While a session lives a proposal of a new attempt is a new wish.
    [Fact]
    public void After_a_win_another_proposal_is_taken()
    {
        _fixture.Machine.OnWonAsResponder(_fixture.Now, _fixture.Take(Proposal(HighId, "x", "a")).Agreement, Peer(HighId));
        Assert.Equal(DropReason.None, _fixture.Receive(Proposal(HighId, "y", "a"), out var answer));
        Assert.Equal(Accept("a"), answer);
        Assert.NotNull(new NegotiatorFixture().Propose("a"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Eight_proposals_of_attempts_that_were_won_are_remembered_and_the_oldest_goes(bool byAnother)
    {
        var served = byAnother ? _fixture.Serve(Proposal(LowId, "served", "a")) : null;
        if (byAnother)
        {
            _fixture.Propose("a");
            _fixture.Advance(Patience);
        }

        for (var i = 0; i < 9; i++)
        {
            _fixture.Machine.OnWonAsResponder(_fixture.Now, _fixture.Take(Proposal(HighId, $"{i}", "a")).Agreement, Peer(HighId));
        }

        Assert.Equal(8, _fixture.Machine.Remotes.Count(remote => remote.State == RemoteProposalState.Over));
        Assert.Equal(DropReason.NegotiationOver, _fixture.Receive(Proposal(HighId, "1", "a")));
        Assert.NotEqual(ProposalKind.Copy, _fixture.Look(Proposal(HighId, "0", "a")).Kind);
        if (served is not null)
        {
            Assert.Same(served, _fixture.Machine.Remotes[0]);
        }
    }
}
