using PacketSec.Interop.Faults;

namespace PacketSec.Tests.Interop;

public class FaultPlanTests
{
    private const int Draws = 20_000;

    // An identity multihash of three bytes, and "p2pke-1", each with its length before it.
    private const string Id = "050003010203";
    private const string Scheme = "077032706b652d31";

    private static readonly FaultProfile Everything = new()
    {
        Handshake = new(Loss: 0.3),
        Data = new(Loss: 0.1, Duplicate: 0.2, Late: 0.3, Corrupt: 0.05),
        Latency = TimeSpan.FromMilliseconds(2),
        LateBy = TimeSpan.FromMilliseconds(20),
    };

    [Fact]
    public void The_verdict_depends_on_the_seed_and_the_place_alone()
    {
        var forwards = Places().Select(place => new FaultPlan(Everything, 7).Decide(place)).ToList();
        var backwards = Places().Reverse().Select(place => new FaultPlan(Everything, 7).Decide(place)).Reverse().ToList();

        Assert.Equal(forwards, backwards);
        Assert.NotEqual(forwards, Places().Select(place => new FaultPlan(Everything, 8).Decide(place)));
    }

    [Fact]
    public void Every_field_of_the_place_counts()
    {
        var plan = new FaultPlan(Everything with { Data = new(Corrupt: 1) }, 7);
        var place = new PacketPlace(1, PacketDirection.ToListener, PacketClass.Data, 1);
        PacketPlace[] others = [place with { Client = 2 }, place with { Direction = PacketDirection.ToDialler }, place with { Ordinal = 2 }];

        Assert.All(others, other => Assert.NotEqual(plan.Decide(place).CorruptBit, plan.Decide(other).CorruptBit));
    }

    [Fact]
    public void One_probability_does_not_shift_the_draws_of_another()
    {
        var plan = new FaultPlan(Everything, 7);
        var without = new FaultPlan(Everything with { Data = Everything.Data with { Late = 0, Corrupt = 0 } }, 7);

        Assert.Equal(
            Places().Select(place => (plan.Decide(place).Lost, plan.Decide(place).DuplicateDelay)),
            Places().Select(place => (without.Decide(place).Lost, without.Decide(place).DuplicateDelay)));
    }

    [Fact]
    public void Faults_are_as_frequent_as_the_profile_says()
    {
        var plan = new FaultPlan(Everything, 7);
        var data = Places(PacketClass.Data).Select(place => plan.Decide(place)).ToList();
        var handshakes = Places(PacketClass.Handshake).Select(place => plan.Decide(place)).ToList();

        AssertShare(0.3, handshakes.Count(verdict => verdict.Lost));
        AssertShare(0.1, data.Count(verdict => verdict.Lost));
        AssertShare(0.2, data.Count(verdict => verdict.DuplicateDelay is not null));
        AssertShare(0.3, data.Count(verdict => verdict.IsLate));
        AssertShare(0.05, data.Count(verdict => verdict.CorruptBit is not null));
        Assert.DoesNotContain(handshakes, verdict => verdict.DuplicateDelay is not null || verdict.IsLate || verdict.CorruptBit is not null);
        Assert.All(data, verdict => Assert.InRange(verdict.Delay, Everything.Latency, Everything.Latency + Everything.LateBy));
        Assert.All(handshakes, verdict => Assert.Equal(Everything.Latency, verdict.Delay));
    }

    [Fact]
    public void A_corrupted_datagram_differs_in_one_bit()
    {
        var plan = new FaultPlan(Everything with { Data = new(Corrupt: 1) }, 7);
        foreach (var place in Places(PacketClass.Data).Take(1000))
        {
            var datagram = new byte[21];
            plan.Decide(place).Corrupt(datagram);
            Assert.Equal(1, datagram.Sum(value => int.PopCount(value)));
        }
    }

    [Theory]
    [InlineData("00000000", PacketClass.Handshake)]
    [InlineData("80000001", PacketClass.Handshake)]
    [InlineData("0000000f", PacketClass.Handshake)]
    [InlineData("00000010", PacketClass.Data)]
    [InlineData("80000010", PacketClass.Data)]
    [InlineData("7fffffff", PacketClass.Data)]
    [InlineData("000000", PacketClass.Data)]
    public void Counters_up_to_15_are_handshakes(string header, object expected)
        => Assert.Equal(expected, PacketClasses.Classify(Convert.FromHexString(header)));

    [Theory]
    [InlineData("00" + Id + "01" + Scheme, PacketClass.Handshake)]
    [InlineData("01" + Scheme, PacketClass.Handshake)]
    [InlineData("ff", PacketClass.Handshake)]
    [InlineData("ff00", PacketClass.Data)]
    [InlineData("01" + Scheme + "31", PacketClass.Data)]
    [InlineData("0001000000", PacketClass.Data)]
    public void Frames_of_negotiation_are_handshakes(string datagram, object expected)
        => Assert.Equal(expected, PacketClasses.Classify(Convert.FromHexString(datagram)));

    private static IEnumerable<PacketPlace> Places()
        => from client in Enumerable.Range(0, 3)
           from direction in Enum.GetValues<PacketDirection>()
           from packetClass in Enum.GetValues<PacketClass>()
           from ordinal in Enumerable.Range(0, 100)
           select new PacketPlace(client, direction, packetClass, ordinal);

    private static IEnumerable<PacketPlace> Places(PacketClass packetClass)
        => Enumerable.Range(0, Draws).Select(ordinal => new PacketPlace(0, PacketDirection.ToListener, packetClass, ordinal));

    // Five standard deviations of the widest share.
    private static void AssertShare(double expected, int count) => Assert.InRange((double)count / Draws, expected - 0.018, expected + 0.018);
}
