using PacketSec.Protocol.Sessions;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Tests.Scenarios;

/// <summary>Long random lives. What must hold at any time, holds here at times that nobody thought of.</summary>
public sealed class SoakScenarios
{
    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 24).Select(seed => (ulong)seed)];

    // With 106, 122, 198 and 286 a session of the reference was over there and not yet here while ours was renewed.
    public static TheoryData<ulong> SeedsOfRhythms => [.. Enumerable.Range(1, 24).Select(seed => (ulong)seed), 106, 122, 198, 286];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_befalls_two_hosts_they_talk_again_when_it_is_over(ulong seed)
    {
        var options = new HostOptions
        {
            Lifetimes = SessionLifetimes.Shortened(TimeSpan.FromSeconds(12)),
            WorkLatency = TimeSpan.FromMilliseconds(seed % 3 * 10),
            TimerStep = TimeSpan.FromMilliseconds(seed % 2 * 64),
        };
        using var pair = new Pair(seed, Pair.Wan, options, options);
        var random = pair.World.Random.Fork();
        pair.World.Network.Rebind(pair.A.Address, Addresses.Host(0x0301, 50000));
        pair.Dial();
        for (var round = 0; round < 40; round++)
        {
            Befall(pair, random);
            pair.Traffic(random.NextDouble() * 8, random.Next(40), random.Next(40));
            pair.World.RunFor(random.NextDuration(TimeSpan.FromSeconds(random.Chance(0.1) ? 40 : 8)));
        }

        pair.World.Network.Conditions = Pair.Wan;
        pair.World.Network.Partition(pair.World.Network.PublicAddressOf(pair.A.Address), pair.B.Address, cut: false);
        EnsureChannel(pair);

        // The longest pause between two attempts is 30 s, and an attempt that began in the dark may have to fail first.
        var (there, back) = (pair.AToB.Sent, pair.BToA.Sent);
        var alive = pair.World.RunUntil(
            () =>
            {
                EnsureChannel(pair);
                pair.SendAToB();
                pair.SendBToA();
                pair.Run(0.5);
                return pair.AToB.LastDelivered >= there && pair.BToA.LastDelivered >= back;
            },
            TimeSpan.FromSeconds(60));
        pair.Check(alive, $"silence: {pair.AToB}; {pair.BToA}");

        // And from then on without loss, through rekeys.
        pair.Run(5);
        (there, back) = (pair.AToB.Sent, pair.BToA.Sent);
        pair.Traffic(seconds: 30, perSecondAToB: 20, perSecondBToA: 20);
        pair.Run(31);
        pair.Check(AllArrived(pair.AToB, there) && AllArrived(pair.BToA, back), $"loss after the recovery: {pair.AToB}; {pair.BToA}");
    }

    //= spec/p2pke.md#direct-prefer-own
    [Theory]
    [MemberData(nameof(SeedsOfRhythms))]
    public void Whatever_the_rhythm_of_the_data_the_reference_lives_and_loses_nothing(ulong seed)
    {
        var random = new DeterministicRandom(seed * 977);
        var conditions = new LinkConditions
        {
            Latency = random.NextDuration(TimeSpan.FromMilliseconds(150)),
            Jitter = random.NextDuration(TimeSpan.FromMilliseconds(40)),
            KeepOrder = true,
        };
        using var pair = new ReferencePair(seed, conditions, new() { WorkLatency = TimeSpan.FromMilliseconds(seed % 3 * 4) });
        if (seed % 2 == 0)
        {
            pair.WeDial();
        }
        else
        {
            pair.ReferenceDials();
            pair.SendFromReference();
        }

        pair.Check(pair.World.RunUntil(() => pair.IsOpen, TimeSpan.FromSeconds(5)), "no channel");
        for (var round = 0; round < 30; round++)
        {
            pair.Traffic(random.NextDouble() * 5, random.Chance(0.6) ? random.Next(50) : 0, random.Chance(0.6) ? random.Next(50) : 0);
            pair.World.RunFor(TimeSpan.FromSeconds(5) + random.NextDuration(TimeSpan.FromSeconds(random.Chance(0.3) ? 70 : 10)));
        }

        pair.Run(15);
        pair.Check(pair.Reference.Death is null, $"the reference died: {pair.Reference.Death}");
        pair.Check(pair.ToReference.Lost == 0 && pair.FromReference.Lost <= pair.Reference.LateSends, $"{pair.ToReference}; {pair.FromReference}");
    }

    private static void Befall(Pair pair, DeterministicRandom random)
    {
        var network = pair.World.Network;
        switch (random.Next(12))
        {
            case 0:
                pair.A.Restart();
                break;
            case 1:
                pair.B.Restart();
                break;
            case 2:
                network.Partition(network.PublicAddressOf(pair.A.Address), pair.B.Address);
                break;
            case 3:
                network.Rebind(pair.A.Address, Addresses.Host(0x0301, (ushort)(50000 + random.Next(4))));
                break;
            case 4:
                pair.A.Close(pair.B.PeerId);
                break;
            case 5:
                pair.B.Close(pair.A.PeerId);
                break;
            case 6:
                network.Conditions = Pair.Wan with { Loss = random.NextDouble() * 0.4, Jitter = random.NextDuration(TimeSpan.FromMilliseconds(100)) };
                break;
            case 7:
                network.Conditions = Pair.Wan with { Duplication = 0.5, Corruption = 0.2, Reordering = 0.3 };
                break;
            case 8:
                pair.B.Connect(pair.A.PeerId, network.PublicAddressOf(pair.A.Address));
                break;
            default:
                network.Conditions = Pair.Wan;
                network.Partition(network.PublicAddressOf(pair.A.Address), pair.B.Address, cut: false);
                EnsureChannel(pair);
                break;
        }
    }

    /// <summary>Does what an application does whose channel is gone.</summary>
    private static void EnsureChannel(Pair pair)
    {
        if (pair.A.Find(pair.B.PeerId) is null)
        {
            pair.Dial();
        }
    }

    private static bool AllArrived(Flow flow, long from)
    {
        for (var i = from; i < flow.Sent; i++)
        {
            if (!flow.HasArrived(i))
            {
                return false;
            }
        }

        return true;
    }
}
