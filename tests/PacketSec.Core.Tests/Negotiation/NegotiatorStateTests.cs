using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using static PacketSec.Core.Tests.Negotiation.NegotiatorFixture;

namespace PacketSec.Core.Tests.Negotiation;

/// <summary>Copies of a negotiator, and the digest of its state: what explorations and other tests rely on.</summary>
public sealed class NegotiatorStateTests
{

    /// <summary>What happens to an outstanding proposal beside an accepted and a simultaneous one, and whether the state is another after it.</summary>
    private static readonly Dictionary<string, (bool Changes, Action<NegotiatorFixture> Do)> Steps = new()
    {
        ["an accept of another scheme"] = (true, fixture => fixture.Receive(Accept("b"))),
        ["an accept of the same scheme"] = (false, fixture => fixture.Receive(Accept("a"))),
        ["an accept of what was not offered"] = (false, fixture => fixture.Receive(Accept("d"))),
        ["a retry"] = (true, fixture => fixture.Receive(Accept(fixture.Retry("x")))),
        ["a reject"] = (false, fixture => fixture.Receive(PsecFrame.Reject.ToArray())),
        ["a new simultaneous proposal"] = (true, fixture => fixture.Receive(Proposal(HighId, "new", "a"))),
        ["one of nothing in common"] = (true, fixture => fixture.Receive(Proposal(HighId, "new", "d"))),
        ["a copy of the accepted one"] = (false, fixture => fixture.Receive(Proposal(HighId, "accepted", "a"))),
        ["a copy of the simultaneous one"] = (false, fixture => fixture.Receive(Proposal(HighId, "simultaneous", "a"))),
        ["a reflected one"] = (false, fixture => fixture.Receive(Proposal(SelfId, "x", "a"))),
        ["a look"] = (false, fixture => fixture.Look(Proposal(HighId, "new", "a"))),
        ["a search"] = (false, fixture => fixture.Machine.FindResponder(fixture.Machine.Remotes[0].Agreement.Tag)),
        ["a first packet"] = (true, fixture => fixture.Machine.OnProgress(fixture.Now, fixture.Machine.Remotes[0])),
        ["an answer under an agreement that is not known"] = (false, fixture => fixture.Machine.OnAnswered(Unknown)),
        ["a first packet that nobody asked for"] = (false, fixture => fixture.Machine.TakeFirstPacket(fixture.Now, fixture.Own.Standard!, [1])),
        ["a timeout that is not due"] = (false, fixture => fixture.Machine.HandleTimeout(fixture.Now)),
        ["a copy that is due"] = (true, fixture => fixture.Advance(TimeSpan.FromMilliseconds(500))),
        ["a poll of frames"] = (false, fixture => fixture.Frames()),
        ["a poll of reports"] = (false, fixture => fixture.Reports()),
        ["a win as initiator"] = (true, fixture => fixture.Machine.OnWonAsInitiator(fixture.Now, Unknown)),
        ["a win of the dialled"] = (true, fixture => fixture.Machine.OnWonAsResponder(fixture.Now, Unknown, Dialled)),
        ["a win of another"] = (true, fixture => fixture.Machine.OnWonAsResponder(fixture.Now, fixture.Machine.Remotes[0].Agreement, Peer(HighId))),
        ["a win of another that is not known"] = (false, fixture => fixture.Machine.OnWonAsResponder(fixture.Now, Unknown, Peer(HighId))),
        ["a withdrawal"] = (true, fixture => fixture.Machine.Withdraw()),
        ["the end of all sessions"] = (false, fixture => fixture.Machine.ForgetWon()),
        ["a copy"] = (false, fixture => fixture.Machine.Clone()),
    };

    public static TheoryData<string> StepNames => new(Steps.Keys);

    [Theory]
    [MemberData(nameof(StepNames))]
    public void The_digest_is_another_exactly_when_the_state_is(string step)
    {
        var fixture = Busy();
        var before = fixture.Digest();
        var (changes, act) = Steps[step];
        act(fixture);
        Assert.Equal(changes, !before.AsSpan().SequenceEqual(fixture.Digest()));
    }

