using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using static PacketSec.Core.Tests.Negotiation.NegotiatorFixture;

namespace PacketSec.Core.Tests.Negotiation;

public sealed class RejectAndRetryTests
{
    private static readonly byte[] Reject = PsecFrame.Reject.ToArray();

    private readonly NegotiatorFixture _fixture = new();

    //= spec/psec.md#reject-schedule
    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(6999)]
    public void A_rejected_attempt_goes_on_for_3_s_and_then_fails(int milliseconds)
    {
        _fixture.Propose("a");
        _fixture.Advance(TimeSpan.FromMilliseconds(milliseconds));
        Assert.Equal(DropReason.None, _fixture.Receive(Reject));
        var sent = _fixture.Advance(TimeSpan.FromSeconds(3) - Nanosecond100);
        Assert.InRange(sent.Count, 5, 6);
        Assert.Equal(OwnProposalState.Rejected, _fixture.Own.State);

        Assert.Empty(_fixture.Advance(Nanosecond100));
        Assert.Null(_fixture.Machine.Own);
        Assert.Equal(NegotiationOutcome.NoCommonScheme, _fixture.Outcome());
    }

    //= spec/psec.md#reject-schedule
    [Fact]
    public void A_rejected_attempt_goes_on_until_two_more_copies_are_out()
    {
        _fixture.Propose("a");
        Assert.Equal(DropReason.None, _fixture.Receive(Reject));

        // The driver slept: the time is over, the copies are not out.
        _fixture.Now += TimeSpan.FromSeconds(4);
        _fixture.Machine.HandleTimeout(_fixture.Now);
        Assert.Single(_fixture.Frames());
        Assert.Equal(OwnProposalState.Rejected, _fixture.Own.State);

        Assert.Empty(_fixture.Advance(TimeSpan.FromMilliseconds(500) - Nanosecond100));
        Assert.Single(_fixture.Advance(Nanosecond100));
        Assert.Equal(OwnProposalState.Rejected, _fixture.Own.State);

        // The last of them has a chance of an answer.
        Assert.Empty(_fixture.Advance(TimeSpan.FromMilliseconds(333) - Nanosecond100));
        Assert.Equal(OwnProposalState.Rejected, _fixture.Own.State);
        _fixture.Advance(Nanosecond100);
        Assert.Equal(NegotiationOutcome.NoCommonScheme, _fixture.Outcome());
    }

    //= spec/psec.md#reject-schedule
    [Fact]
    public void A_second_reject_changes_nothing()
    {
        _fixture.Propose("a");
        _fixture.Receive(Reject);
        _fixture.Advance(TimeSpan.FromSeconds(2));
        var before = _fixture.Digest();
        Assert.Equal(DropReason.None, _fixture.Receive(Reject));
        Assert.Equal(before, _fixture.Digest());
        _fixture.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(_fixture.Machine.Own);
    }

    [Fact]
    public void A_late_reject_does_not_lengthen_the_attempt()
    {
        _fixture.Propose("a");
        _fixture.Advance(TimeSpan.FromSeconds(8));
        Assert.Equal(DropReason.None, _fixture.Receive(Reject));
        _fixture.Advance(TimeSpan.FromSeconds(2) - Nanosecond100);
        Assert.Equal(OwnProposalState.Rejected, _fixture.Own.State);
        _fixture.Advance(Nanosecond100);
        Assert.Equal(NegotiationOutcome.NoCommonScheme, _fixture.Outcome());
    }

    //= spec/psec.md#reject-schedule
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void A_reject_ends_nothing_when_there_is_an_accept_or_a_simultaneous_proposal(bool accept, bool rejectFirst)
    {
        _fixture.Propose("a");
        if (rejectFirst)
        {
            _fixture.Receive(Reject);
            Assert.Equal(OwnProposalState.Rejected, _fixture.Own.State);
            _fixture.Advance(TimeSpan.FromSeconds(3) - Nanosecond100);
        }

        _fixture.Receive(accept ? Accept("a") : Proposal(LowId, "x", "a"));
        _fixture.Reports();
        Assert.Equal(DropReason.None, _fixture.Receive(Reject));
        Assert.Equal(OwnProposalState.Outstanding, _fixture.Own.State);
        _fixture.Advance(_fixture.Own.Deadline - _fixture.Now - Nanosecond100);
        Assert.Equal(OwnProposalState.Outstanding, _fixture.Own.State);
        _fixture.Advance(Nanosecond100);
        Assert.Equal(NegotiationOutcome.TimedOut, _fixture.Outcome());
    }

    //= spec/psec.md#reject-hidden
    [Fact]
    public void A_reject_of_a_hidden_proposal_changes_nothing()
    {
        _fixture.Propose(new ProposalOptions { Schemes = ["a"], HidePeerId = true, EmbedFirstPacket = false });
        var before = _fixture.Digest();
        Assert.Equal(DropReason.None, _fixture.Receive(Reject));
        Assert.Equal(before, _fixture.Digest());
        _fixture.Advance(TimeSpan.FromSeconds(10) - Nanosecond100);
        Assert.Equal(OwnProposalState.Outstanding, _fixture.Own.State);
        _fixture.Advance(Nanosecond100);
        Assert.Equal(NegotiationOutcome.TimedOut, _fixture.Outcome());
    }

    //= spec/psec.md#reject-unexpected
    [Fact]
    public void A_reject_is_for_a_proposal_that_was_sent()
    {
        Assert.Equal(DropReason.NoProposal, _fixture.Receive(Reject));
        _fixture.Take(Proposal(HighId, "joined", "a"));
        _fixture.Propose(new ProposalOptions { Schemes = ["a"] });
        Assert.Equal(DropReason.NoProposal, _fixture.Receive(Reject));
        _fixture.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(OwnProposalState.Preparing, _fixture.Own.State);
        Assert.Equal(DropReason.NoProposal, _fixture.Receive(Reject));
        _fixture.Machine.TakeFirstPacket(_fixture.Now, _fixture.Begun(), []);
        Assert.Equal(DropReason.None, _fixture.Receive(Reject));
        _fixture.Machine.Withdraw();
        Assert.Equal(DropReason.NoProposal, _fixture.Receive(Reject));
    }

    [Theory]
    [InlineData("nothing", false)]
    [InlineData("a proposal of nothing in common", true)]
    [InlineData("such a proposal and an accept", false)]
    [InlineData("such a proposal and another", false)]
    public void A_proposal_with_nothing_in_common_ends_no_attempt_and_explains_its_end(string came, bool nothingCommon)
    {
        _fixture.Propose("a");
        if (came != "nothing")
        {
            Assert.Equal(DropReason.None, _fixture.Receive(Proposal(LowId, "x", "d"), out var answer));
            Assert.Empty(answer);
            Assert.Empty(_fixture.Machine.Remotes);
        }

        if (came == "such a proposal and an accept")
        {
            _fixture.Receive(Accept("a"));
        }
        else if (came == "such a proposal and another")
        {
            _fixture.Take(Proposal(LowId, "y", "a"));
        }

        _fixture.Reports();
        _fixture.Advance(TimeSpan.FromSeconds(10) - Nanosecond100);
        Assert.Equal(OwnProposalState.Outstanding, _fixture.Own.State);
        _fixture.Advance(Nanosecond100);
        Assert.Equal(nothingCommon ? NegotiationOutcome.NoCommonScheme : NegotiationOutcome.TimedOut, _fixture.Outcome());
    }

    //= spec/psec.md#retry-taken
    [Fact]
    public void A_retry_draws_one_copy_at_once_with_its_string_at_the_end()
    {
        var frame = _fixture.Propose("a", "b")!;
        var normal = _fixture.Own.NormalForm;
        var before = Strings(frame);
        _fixture.Advance(TimeSpan.FromMilliseconds(100));
        foreach (var cookie in new[] { _fixture.Retry("one"), _fixture.Retry("two") })
        {
            Assert.Equal(DropReason.None, _fixture.Receive(Accept(cookie)));
            var copy = Assert.Single(_fixture.Frames());
            Assert.Equal([.. before, cookie], Strings(copy));
            Assert.True(WireMessage.TryRead<ProposalFrame>(copy, out var read));
            Assert.Equal(normal, read.ToNormalForm());
            Assert.Empty(_fixture.Reports());
            Assert.Null(_fixture.Own.Standard);
            Assert.False(_fixture.Own.Accepted);
        }

        // Later copies carry the last one, 500 ms after it was sent at the earliest.
        var sent = _fixture.Advance(TimeSpan.FromMilliseconds(1100));
        Assert.Equal([TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(1000)], sent.Select(copy => copy.At));
        Assert.All(sent, copy => Assert.Equal([.. before, _fixture.Retry("two")], Strings(copy.Frame)));

        // The proposal is as valid as before.
        Assert.Equal(DropReason.None, _fixture.Receive(Accept("a")));
        Assert.Equal(ChoiceOracle.Standard(frame, ["a"]).Transcript, _fixture.Begun().Transcript.ToArray());
    }

    //= spec/psec.md#retry-taken
    [Fact]
    public void Three_retries_are_taken_in_an_attempt_and_no_fourth()
    {
        for (var attempt = 0; attempt < 2; attempt++)
        {
            _fixture.Propose("a");
            for (var i = 0; i < 3; i++)
            {
                Assert.Equal(DropReason.None, _fixture.Receive(Accept(_fixture.Retry($"{i}"))));
            }

            Assert.Equal(DropReason.RetriesExhausted, _fixture.Receive(Accept(_fixture.Retry("3"))));
            Assert.Equal(3, _fixture.Frames().Count);
            _fixture.Machine.Withdraw();
        }
    }

    // Who does not see the proposals is not to use up the retries.
    //= spec/psec.md#retry-names
    [Fact]
    public void A_retry_that_names_another_proposal_is_dropped_and_is_none_of_the_three()
    {
        _fixture.Propose("a");
        var former = _fixture.Retry("x");
        _fixture.Machine.Withdraw();
        _fixture.Propose("a");
        var name = _fixture.Retry("");
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(DropReason.NoProposal, _fixture.Receive(Accept(former)));
            Assert.Equal(DropReason.NoProposal, _fixture.Receive(Accept("psec-retry-1:x")));
            Assert.Equal(DropReason.NoProposal, _fixture.Receive(Accept(name[..^1])));
            Assert.Equal(DropReason.NoProposal, _fixture.Receive(Accept(name[..^1] + (name[^1] == 'A' ? 'B' : 'A'))));
        }

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(DropReason.None, _fixture.Receive(Accept(_fixture.Retry($"{i}"))));
        }

        Assert.Equal(DropReason.RetriesExhausted, _fixture.Receive(Accept(_fixture.Retry("3"))));
        Assert.Equal(DropReason.NoProposal, _fixture.Receive(Accept(former)));
    }

    [Fact]
    public void The_string_of_a_retry_has_at_most_128_bytes()
    {
        _fixture.Propose("a");
        Assert.Equal(DropReason.NotOffered, _fixture.Receive(Accept(_fixture.Retry(new string('x', 104)))));
        Assert.Equal(DropReason.None, _fixture.Receive(Accept(_fixture.Retry(new string('x', 103)))));
        Assert.Equal(DropReason.None, _fixture.Receive(Accept(_fixture.Retry(""))));
    }

    // A forged retry must not make a proposal that no path carries.
    [Fact]
    public void A_retry_whose_string_does_not_fit_the_longest_datagram_is_not_taken()
    {
        var length = new NegotiatorFixture().Propose("a")!.Length;
        foreach (var (longest, expected) in new[] { (length + 29, DropReason.None), (length + 28, DropReason.NotOffered) })
        {
            var fixture = new NegotiatorFixture(longest: longest);
            fixture.ProposeWith([1, 2, 3], "a");
            Assert.Equal(expected, fixture.Receive(Accept(fixture.Retry("abc"))));
            Assert.Equal(expected == DropReason.None ? 1 : 0, fixture.Frames().Count);
            Assert.Equal(DropReason.None, fixture.Receive(Accept(fixture.Retry("ab"))));
            Assert.All(fixture.Frames(), frame => Assert.InRange(frame.Length, 0, longest));
        }
    }
}
