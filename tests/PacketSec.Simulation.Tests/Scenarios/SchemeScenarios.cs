using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Tests.Scenarios;

/// <summary>What a channel promises, it promises by every scheme: between strangers, and by <c>mychips-1</c> between sites that know each other.</summary>
public sealed class SchemeScenarios
{
    public static TheoryData<string, bool> Schemes
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var name in Protocol.Schemes.SchemeCatalogue.Default.Names)
            {
                data.Add(name, false);
                data.Add(name, true);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public void Both_ends_open_and_say_by_which_scheme(string scheme, bool direct)
    {
        using var pair = new Pair(1, Pair.Wan, Options(scheme, direct), Options(scheme, direct));
        pair.Dial();
        pair.Check(pair.World.RunUntil(() => pair.AIsOpen && pair.BIsOpen, TimeSpan.FromSeconds(2)), "the channel did not open");
        foreach (var host in new[] { pair.A, pair.B })
        {
            var confirmed = host.EventsOf<PeerEvent.SessionConfirmed>().Single();
            Assert.Equal((scheme, direct), (confirmed.Scheme, confirmed.Agreement is null));
        }

        pair.Run(1);
        pair.CheckAlive();
        pair.CheckNoDropsBut();
    }

    //= spec/sessions.md#rekey-start
    [Theory]
    [MemberData(nameof(Schemes))]
    public void Rekeys_under_traffic_lose_nothing(string scheme, bool direct)
    {
        using var pair = Pair.Connected(2, Pair.Wan, Options(scheme, direct), Options(scheme, direct));
        pair.Traffic(200, 50, 50);
        pair.Run(201);
        pair.CheckNothingLost();
        pair.Check(pair.A.EventsOf<PeerEvent.SessionConfirmed>().Count() >= 4, "the session was not renewed");
        pair.CheckNoDropsBut();
    }

    //= spec/sessions.md#rekey-unclaimed
    [Theory]
    [InlineData("noise-xx-1", false)]
    [InlineData("noise-xx-1", true)]
    [InlineData("secret-handshake-1", false)]
    [InlineData("secret-handshake-1", true)]
    public void First_messages_that_name_nobody_count_against_the_rate_of_the_channel_whoever_sends_them(string scheme, bool direct)
    {
        var options = Options(scheme, direct);
        options = direct ? options : options with { Proposal = options.Proposal! with { EmbedFirstPacket = false } };
        using var pair = new Pair(1, Pair.Wan, options, options);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.Dial();
        pair.Check(pair.World.RunUntil(() => pair.AIsOpen && pair.BIsOpen, TimeSpan.FromSeconds(2)), "the channel did not open");
        pair.Run(1);
        var first = record.Datagrams.First(datagram => datagram.Word is 0x00000004 or 0x00000008);
        pair.World.Clock.AdvanceTo(new((pair.World.Now.Nanoseconds / 1_000_000_000 + 1) * 1_000_000_000));
        var taken = pair.B.Received(ReceivedKind.Handshake);
        for (var i = 0; i < ImplementationLimits.WorkPerChannelPerSecond + 1; i++)
        {
            pair.World.Network.Inject(first.From, first.To, [.. first.Bytes[..4], .. pair.World.Random.NextBytes(32), .. first.Bytes[36..]]);
            pair.World.RunFor(TimeSpan.FromMilliseconds(20));
        }

        Assert.Equal(1, pair.B.Drops(DropReason.PrefixRate));
        Assert.Equal(taken + ImplementationLimits.WorkPerChannelPerSecond, pair.B.Received(ReceivedKind.Handshake));
        pair.CheckAlive();
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public void A_dial_over_a_bad_path_opens(string scheme, bool direct)
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var bad = Pair.Wan with { Loss = 0.3, Duplication = 0.1, Jitter = TimeSpan.FromMilliseconds(20) };
            using var pair = new Pair(seed, bad, Options(scheme, direct), Options(scheme, direct));
            pair.Dial();
            pair.Check(pair.World.RunUntil(() => pair.AIsOpen && pair.BIsOpen, TimeSpan.FromSeconds(12)), "the channel did not open");
        }
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public void Two_dials_at_once_lead_to_a_channel_that_carries(string scheme, bool direct)
    {
        for (ulong seed = 1; seed <= 10; seed++)
        {
            using var pair = new Pair(seed, Pair.Wan, Options(scheme, direct), Options(scheme, direct));
            pair.Dial();
            pair.B.Connect(pair.A.PeerId, pair.World.Network.PublicAddressOf(pair.A.Address));
            pair.Check(pair.World.RunUntil(() => pair.AIsOpen && pair.BIsOpen, TimeSpan.FromSeconds(5)), "the channel did not open");
            pair.Run(5);
            pair.CheckAlive();
        }
    }

    [Theory]
    [MemberData(nameof(Schemes))]
    public void A_host_that_restarts_is_found_again(string scheme, bool direct)
    {
        using var pair = Pair.Connected(3, Pair.Wan, Options(scheme, direct), Options(scheme, direct));
        pair.CheckAlive();
        pair.B.Restart();
        pair.Traffic(20, 10, 0);
        var before = pair.AToB.Delivered;
        pair.Check(pair.World.RunUntil(() => pair.AToB.Delivered > before + 10, TimeSpan.FromSeconds(20)), "the restarted host was not found");
        pair.Run(2);
        pair.CheckAlive();
    }

    private static HostOptions Options(string scheme, bool direct)
    {
        var options = scheme == MyChipsScheme.SchemeName ? new HostOptions { IsKnownSite = true, Application = _ => Verdict.Allow } : new();
        return direct
            ? options with { DirectScheme = scheme }
            : options with { DirectScheme = null, Schemes = [scheme], Proposal = new ProposalOptions { Schemes = [scheme] } };
    }
}
