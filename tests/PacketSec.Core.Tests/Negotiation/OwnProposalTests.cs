using System.Buffers.Text;
using System.Security.Cryptography;
using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using static PacketSec.Core.Tests.Negotiation.NegotiatorFixture;

namespace PacketSec.Core.Tests.Negotiation;

public sealed class OwnProposalTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);
    private static readonly byte[] Packet = [0, 0, 0, 0, 1, 2, 3];

    private readonly NegotiatorFixture _fixture = new();

    //= spec/psec.md#proposal-strings
    [Fact]
    public void After_its_schemes_stand_a_new_attempt_string_and_the_word_that_a_retry_is_taken()
    {
        var attempts = new HashSet<string>();
        for (var i = 0; i < 3; i++)
        {
            var frame = _fixture.Propose("b", "a", "a")!;
            var strings = Strings(frame);
            Assert.Equal(["b", "a", "a", strings[3], "psec-retry-1"], strings);
            Assert.Matches("^psec-attempt-1:[A-Za-z0-9_-]{22}$", strings[3]);
            Assert.Equal(16, Base64Url.DecodeFromChars(strings[3].AsSpan("psec-attempt-1:".Length)).Length);
            Assert.True(attempts.Add(strings[3]));
            Assert.True(WireMessage.TryRead<ProposalFrame>(frame, out var read));
            Assert.Equal(SelfId, Convert.ToHexStringLower(read.PeerId));
            Assert.True(read.FirstPacket.IsEmpty);
            _fixture.Machine.Withdraw();
        }
    }

    //= spec/psec.md#proposal-resend
    [Theory]
    [InlineData(0u, 333.0, 500.0, 21)]
    [InlineData(uint.MaxValue, 399.6, 600.0, 18)]
    public void The_same_bytes_go_out_after_333_ms_and_then_every_500_ms_lengthened_by_at_most_a_fifth(uint jitter, double first, double next, int copies)
    {
        _fixture.Random.Jitter = jitter;
        var frame = _fixture.Propose("a")!;
        var sent = _fixture.Advance(Deadline);
        Assert.Equal(copies - 1, sent.Count);
        Assert.Equal(Enumerable.Range(0, copies - 1).Select(i => TimeSpan.FromMilliseconds(first + (i * next))), sent.Select(copy => copy.At));
        Assert.All(sent, copy => Assert.Equal(frame, copy.Frame));
    }

    //= spec/psec.md#attempt-deadline
    [Fact]
    public void An_attempt_lasts_for_10_s_and_not_for_a_moment_longer()
    {
        _fixture.Propose("a");
        _fixture.Advance(Deadline - Nanosecond100);
        _fixture.Machine.HandleTimeout(_fixture.Now);
        Assert.Equal(OwnProposalState.Outstanding, _fixture.Own.State);
        Assert.Empty(_fixture.Reports());

        _fixture.Now += Nanosecond100;
        _fixture.Machine.HandleTimeout(_fixture.Now);
        Assert.Null(_fixture.Machine.Own);
        Assert.Equal(NegotiationOutcome.TimedOut, _fixture.Outcome());
    }

    //= spec/psec.md#attempt-deadline
    //= spec/psec.md#no-downgrade
    [Theory]
    [InlineData("fails")]
    [InlineData("is won by us")]
    [InlineData("is won by the peer")]
    [InlineData("is withdrawn")]
    public void Nothing_more_is_sent_for_an_attempt_that(string ends)
    {
        _fixture.Propose(new ProposalOptions { Schemes = ["a", "b"], EmbedFirstPacket = false });
        Assert.Equal(DropReason.None, _fixture.Receive(Accept("b")));
        switch (ends)
        {
            case "fails":
                _fixture.Now += Deadline;
                _fixture.Machine.HandleTimeout(_fixture.Now);
                break;
            case "is withdrawn":
                _fixture.Machine.Withdraw();
                break;
            case "is won by us":
                _fixture.Machine.OnWonAsInitiator(_fixture.Now, _fixture.Own.Standard!);
                break;
            default:
                _fixture.Machine.OnWonAsResponder(_fixture.Now, _fixture.Own.Standard!, Dialled);
                break;
        }

        // The first copy was not polled, nor that a handshake is to begin: both are for nothing now.
        Assert.Empty(_fixture.Frames());
        Assert.DoesNotContain(_fixture.Reports(), report => report is not NegotiationReport.Over);
        Assert.Null(_fixture.Machine.NextDeadline);
        Assert.True(_fixture.Machine.IsEmpty);
        _fixture.Now += TimeSpan.FromHours(1);
        _fixture.Machine.HandleTimeout(_fixture.Now);
        Assert.True(_fixture.Machine.IsEmpty);
    }

    [Fact]
    public void A_proposal_waits_for_its_first_packet_and_then_carries_it_in_every_copy()
    {
        _fixture.Propose(new ProposalOptions { Schemes = ["b", "a"] });
        Assert.Equal(OwnProposalState.Preparing, _fixture.Own.State);
        var begin = Assert.IsType<NegotiationReport.Begin>(Assert.Single(_fixture.Reports()));
        Assert.Equal((true, "b", NegotiationCase.Standard), (begin.Embed, begin.Agreement.Scheme, begin.Agreement.Case));
        Assert.Empty(_fixture.Frames());
        Assert.Equal(_fixture.Own.Deadline, _fixture.Machine.NextDeadline);

        var other = Agreement.Standard(PacketSec.Crypto.CryptoProvider.Default, _fixture.Own.NormalForm, "a", null);
        _fixture.Machine.TakeFirstPacket(_fixture.Now, other, [9]);
        Assert.Empty(_fixture.Frames());

        _fixture.Machine.TakeFirstPacket(_fixture.Now, begin.Agreement, Packet);
        var frame = Assert.Single(_fixture.Frames());
        Assert.Equal(Packet, FirstPacketIn(frame));
        Assert.Equal(ChoiceOracle.Standard(frame, ["b"]).Transcript, begin.Agreement.Transcript.ToArray());

        _fixture.Machine.TakeFirstPacket(_fixture.Now, begin.Agreement, [9]);
        Assert.Empty(_fixture.Frames());
        Assert.All(_fixture.Advance(TimeSpan.FromSeconds(3)), copy => Assert.Equal(frame, copy.Frame));
    }

    [Fact]
    public void A_proposal_without_a_first_packet_goes_out_when_there_is_none()
        => Assert.Empty(FirstPacketIn(_fixture.ProposeWith([], "a")));

    [Fact]
    public void A_first_packet_that_makes_the_proposal_longer_than_a_datagram_is_left_out()
    {
        var length = new NegotiatorFixture().ProposeWith(Packet, "a").Length;
        Assert.Equal(Packet, FirstPacketIn(new NegotiatorFixture(longest: length).ProposeWith(Packet, "a")));
        Assert.Empty(FirstPacketIn(new NegotiatorFixture(longest: length - 1).ProposeWith(Packet, "a")));
    }

    // What is longer would be dropped, whatever the path carries.
    [Fact]
    public void A_first_packet_that_makes_the_proposal_longer_than_any_is_left_out()
    {
        var frame = new NegotiatorFixture().ProposeWith(Packet, "a");

        // A first packet of 128 bytes or more has a length of two bytes.
        var room = 2048 - (frame.Length - Packet.Length - 1) - 2;
        var longest = ImplementationLimits.MaxUdpPayload;
        Assert.Equal(2048, new NegotiatorFixture(longest: longest).ProposeWith(new byte[room], "a").Length);
        Assert.Empty(FirstPacketIn(new NegotiatorFixture(longest: longest).ProposeWith(new byte[room + 1], "a")));
    }

    [Fact]
    public void A_cookie_that_leaves_no_room_for_the_first_packet_takes_its_place()
    {
        var length = new NegotiatorFixture().ProposeWith(Packet, "a").Length;
        foreach (var (longest, packet) in new[] { (length + 28, Packet), (length + 27, []) })
        {
            var fixture = new NegotiatorFixture(longest: longest);
            Assert.Equal(Packet, FirstPacketIn(fixture.ProposeWith(Packet, "a")));
            Assert.Equal(DropReason.None, fixture.Receive(Accept(fixture.Retry("12"))));
            var frame = Assert.Single(fixture.Frames());
            Assert.Equal(packet, FirstPacketIn(frame));
            Assert.Equal(fixture.Retry("12"), Strings(frame)[^1]);
        }
    }

    //= spec/psec.md#embed-answer
    [Fact]
    public void An_answer_to_the_first_packet_counts_as_the_accept()
    {
        _fixture.ProposeWith(Packet, "a", "b");
        var standard = _fixture.Own.Standard!;
        var before = _fixture.Digest();
        _fixture.Machine.OnAnswered(Agreement.Standard(PacketSec.Crypto.CryptoProvider.Default, _fixture.Own.NormalForm, "b", null));
        Assert.Equal(before, _fixture.Digest());
        Assert.False(_fixture.Own.Accepted);

        Assert.Equal(DropReason.None, _fixture.Receive(PsecFrame.Reject.ToArray()));
        _fixture.Machine.OnAnswered(standard);
        Assert.Equal((OwnProposalState.Outstanding, true), (_fixture.Own.State, _fixture.Own.Accepted));

        // A reject has no say any more, and the attempt runs to its end.
        before = _fixture.Digest();
        Assert.Equal(DropReason.None, _fixture.Receive(PsecFrame.Reject.ToArray()));
        Assert.Equal(before, _fixture.Digest());
        _fixture.Advance(Deadline);
        Assert.Equal(NegotiationOutcome.TimedOut, _fixture.Outcome());
    }

    //= spec/psec.md#accept-unknown
    [Fact]
    public void An_accept_is_for_a_proposal_that_was_sent()
    {
        Assert.Equal(DropReason.NoProposal, _fixture.Receive(Accept("a")));
        Assert.Equal(DropReason.NoProposal, _fixture.Receive(Accept("psec-retry-1:x")));

        _fixture.Take(Proposal(HighId, "joined", "a"));
        _fixture.Propose(new ProposalOptions { Schemes = ["a"] });
        Assert.Equal(OwnProposalState.Joining, _fixture.Own.State);
        Assert.Equal(DropReason.NoProposal, _fixture.Receive(Accept("a")));

        _fixture.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(OwnProposalState.Preparing, _fixture.Own.State);
        Assert.Equal(DropReason.NoProposal, _fixture.Receive(Accept("a")));

        _fixture.Machine.TakeFirstPacket(_fixture.Now, _fixture.Begun(), Packet);
        Assert.Equal(DropReason.None, _fixture.Receive(Accept("a")));
        _fixture.Machine.OnWonAsInitiator(_fixture.Now, _fixture.Own.Standard!);
        Assert.Equal(DropReason.NoProposal, _fixture.Receive(Accept("a")));
    }

    //= spec/psec.md#accept-unknown
    [Theory]
    [InlineData("c")]
    [InlineData("A")]
    [InlineData("a ")]
    [InlineData("psec-retry-1")]
    [InlineData("psec-retry-1:")]
    [InlineData("psec-retry-1x")]
    [InlineData("psec-attempt-1:x")]
    public void An_accept_of_what_was_not_proposed_changes_nothing(string scheme)
    {
        _fixture.Propose("a", "b");
        Assert.Equal(DropReason.NotOffered, _fixture.Receive(Accept(scheme)));
        Assert.Equal(DropReason.NotOffered, _fixture.Receive(Accept(Strings(_fixture.Own.ToFrame(2048))[2])));
        Assert.Empty(_fixture.Reports());
    }

    //= spec/psec.md#newest
    [Fact]
    public void An_accept_of_another_scheme_begins_anew_and_one_of_the_same_repeats_the_first_packet()
    {
        var frame = _fixture.Propose("a", "b", "c")!;
        Agreement? last = null;
        foreach (var scheme in new[] { "b", "b", "a", "b", "b", "c" })
        {
            Assert.Equal(DropReason.None, _fixture.Receive(Accept(scheme)));
            var report = Assert.Single(_fixture.Reports());
            if (scheme == last?.Scheme)
            {
                Assert.Equal(new NegotiationReport.Repeat(last), report);
            }
            else
            {
                var begin = Assert.IsType<NegotiationReport.Begin>(report);
                last = begin.Agreement;
                Assert.False(begin.Embed);
                Assert.Equal(ChoiceOracle.Standard(frame, [scheme]).Transcript, last.Transcript.ToArray());
            }

            Assert.Same(last, _fixture.Own.Standard);
            Assert.True(_fixture.Own.Accepted);
        }

        Assert.Empty(_fixture.Frames());
    }

    [Fact]
    public void An_accept_of_the_scheme_whose_first_packet_is_inside_repeats_that_packet()
    {
        _fixture.ProposeWith(Packet, "a", "b");
        var standard = _fixture.Own.Standard!;
        Assert.Equal(DropReason.None, _fixture.Receive(Accept("a")));
        Assert.Equal(new NegotiationReport.Repeat(standard), Assert.Single(_fixture.Reports()));
        Assert.Equal(DropReason.None, _fixture.Receive(Accept("b")));
        Assert.Equal("b", _fixture.Begun().Scheme);
    }

    //= spec/psec.md#hidden-id
    [Fact]
    public void A_hidden_proposal_has_the_hash_of_32_new_random_bytes_in_place_of_the_id()
    {
        var ids = new HashSet<string>();
        for (var attempt = 0; attempt < 3; attempt++)
        {
            // The same randomness once more: the 32 bytes are drawn first.
            var expected = new ScriptedSource();
            for (var i = 0; i < attempt; i++)
            {
                expected.Fill(new byte[48]);
            }

            var bytes = new byte[32];
            expected.Fill(bytes);
            _fixture.Propose(new ProposalOptions { Schemes = ["a"], HidePeerId = true, EmbedFirstPacket = false });
            var frame = Assert.Single(_fixture.Frames());
            Assert.True(WireMessage.TryRead<ProposalFrame>(frame, out var read));
            Assert.Equal([0x12, 0x20, .. SHA256.HashData(bytes)], read.PeerId.ToArray());
            Assert.True(ids.Add(Convert.ToHexString(read.PeerId)));
            Assert.All(_fixture.Advance(TimeSpan.FromSeconds(2)), copy => Assert.Equal(frame, copy.Frame));
            _fixture.Machine.Withdraw();
        }
    }

    //= spec/psec.md#leader
    [Fact]
    public void The_leader_is_found_by_the_id_in_the_proposal_and_not_by_the_one_that_it_hides()
    {
        // The own ID is smaller than the other's; the random one, of 34 bytes, is larger.
        var other = Proposal("00030107ff", "x", "a");
        _fixture.Propose("a");
        Assert.True(_fixture.Take(other).WeLead);
        _fixture.Machine.Withdraw();
        _fixture.Reports();

        _fixture.Propose(new ProposalOptions { Schemes = ["a"], HidePeerId = true, EmbedFirstPacket = false });
        Assert.False(_fixture.Take(other).WeLead);
        Assert.Empty(_fixture.Reports());
    }
}
