using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;

namespace PacketSec.Core.Tests.Negotiation;

/// <summary>Every pair of short lists of schemes, between two real negotiators, against the rules of the source.</summary>
public sealed class PreferenceListTests
{
    private const string Ed25519 = "0024080112208174099687a26621f4e2cdd7cc03b3dacedb3fb962255b1aafd033cabe831530";
    private const string OtherEd25519 = "002408011220b10253764c8b233fb37542e23401c7b450e5a6f9751f3b5a014f6f67e8bc999d";

    // Shorter than the others without its leading zeros: compared byte for byte from the front it would be the largest.
    private const string Sha256 = "12201c1d9057b4fbf625f0f198293ff01d59c6100003c48e77c1cecf386afee2bf81";

    private const string Shortest = "000107";
    private const string WithZeros = "00020000";

    private static readonly string[] Names = ["a", "b", "c", "d"];

    private static readonly string[][] Lists = [.. OrderedChoices([]).Where(list => list.Length > 0), .. Repeating()];

    public static TheoryData<string, string> Ids => new()
    {
        { Shortest, WithZeros },
        { WithZeros, Shortest },
        { Sha256, Ed25519 },
        { OtherEd25519, Ed25519 },
    };

    //= spec/psec.md#choice
    //= spec/psec.md#leader
    //= spec/psec.md#accept-none-outstanding
    [Theory]
    [MemberData(nameof(Ids))]
    public void Peers_that_propose_at_once_come_to_the_scheme_leader_and_transcript_of_the_source(string firstId, string secondId)
    {
        var (pairs, common) = (0, 0);
        foreach (var firstList in Lists)
        {
            foreach (var secondList in Lists)
            {
                var (first, second) = (new NegotiatorFixture(firstId), new NegotiatorFixture(secondId));
                var (firstFrame, secondFrame) = (first.Propose(firstList)!, second.Propose(secondList)!);
                var (firstLeads, scheme, transcript) = ChoiceOracle.Simultaneous(firstFrame, secondFrame);
                pairs++;
                common += scheme is null ? 0 : 1;
                Check(first, secondFrame, firstLeads!.Value, scheme, transcript);
                Check(second, firstFrame, !firstLeads.Value, scheme, transcript);
            }
        }

        Assert.Equal((68 * 68, 4438), (pairs, common));
    }

    //= spec/psec.md#accept-standard
    [Theory]
    [MemberData(nameof(Ids))]
    public void A_single_proposer_gets_its_first_choice_that_is_served_and_initiates(string firstId, string secondId)
    {
        var (pairs, common) = (0, 0);
        foreach (var proposed in Lists)
        {
            foreach (var served in Lists)
            {
                var (proposer, server) = (new NegotiatorFixture(firstId), new NegotiatorFixture(secondId, served));
                var frame = proposer.Propose(proposed)!;
                var (scheme, transcript) = ChoiceOracle.Standard(frame, served);
                pairs++;
                common += scheme is null ? 0 : 1;
                var reason = server.Receive(frame, out var answer);
                if (scheme is null)
                {
                    Assert.Equal(DropReason.NoCommonScheme, reason);
                    Assert.Equal(PsecFrame.Reject.ToArray(), answer);
                    Assert.Equal(DropReason.None, proposer.Receive(answer));
                    Assert.Equal((OwnProposalState.Rejected, 0), (proposer.Own.State, proposer.Reports().Count));
                    continue;
                }

                Assert.Equal(DropReason.None, reason);
                Assert.Equal(NegotiatorFixture.Accept(scheme), answer);
                Assert.Equal(DropReason.None, proposer.Receive(answer));
                AssertAgreed(scheme, transcript, NegotiationCase.Standard, proposer.Begun());
                AssertAgreed(scheme, transcript, NegotiationCase.Standard, server.Machine.FindResponder(transcript.AsSpan(0, 8))!.Agreement);
            }
        }

        Assert.Equal((68 * 68, 4438), (pairs, common));
    }