    [Theory]
    [MemberData(nameof(StepNames))]
    public void A_copy_has_a_life_of_its_own(string step)
    {
        var fixture = Busy();
        var copy = fixture.Machine.Clone();
        var before = Digest(copy);
        Assert.Equal(fixture.Digest(), before);
        Assert.Equal(fixture.Machine.NextDeadline, copy.NextDeadline);

        Steps[step].Do(fixture);
        Assert.Equal(before, Digest(copy));
        Assert.True(copy.TryPollFrame(out _));
        Assert.True(copy.TryPollReport(out _));

        // And the other way round.
        var after = fixture.Digest();
        copy.OnProgress(fixture.Now, copy.Remotes[0]);
        copy.HandleAccept(fixture.Now, new AcceptFrame("c"u8));
        copy.Withdraw();
        Assert.Null(copy.Own);
        Assert.Equal(after, fixture.Digest());
    }

    [Fact]
    public void A_copy_goes_on_as_the_original_does()
    {
        var fixture = Busy();
        fixture.Frames();
        var copy = fixture.Machine.Clone();
        fixture.Machine.HandleTimeout(fixture.Now + TimeSpan.FromSeconds(1));
        copy.HandleTimeout(fixture.Now + TimeSpan.FromSeconds(1));
        Assert.Equal(fixture.Digest(), Digest(copy));
        Assert.True(copy.TryPollFrame(out var frame));
        Assert.Equal(frame, Assert.Single(fixture.Frames()));
    }

    [Fact]
    public void Equal_histories_have_equal_digests_and_each_state_on_the_way_has_its_own()
    {
        var digests = new HashSet<string>();
        var fixture = new NegotiatorFixture();
        Add();
        fixture.Take(Proposal(HighId, "x", "a"));
        Add();
        fixture.Machine.OnProgress(fixture.Now, fixture.Machine.Remotes[0]);
        Add();
        var serving = fixture.Digest();
        fixture.Propose(new ProposalOptions { Schemes = ["a", "b"] });
        Add();
        fixture.Machine.OnProgress(fixture.Now + TimeSpan.FromMilliseconds(1), fixture.Machine.Remotes[0]);
        Add();
        fixture.Advance(TimeSpan.FromMilliseconds(501));
        Add();
        fixture.Machine.TakeFirstPacket(fixture.Now, fixture.Begun(), [1]);
        Add();
        fixture.Receive(PsecFrame.Reject.ToArray());
        Add();
        fixture.Advance(TimeSpan.FromMilliseconds(333));
        Add();
        fixture.Receive(Accept("b"));
        Add();
        fixture.Machine.Withdraw();
        Assert.Equal(serving, fixture.Digest());
        fixture.Machine.OnWonAsResponder(fixture.Now, fixture.Machine.Remotes[0].Agreement, Dialled);
        Add();
        fixture.Machine.ForgetWon();
        Assert.Equal(Digest(new NegotiatorFixture().Machine), fixture.Digest());
        Assert.Equal(Busy().Digest(), Busy().Digest());

        void Add() => Assert.True(digests.Add(Convert.ToHexString(fixture.Digest())));
    }

    [Fact]
    public void A_negotiator_is_empty_when_nothing_is_known_and_nothing_waits()
    {
        var fixture = new NegotiatorFixture();
        Assert.True(fixture.Machine.IsEmpty);
        Assert.Null(fixture.Machine.NextDeadline);
        fixture.Propose(new ProposalOptions { Schemes = ["a"] });
        Assert.False(fixture.Machine.IsEmpty);
        fixture.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(fixture.Machine.Own);
        Assert.False(fixture.Machine.IsEmpty);
        fixture.Reports();
        Assert.True(fixture.Machine.IsEmpty);

        fixture.Take(Proposal(HighId, "x", "a"));
        Assert.False(fixture.Machine.IsEmpty);
        Assert.Equal(fixture.Now + TimeSpan.FromSeconds(10), fixture.Machine.NextDeadline);
        fixture.Machine.HandleTimeout(fixture.Now + TimeSpan.FromSeconds(10));
        Assert.True(fixture.Machine.IsEmpty);
    }

    /// <summary>An outstanding proposal with its first packet and an accept, an accepted proposal, and a simultaneous one in which it leads.</summary>
    private static NegotiatorFixture Busy()
    {
        var fixture = new NegotiatorFixture();
        fixture.Take(Proposal(HighId, "accepted", "a"));
        fixture.Propose(new ProposalOptions { Schemes = ["a", "b", "c"] });
        fixture.Advance(TimeSpan.FromMilliseconds(500));
        fixture.Machine.TakeFirstPacket(fixture.Now, fixture.Begun(), [1, 2, 3]);
        fixture.Receive(Accept("a"));
        Assert.True(fixture.Take(Proposal(HighId, "simultaneous", "a")).WeLead);
        return fixture;
    }
}
