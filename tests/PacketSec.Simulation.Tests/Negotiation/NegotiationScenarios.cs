using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Tests.Scenarios;

namespace PacketSec.Simulation.Tests.Negotiation;

public sealed class NegotiationScenarios
{
    public static TheoryData<double, ulong> LossAndSeeds
    {
        get
        {
            var data = new TheoryData<double, ulong>();
            foreach (var loss in new[] { 0, 0.1, 0.3 })
            {
                for (ulong seed = 1; seed <= 10; seed++)
                {
                    data.Add(loss, seed);
                }
            }

            return data;
        }
    }

    //= spec/psec.md#embed-use
    //= spec/psec.md#embed-answer
    [Fact]
    public void With_the_first_packet_inside_a_dial_takes_one_round_trip_less()
    {
        // Each way takes 25 ms; a datagram of the dialler arrives at the listener after one way, and so on.
        var inside = Dial(embed: true);
        Assert.Equal(["proposal with InitHello", "accept", "RespHello", "InitDone", "data"], inside.Wire);
        Assert.Equal(75, inside.Listener);
        Assert.Equal(100, inside.Dialler);

        var apart = Dial(embed: false);
        Assert.Equal(["proposal", "accept", "InitHello", "RespHello", "InitDone", "data"], apart.Wire);
        Assert.Equal(125, apart.Listener);
        Assert.Equal(150, apart.Dialler);
    }

    //= spec/psec.md#embed-too-long
    [Theory]
    [InlineData(928, 1232, 0, 75)]
    [InlineData(929, 1031, 1, 125)]
    public void A_first_packet_that_does_not_fit_into_the_proposal_is_sent_when_the_accept_comes(int nameLength, int proposalLength, int alone, int milliseconds)
    {
        var longName = new string('x', nameLength);
        var catalogue = new SchemeCatalogue([.. SchemeCatalogue.Default.All, new P2pkeScheme(longName)]);
        var options = PsecPair.Options(PsecPair.Proposal("p2pke-1", longName)) with { Catalogue = catalogue };
        using var pair = new PsecPair(4, Pair.Wan, options, PsecPair.Options());
        pair.DialFromA();
        pair.Check(pair.World.RunUntil(() => pair.Pair.BIsOpen, TimeSpan.FromSeconds(1)), "B did not open");
        Assert.Equal(milliseconds, pair.World.Clock.Elapsed.TotalMilliseconds);
        Assert.Equal(proposalLength, pair.Tap.Datagrams[0].Bytes.Length);
        Assert.Equal(alone, pair.Tap.Datagrams.Count(datagram => datagram.Bytes is [0, 0, 0, 0, ..]));
        pair.RunUntilOpen(1);
        pair.Pair.CheckAlive();
    }

    //= spec/psec.md#leader
    //= spec/psec.md#accept-none-outstanding
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void Two_peers_that_dial_at_once_have_one_session_and_the_smaller_identity_leads(bool aLeads, bool embed)
    {
        var options = PsecPair.Options(PsecPair.Proposal() with { EmbedFirstPacket = embed });
        using var pair = new PsecPair(7, Pair.Wan, options, options, aLeads);
        pair.DialFromA();
        pair.DialFromB();
        pair.RunUntilOpen(1);
        pair.Pair.Run(15);

        var (a, b) = pair.CheckOneSession();
        Assert.Equal(NegotiationCase.Simultaneous, a.Agreement!.Case);
        Assert.Equal(aLeads ? SessionRole.Initiator : SessionRole.Responder, a.Role);
        Assert.Equal(aLeads ? SessionRole.Responder : SessionRole.Initiator, b.Role);
        pair.Pair.CheckAlive();
        Assert.DoesNotContain(pair.Tap.Datagrams, datagram => datagram.Bytes[0] == 1);
        pair.Pair.CheckNoDropsBut();
    }