    //= spec/psec.md#reflection
    [Theory]
    [InlineData(Shortest)]
    [InlineData(Ed25519)]
    [InlineData(Sha256)]
    public void Peers_with_one_id_agree_on_nothing_whatever_they_list(string id)
    {
        foreach (var list in Lists)
        {
            var (first, second, idle) = (new NegotiatorFixture(id), new NegotiatorFixture(id), new NegotiatorFixture(id, Names));
            var (firstFrame, secondFrame) = (first.Propose(list)!, second.Propose(list)!);
            Assert.Null(ChoiceOracle.Simultaneous(firstFrame, secondFrame).FirstLeads);
            Assert.Equal(DropReason.Reflected, first.Receive(secondFrame));
            Assert.Equal(DropReason.Reflected, second.Receive(firstFrame));
            Assert.Equal(DropReason.Reflected, first.Receive(firstFrame));
            Assert.Equal(DropReason.Reflected, idle.Receive(firstFrame));
        }
    }

    // Own lists have schemes only; what others put between them comes from frames made by hand.
    //= spec/psec.md#choice
    [Theory]
    [MemberData(nameof(Ids))]
    public void Strings_that_are_no_schemes_have_no_index_and_are_never_chosen(string ownId, string otherId)
    {
        string[][] mixed =
        [
            ["psec-x"], ["psec-x", "a"], ["a", "psec-attempt-1:x", "b"], ["psec-retry-1", "psec-retry-1:x", "b", "a"], ["psec-retry-1x", "d", "c"],
            ["psec-", "psec-", "psec-", "d", "psec-", "d", "a"], ["a", "a", "psec-y", "b"], ["A", "psec-x", "e", "d"],
        ];
        foreach (var ownList in Lists)
        {
            foreach (var otherList in mixed)
            {
                var own = new NegotiatorFixture(ownId);
                var other = NegotiatorFixture.Proposal(otherId, "x", otherList);
                var (ownLeads, scheme, transcript) = ChoiceOracle.Simultaneous(own.Propose(ownList)!, other);
                Check(own, other, ownLeads!.Value, scheme, transcript);

                var server = new NegotiatorFixture(ownId, ownList);
                (scheme, transcript) = ChoiceOracle.Standard(other, ownList);
                Assert.Equal(scheme is null ? DropReason.NoCommonScheme : DropReason.None, server.Receive(other));
                if (scheme is not null)
                {
                    AssertAgreed(scheme, transcript, NegotiationCase.Standard, server.Machine.Remotes[0].Agreement);
                }
            }
        }
    }

    private static void Check(NegotiatorFixture side, byte[] received, bool leads, string? scheme, byte[] transcript)
    {
        Assert.Equal(DropReason.None, side.Receive(received, out var answer));
        Assert.Empty(answer);
        if (scheme is null)
        {
            Assert.Empty(side.Reports());
            Assert.Empty(side.Machine.Remotes);
            return;
        }

        var remote = Assert.Single(side.Machine.Remotes);
        Assert.Equal(leads, remote.WeLead);
        AssertAgreed(scheme, transcript, NegotiationCase.Simultaneous, remote.Agreement);
        Assert.Equal(leads ? null : remote, side.Machine.FindResponder(transcript.AsSpan(0, 8)));
        if (leads)
        {
            AssertAgreed(scheme, transcript, NegotiationCase.Simultaneous, side.Begun());
        }
        else
        {
            Assert.Empty(side.Reports());
        }
    }

    private static void AssertAgreed(string scheme, byte[] transcript, NegotiationCase negotiationCase, Agreement agreement)
    {
        Assert.Equal((scheme, negotiationCase), (agreement.Scheme, agreement.Case));
        Assert.Equal(transcript, agreement.Transcript.ToArray());
    }

    // All orders of all subsets: 65 with the empty one.
    private static IEnumerable<string[]> OrderedChoices(string[] begun)
        => Names.Except(begun).SelectMany(name => OrderedChoices([.. begun, name])).Prepend(begun);

    private static IEnumerable<string[]> Repeating() => [["a", "a", "b"], ["b", "a", "b", "c"], ["c", "c", "c", "a"], ["d", "d"]];
}
