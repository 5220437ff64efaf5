using PacketSec.Protocol;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Wire;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Tests.Scenarios;

namespace PacketSec.Simulation.Tests.Negotiation;

/// <summary>
/// A man in the middle who edits frames for as long as the dial lasts, consistently: what he cannot get is a session that differs from what both
/// proposed, or a weaker scheme. Where an edit leaves the meaning as it was, the session is the one that would have come about without it.
/// </summary>
public abstract class ManInTheMiddleScenarios
{
    // Type, length and an Ed25519 identity of 38 bytes stand before it.
    private const int CountOfStrings = 40;

    private readonly string _first;
    private readonly string _second;
    private readonly HostOptions _twoSchemes;

    /// <param name="first">What both sides prefer.</param>
    /// <param name="second">What both sides would take, too.</param>
    protected ManInTheMiddleScenarios(string first, string second)
    {
        (_first, _second) = (first, second);
        _twoSchemes = PsecPair.Options(PsecPair.Proposal(first, second) with { AllowMixture = true }, first, second) with { AllowMixture = true };
        if (MyChipsScheme.SchemeName == first || MyChipsScheme.SchemeName == second)
        {
            _twoSchemes = _twoSchemes with { IsKnownSite = true, Application = _ => Verdict.Allow };
        }
    }

    //= spec/psec.md#transcript
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void No_bit_of_a_proposal_can_be_changed(bool simultaneous)
    {
        using var probe = Start(simultaneous);
        var proposal = probe.Tap.Datagrams.First(datagram => datagram.From == probe.A.Address).Bytes;
        Assert.Equal(3, proposal[CountOfStrings]);
        var identical = new List<int>();
        for (var bit = 0; bit < proposal.Length * 8; bit++)
        {
            var edited = bit;
            using var pair = Start(simultaneous, (in TappedDatagram datagram) => Flip(datagram, edited, proposal.Length));
            pair.Pair.Run(11);
            if (pair.BothOpen)
            {
                var (a, _) = pair.CheckOneSession();
                Assert.Equal(probe.World.RunUntil(() => probe.BothOpen, TimeSpan.FromSeconds(1)), a.Agreement!.Scheme == _second);
                identical.Add(bit);
            }
            else
            {
                Assert.False(pair.Pair.AIsOpen || pair.Pair.BIsOpen, $"bit {bit}: one side believes in a session");
            }
        }

        // With two strings for three, "psec-retry-1" is read as a first packet that nobody can use: the normal form is the same, and so is the
        // session. Every other bit is a part of the meaning, or of the frame's form.
        Assert.Equal([CountOfStrings * 8], identical);
    }

    [Fact]
    public void No_bit_of_an_accept_can_be_changed()
    {
        using var probe = new PsecPair(1, Pair.Wan, _twoSchemes, _twoSchemes);
        probe.DialFromA();
        probe.RunUntilOpen();
        var accept = probe.Tap.Datagrams.First(datagram => datagram.Bytes[0] == 1).Bytes;
        for (var bit = 0; bit < accept.Length * 8; bit++)
        {
            var edited = bit;
            using var pair = new PsecPair(1, Pair.Wan, _twoSchemes with { Proposal = _twoSchemes.Proposal! with { EmbedFirstPacket = false } }, _twoSchemes);
            pair.World.Network.AddTap((in TappedDatagram datagram) => datagram.From == pair.B.Address && datagram.Bytes[0] == 1 ? Flip(datagram, edited, accept.Length) : TapVerdict.Pass);
            pair.DialFromA();
            pair.Pair.Run(11);
            Assert.False(pair.Pair.AIsOpen || pair.Pair.BIsOpen, $"bit {bit} of an accept was changed, and there is a session");
        }
    }

    //= spec/psec.md#no-downgrade
    //= spec/threat-model.md#no-downgrade-by-frames
    [Theory]
    [InlineData("the list in another order")]
    [InlineData("the first scheme removed")]
    [InlineData("the second scheme removed")]
    [InlineData("a scheme inserted")]
    [InlineData("the attempt string removed")]
    [InlineData("the attempt string of another attempt")]
    [InlineData("another peer ID")]
    [InlineData("a hidden peer ID")]
    public void A_proposal_that_is_rewritten_leads_to_nothing(string edit)
    {
        foreach (var simultaneous in new[] { false, true })
        {
            using var pair = new PsecPair(3, Pair.Wan, _twoSchemes, _twoSchemes);
            var relay = new Rewriter(pair, edit);
            pair.World.Network.AddTap(relay);
            pair.DialFromA();
            if (simultaneous)
            {
                pair.DialFromB();
            }

            pair.Pair.Run(11);
            Assert.True(relay.Rewritten > 0);
            Assert.False(pair.Pair.AIsOpen || pair.Pair.BIsOpen, $"{edit}: there is a session");
        }
    }

