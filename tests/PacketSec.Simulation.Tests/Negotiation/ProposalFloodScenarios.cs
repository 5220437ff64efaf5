using PacketSec.Simulation.Hosts;

namespace PacketSec.Simulation.Tests.Negotiation;

/// <summary>The counts are those of every run of the tests; a million proposals are a command: <c>tests/PacketSec.Load -- proposals</c>.</summary>
public sealed class ProposalFloodScenarios
{
    //= spec/psec.md#admission
    //= spec/psec.md#cookie-admission
    //= spec/psec.md#amplification
    //= spec/psec.md#retry-taken
    [Fact]
    public void Honest_dials_come_through_a_flood_of_proposals_and_no_address_gets_more_than_it_sent()
    {
        var flood = new ProposalFlood(seed: 1, proposals: 6_000, addresses: 3_000, perSecond: 1_500, honest: 4);
        var result = flood.Run();
        Assert.Equal(6_000, result.Proposals);
        Assert.Equal(4, result.HonestDials);
        Assert.Equal(result.HonestDials, result.HonestOpened);
        Assert.True(result.Retries > 3_000, $"{result.Retries} retries");
        Assert.True(result.BytesOut <= result.BytesIn, $"{result.BytesOut} bytes for {result.BytesIn}");
        Assert.Equal(0, result.AddressesAmplified);
        Assert.True(result.MostServed <= 2 * Protocol.ImplementationLimits.Proposals, $"{result.MostServed} served");
        Assert.Equal(0, result.ServedAfterwards);
    }
}