    //= spec/psec.md#one-wins
    [Theory]
    [MemberData(nameof(LossAndSeeds))]
    public void Dials_at_once_over_loss_end_in_one_common_session(double loss, ulong seed)
    {
        using var pair = new PsecPair(seed, Pair.Wan with { Loss = loss, Jitter = TimeSpan.FromMilliseconds(20), Duplication = 0.1 }, aLeads: seed % 2 == 0);
        pair.DialFromA();
        pair.World.After(TimeSpan.FromMilliseconds(seed * 7), pair.DialFromB);
        pair.RunUntilOpen();
        pair.World.Network.Conditions = Pair.Wan;
        pair.Pair.Run(12);
        pair.CheckOneSession();
        pair.Pair.CheckAlive();
    }

    [Theory]
    [MemberData(nameof(LossAndSeeds))]
    public void A_dial_over_loss_leads_to_one_common_session(double loss, ulong seed)
    {
        var options = PsecPair.Options(PsecPair.Proposal() with { EmbedFirstPacket = seed % 2 == 0 });
        using var pair = new PsecPair(seed, Pair.Wan with { Loss = loss, Jitter = TimeSpan.FromMilliseconds(20), Duplication = 0.1 }, options);
        pair.DialFromA();
        pair.RunUntilOpen();
        pair.World.Network.Conditions = Pair.Wan;
        pair.Pair.Run(12);
        var (a, _) = pair.CheckOneSession();
        Assert.Equal((SessionRole.Initiator, NegotiationCase.Standard), (a.Role, a.Agreement!.Case));
        pair.Pair.CheckAlive();
    }

    //= spec/p2pke.md#psec-prologue
    //= spec/p2pke.md#psec-tag
    [Fact]
    public void Rekeys_are_bound_to_the_transcript_of_the_channel_and_lose_nothing()
    {
        using var pair = new PsecPair(3, Pair.Wan);
        pair.DialFromA();
        pair.RunUntilOpen();
        pair.Pair.Run(0.5);
        pair.Pair.Traffic(seconds: 200, perSecondAToB: 50, perSecondBToA: 50);
        pair.Pair.Run(202);

        var sessions = PsecPair.Sessions(pair.A);
        Assert.InRange(sessions.Count, 5, 6);
        Assert.All(sessions, session => Assert.Equal(sessions[0].Agreement, session.Agreement));
        Assert.Single(pair.Tap.Datagrams, datagram => datagram.Bytes[0] == 0 && datagram.Bytes[1] == 38);
        pair.Pair.CheckNothingLost();
        pair.Pair.CheckNoDropsBut();
    }

    private static (string[] Wire, double Listener, double Dialler) Dial(bool embed)
    {
        var options = PsecPair.Options(PsecPair.Proposal() with { EmbedFirstPacket = embed });
        using var pair = new PsecPair(1, Pair.Wan, options);
        pair.DialFromA();
        pair.World.RunUntil(() => pair.Pair.BIsOpen, TimeSpan.FromSeconds(1));
        var listener = pair.World.Clock.Elapsed.TotalMilliseconds;
        pair.World.RunUntil(() => pair.Pair.AIsOpen, TimeSpan.FromSeconds(1));
        var dialler = pair.World.Clock.Elapsed.TotalMilliseconds;
        pair.Pair.Run(1);
        pair.CheckOneSession();
        pair.Pair.CheckNoDropsBut();
        return ([.. pair.Tap.Datagrams.Select(Describe)], listener, dialler);
    }

    private static string Describe(RecordedDatagram datagram) => datagram.Bytes switch
    {
        [0, 0, 0, 0, ..] => "InitHello",
        [0x80, 0, 0, 1, ..] => "RespHello",
        [0, 0, 0, 2, ..] => "InitDone",
        [0, >= 2, ..] => datagram.Bytes.Length > 200 ? "proposal with InitHello" : "proposal",
        [1, ..] => "accept",
        _ => "data",
    };
}