    [Theory]
    [InlineData("the retry string removed")]
    [InlineData("a cookie inserted")]
    [InlineData("the first packet removed")]
    [InlineData("another first packet")]
    public void What_is_no_part_of_the_meaning_can_be_changed_and_changes_nothing(string edit)
    {
        using var pair = new PsecPair(3, Pair.Wan, _twoSchemes, _twoSchemes);
        var relay = new Rewriter(pair, edit);
        pair.World.Network.AddTap(relay);
        pair.DialFromA();
        pair.RunUntilOpen();
        pair.Pair.Run(12);
        Assert.True(relay.Rewritten > 0);
        Assert.Equal(_first, pair.CheckOneSession().A.Agreement!.Scheme);
    }

    //= spec/threat-model.md#no-downgrade-by-frames
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void One_datagram_less_more_or_late_leads_to_the_same_session(bool simultaneous, bool embed)
    {
        var options = _twoSchemes with { Proposal = _twoSchemes.Proposal! with { EmbedFirstPacket = embed } };
        byte[][] forged = [Accept(_second), Accept(_first), Accept("psec-retry-1:AAAA"), [0xFF]];
        for (var number = 0; number < 7; number++)
        {
            // Removed, doubled at once, doubled late, late itself, or with a forged frame before it.
            for (var what = 0; what < 4 + forged.Length; what++)
            {
                using var pair = new PsecPair(7, Pair.Wan, options, options);
                var seen = 0;
                var (at, how) = (number, what);
                pair.World.Network.AddTap((in TappedDatagram datagram) =>
                {
                    if (seen++ != at || pair.World.Clock.Elapsed > TimeSpan.FromSeconds(11))
                    {
                        return TapVerdict.Pass;
                    }

                    if (how is >= 1 and <= 3)
                    {
                        pair.World.Network.Inject(datagram.From, datagram.To, datagram.Bytes, TimeSpan.FromMilliseconds(how == 1 ? 0 : 400));
                    }
                    else if (how > 3)
                    {
                        pair.World.Network.Inject(datagram.From, datagram.To, forged[how - 4]);
                    }

                    return how is 0 or 3 ? TapVerdict.Drop : TapVerdict.Pass;
                });
                pair.DialFromA();
                if (simultaneous)
                {
                    pair.DialFromB();
                }

                pair.RunUntilOpen();
                pair.Pair.Run(12);

                // Where an answer proves nothing, each copy of a first message draws another one, and both lead to a session.
                pair.CheckSessionsOfOneAgreement(
                    SchemeCatalogue.Default.All.Any(scheme => scheme.Name == _first && !scheme.AnswerProves) ? ImplementationLimits.AnswersPerFirstMessage : 1);
                pair.Pair.CheckAlive();
                Assert.True(
                    PsecPair.Sessions(pair.A)[0].Agreement!.Scheme == _first, $"datagram {at}, way {how}: the weaker scheme was taken");
                Assert.Equal(_first, PsecPair.Sessions(pair.B)[0].Agreement!.Scheme);
            }
        }
    }

    //= spec/threat-model.md#no-downgrade-by-frames
    [Fact]
    public void Whoever_blocks_a_scheme_gets_no_weaker_one()
    {
        // He lets nothing of the first choice's handshake through: its accept is lost, and the first packet inside the proposal too.
        using var pair = new PsecPair(4, Pair.Wan, _twoSchemes, _twoSchemes);
        var weaker = Accept(_second);
        pair.World.Network.AddTap((in TappedDatagram datagram) =>
        {
            if (datagram.Bytes[0] == 1)
            {
                pair.World.Network.Inject(datagram.From, datagram.To, weaker);
            }

            return datagram.From == pair.B.Address ? TapVerdict.Drop : TapVerdict.Pass;
        });
        pair.DialFromA();
        pair.Pair.Run(11);
        Assert.False(pair.Pair.AIsOpen || pair.Pair.BIsOpen);
        Assert.Equal([CloseReason.TimedOut], pair.A.EventsOf<PeerEvent.Closed>().Select(closed => closed.Reason));
    }

    [Fact]
    public void Replays_and_copies_of_a_whole_negotiation_in_any_order_lead_to_nothing_more()
    {
        using var pair = new PsecPair(5, Pair.Wan, _twoSchemes, _twoSchemes);
        pair.DialFromA();
        pair.DialFromB();
        pair.RunUntilOpen();
        pair.Pair.Run(12);
        pair.CheckOneSession();
        var recorded = pair.Tap.Datagrams.ToArray();
        var random = new DeterministicRandom(5);
        for (var round = 0; round < 40; round++)
        {
            foreach (var datagram in recorded.OrderBy(_ => random.NextUInt64()))
            {
                pair.World.Network.Inject(datagram.From, datagram.To, datagram.Bytes, TimeSpan.Zero);
            }

            pair.Pair.Run(0.2);
        }

        pair.Pair.Run(11);
        pair.CheckOneSession();
        pair.Pair.CheckAlive();
        Assert.Equal(0, pair.A.Endpoint.HalfOpen + pair.B.Endpoint.HalfOpen);

        // Long after, when the negotiation is forgotten, a replay begins one that comes to nothing.
        pair.A.Close(pair.B.PeerId);
        pair.Pair.Run(70);
        foreach (var datagram in recorded)
        {
            pair.World.Network.Inject(datagram.From, datagram.To, datagram.Bytes, TimeSpan.Zero);
        }

        pair.Pair.Run(11);
        Assert.False(pair.Pair.AIsOpen || pair.Pair.BIsOpen);
        Assert.Single(PsecPair.Sessions(pair.A));
        Assert.Single(PsecPair.Sessions(pair.B));
        Assert.Equal(0, pair.B.Endpoint.HalfOpen + pair.B.Endpoint.ProposalsServed);
    }

