namespace PacketSec.Simulation.Tests.Network;

public sealed class DeterministicRandomTests
{
    // From an independent computation of xoshiro256** seeded with four outputs of SplitMix64.
    [Theory]
    [InlineData(0UL, 0x99EC5F36CB75F2B4UL, 0xBF6E1F784956452AUL)]
    [InlineData(42UL, 0x15780B2E0C2EC716UL, 0x6104D9866D113A7EUL)]
    public void The_output_is_that_of_the_published_algorithms(ulong seed, ulong first, ulong second)
    {
        var random = new DeterministicRandom(seed);
        Assert.Equal((first, second), (random.NextUInt64(), random.NextUInt64()));
    }

    [Fact]
    public void Bounded_numbers_reach_both_ends_and_nothing_beyond()
    {
        var random = new DeterministicRandom(7);
        var seen = new SortedSet<int>();
        for (var i = 0; i < 1000; i++)
        {
            seen.Add(random.Next(8));
        }

        Assert.Equal(Enumerable.Range(0, 8), seen);
    }

    [Fact]
    public void A_random_source_of_equal_seed_gives_equal_bytes_however_they_are_asked_for()
    {
        var (one, other) = (new SeededRandomSource(3), new SeededRandomSource(3));
        var (a, b) = (new byte[37], new byte[37]);
        one.Fill(a);
        other.Fill(b);
        Assert.Equal(a, b);
        Assert.NotEqual(new byte[37], a);
    }
}
