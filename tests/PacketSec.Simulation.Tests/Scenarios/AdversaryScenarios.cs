using PacketSec.Protocol;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Tests.Scenarios;

public sealed class AdversaryScenarios
{
    //= spec/threat-model.md#replay-nothing
    //= spec/sessions.md#forged-harmless
    //= spec/sessions.md#replay-window
    //= spec/sessions.md#window-commit
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Everything_ever_sent_may_be_replayed_and_changes_nothing(ulong seed)
    {
        using var pair = new Pair(seed);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.Dial();
        pair.Run(1);
        pair.Traffic(seconds: 50, perSecondAToB: 20, perSecondBToA: 20);

        // A rekey lies behind, its predecessor is retired, and all receipts are out.
        pair.Run(56);
        pair.CheckNothingLost();
        var everything = record.Datagrams.ToList();
        record.Clear();
        var (a, b) = (pair.A.StateDigest(), pair.B.StateDigest());
        var delivered = pair.AToB.Delivered + pair.BToA.Delivered;
        var stranger = Addresses.Host(9);
        foreach (var datagram in everything)
        {
            pair.World.Network.Inject(datagram.From, datagram.To, datagram.Bytes);
            pair.World.Network.Inject(stranger, datagram.To, datagram.Bytes);
            pair.World.Network.Inject(datagram.To, datagram.From, datagram.Bytes);
        }

        pair.World.RunFor(TimeSpan.FromMilliseconds(200));
        Assert.Equal(delivered, pair.AToB.Delivered + pair.BToA.Delivered);
        Assert.Equal(Suffix(a), Suffix(pair.A.StateDigest()));
        Assert.Equal(Suffix(b), Suffix(pair.B.StateDigest()));

        // InitHellos of old sessions are valid first messages: half-open, bounded, and gone after their deadline.
        pair.Run(10.1);
        Assert.Equal(a, pair.A.StateDigest());
        Assert.Equal(b, pair.B.StateDigest());
        Assert.DoesNotContain(record.Datagrams, datagram => datagram.Word == Header.InitHello || datagram.Bytes.Length > 192);
        pair.CheckAlive();

        // The endpoint's digest comes first and holds what is half-open.
        static string Suffix(string digest) => digest[digest.IndexOf(' ', StringComparison.Ordinal)..];
    }

    [Fact]
    public void Everything_may_be_replayed_at_once_as_well_while_data_flow()
    {
        using var pair = new Pair(1, Pair.Wan with { Jitter = TimeSpan.FromMilliseconds(5) });
        var random = pair.World.Random.Fork();
        pair.World.Network.AddTap((in datagram) =>
        {
            for (var copies = 0; copies < 3; copies++)
            {
                pair.World.Network.Inject(datagram.From, datagram.To, datagram.Bytes, random.NextDuration(TimeSpan.FromSeconds(2)));
            }

            return TapVerdict.Pass;
        });
        pair.Dial();
        pair.Run(1);
        pair.Traffic(seconds: 100, perSecondAToB: 50, perSecondBToA: 50);
        pair.Run(105);
        pair.CheckNothingLost();
    }

    //= spec/sessions.md#address-bound
    [Fact]
    public void A_copier_who_wins_every_race_does_not_get_the_channel()
    {
        using var pair = Pair.Connected(1);
        var thief = Addresses.Host(9);
        var toThief = 0;
        pair.World.Network.AddTap((in datagram) =>
        {
            // Each datagram of A arrives from the thief's address first.
            if (datagram.From == pair.A.Address)
            {
                pair.World.Network.Inject(thief, datagram.To, datagram.Bytes);
            }

            toThief += datagram.To == thief && Header.Counter(datagram.Bytes) >= Header.FirstData ? 1 : 0;
            return TapVerdict.Pass;
        });
        pair.Traffic(seconds: 100, perSecondAToB: 50, perSecondBToA: 50);
        pair.Run(101);
        pair.CheckNothingLost();
        Assert.Equal(0, toThief);
        Assert.Equal(pair.A.Address, pair.B.Peers.Single().Machine.Path?.Remote);
        Assert.Empty(pair.B.EventsOf<PeerEvent.AddressChanged>());

        // All copies were dropped, those of a copied InitHello's early data late or for want of room.
        var reasons = new[] { DropReason.UnknownAddress, DropReason.NotAuthentic, DropReason.EarlyDataFull };
        Assert.InRange(reasons.Sum(pair.B.Drops), 5000, 5300);
    }