    //= spec/psec.md#reflection
    [Fact]
    public void Whatever_is_sent_back_to_its_sender_leads_to_nothing()
    {
        using var pair = new PsecPair(6, Pair.Wan, _twoSchemes, _twoSchemes);
        pair.World.Network.AddTap((in TappedDatagram datagram) =>
        {
            if (datagram.From == pair.A.Address)
            {
                pair.World.Network.Inject(datagram.To, datagram.From, datagram.Bytes, TimeSpan.Zero);
            }

            return TapVerdict.Drop;
        });
        pair.DialFromA();
        pair.Pair.Run(11);
        Assert.False(pair.Pair.AIsOpen);
        Assert.True(pair.A.Drops(DropReason.Reflected) > 10);
    }

    private static byte[] Accept(string scheme)
    {
        var frame = new AcceptFrame(PsecFrame.ToBytes(scheme));
        var bytes = new byte[frame.EncodedLength];
        WireMessage.Write(frame, bytes);
        return bytes;
    }

    private PsecPair Start(bool simultaneous, TapHandler? tap = null)
    {
        var options = PsecPair.Options(PsecPair.Proposal(_second) with { EmbedFirstPacket = false }, _second);
        var pair = new PsecPair(1, Pair.Wan, options, options);
        if (tap is not null)
        {
            var from = pair.A.Address;
            pair.World.Network.AddTap((in TappedDatagram datagram) => datagram.From == from ? tap(datagram) : TapVerdict.Pass);
        }

        pair.DialFromA();
        if (simultaneous)
        {
            pair.DialFromB();
        }

        return pair;
    }

    private static TapVerdict Flip(in TappedDatagram datagram, int bit, int length)
    {
        if (datagram.Bytes.Length == length && datagram.Bytes[0] <= 1 && !(datagram.Bytes[0] == 0 && datagram.Bytes[1] < 2))
        {
            datagram.Bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        return TapVerdict.Pass;
    }

    /// <summary>Replaces each proposal of A by an edited one, always in the same way.</summary>
    private sealed class Rewriter(PsecPair pair, string edit) : INetworkTap
    {
        public int Rewritten { get; private set; }

        public TapVerdict OnDatagram(in TappedDatagram datagram)
        {
            if (datagram.From != pair.A.Address || !WireMessage.TryRead<ProposalFrame>(datagram.Bytes, out var frame))
            {
                return TapVerdict.Pass;
            }

            var strings = new List<string>();
            foreach (var text in frame)
            {
                strings.Add(System.Text.Encoding.UTF8.GetString(text));
            }

            var id = frame.PeerId.ToArray();
            var packet = frame.FirstPacket.ToArray();
            switch (edit)
            {
                case "the list in another order":
                    (strings[0], strings[1]) = (strings[1], strings[0]);
                    break;
                case "the first scheme removed":
                    strings.RemoveAt(0);
                    break;
                case "the second scheme removed":
                    strings.RemoveAt(1);
                    break;
                case "a scheme inserted":
                    strings.Insert(0, "null");
                    break;
                case "the attempt string removed":
                    strings.RemoveAt(2);
                    break;
                case "the attempt string of another attempt":
                    strings[2] = PsecFrame.AttemptPrefix + new string('A', 22);
                    break;
                case "another peer ID":
                    id[^1] ^= 1;
                    break;
                case "a hidden peer ID":
                    id = [0x12, 32, .. new byte[32]];
                    break;
                case "the retry string removed":
                    strings.RemoveAt(3);
                    break;
                case "a cookie inserted":
                    strings.Add(PsecFrame.RetryPrefix + "anything");
                    break;
                case "the first packet removed":
                    packet = [];
                    break;
                case "another first packet":
                    packet = [.. packet.Select(value => (byte)(value ^ 0xFF))];
                    break;
                default:
                    throw new ArgumentException(edit);
            }

            Rewritten++;
            pair.World.Network.Inject(datagram.From, datagram.To, ProposalFrame.Encode(id, strings, packet), Pair.Wan.Latency);
            return TapVerdict.Drop;
        }
    }
}