    //= spec/sessions.md#forged-harmless
    [Fact]
    public void One_bit_mutants_of_every_genuine_packet_change_nothing_that_lives()
    {
        using var pair = new Pair(1);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.Dial();
        pair.Run(1);
        pair.Traffic(seconds: 2, perSecondAToB: 10, perSecondBToA: 10);
        pair.Run(4);
        var genuine = record.Datagrams.GroupBy(datagram => (datagram.From, datagram.Word)).Select(group => group.First()).ToList();
        var (a, b) = (pair.A.StateDigest(), pair.B.StateDigest());
        var delivered = pair.AToB.Delivered + pair.BToA.Delivered;
        var mutants = 0;
        foreach (var datagram in genuine)
        {
            for (var bit = 0; bit < datagram.Bytes.Length * 8; bit++)
            {
                var mutant = datagram.Bytes.ToArray();
                mutant[bit / 8] ^= (byte)(1 << (bit % 8));
                pair.World.Network.Inject(datagram.From, datagram.To, mutant);
                mutants++;
            }

            pair.World.RunFor(TimeSpan.FromMilliseconds(1));
        }

        pair.Run(10.1);
        Assert.True(mutants > 5000);
        Assert.Equal(delivered, pair.AToB.Delivered + pair.BToA.Delivered);
        Assert.Equal(a, pair.A.StateDigest());
        Assert.Equal(b, pair.B.StateDigest());
        pair.CheckAlive();
    }

    [Fact]
    public void Noise_of_any_length_from_any_source_is_counted_and_nothing_more()
    {
        using var pair = Pair.Connected(1);
        var (a, b) = (pair.A.StateDigest(), pair.B.StateDigest());
        var drops = Total(pair);
        var received = pair.A.DatagramsReceived + pair.B.DatagramsReceived;
        var random = pair.World.Random.Fork();
        for (var i = 0; i < 20_000; i++)
        {
            var datagram = random.NextBytes(random.Next(300));
            if (datagram.Length >= 4 && random.Chance(0.5))
            {
                AdversaryKit.Word(random.Chance(0.5) ? (uint)random.Next(40) : Header.DirectionBit | (uint)random.Next(40)).CopyTo(datagram, 0);
            }

            var (from, to) = random.Chance(0.5) ? (pair.A.Address, pair.B.Address) : (pair.B.Address, pair.A.Address);
            pair.World.Network.Inject(random.Chance(0.3) ? Addresses.Host(random.Next(1 << 20)) : from, to, datagram);
            if (i % 100 == 0)
            {
                pair.World.RunFor(TimeSpan.FromMilliseconds(1));
            }
        }

        pair.Run(10.1);
        Assert.Equal(a, pair.A.StateDigest());
        Assert.Equal(b, pair.B.StateDigest());
        Assert.Equal(20_000, pair.A.DatagramsReceived + pair.B.DatagramsReceived - received);
        Assert.Equal(20_000, Total(pair) - drops);
        pair.CheckAlive();
    }

    //= spec/threat-model.md#authentic-delivery
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void An_adversary_that_drops_delays_doubles_and_twists_at_random_gets_no_further_than_loss(ulong seed)
    {
        using var pair = new Pair(seed, Pair.Lan, new() { WorkLatency = TimeSpan.FromMilliseconds(20) }, new() { WorkLatency = TimeSpan.FromMilliseconds(20) });
        var random = pair.World.Random.Fork();
        var kept = new List<RecordedDatagram>();
        pair.World.Network.AddTap((in datagram) =>
        {
            var bytes = datagram.Bytes.ToArray();
            kept.Add(new(datagram.At, datagram.From, datagram.To, bytes));
            if (random.Chance(0.3))
            {
                var old = kept[random.Next(kept.Count)];
                pair.World.Network.Inject(random.Chance(0.2) ? Addresses.Host(9) : old.From, random.Chance(0.1) ? old.From : old.To, old.Bytes, random.NextDuration(TimeSpan.FromSeconds(1)));
            }

            if (random.Chance(0.1))
            {
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                pair.World.Network.Inject(datagram.From, datagram.To, bytes);
            }

            return random.Chance(0.1) ? TapVerdict.Drop : TapVerdict.Pass;
        });
        pair.Dial();
        pair.Run(5);
        pair.Traffic(seconds: 120, perSecondAToB: 20, perSecondBToA: 20);
        pair.Run(125);

        // 10 % of 2,400 with six standard deviations. The ledger has checked that nothing came twice or altered.
        pair.Check(pair.AToB.Lost <= 330 && pair.BToA.Lost <= 330, $"{pair.AToB}; {pair.BToA}");
        Assert.Single(pair.A.Peers);
        Assert.Single(pair.B.Peers);
    }

    private static long Total(Pair pair) => Enum.GetValues<DropReason>().Sum(reason => pair.A.Drops(reason) + pair.B.Drops(reason));
}
