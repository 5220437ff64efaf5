using PacketSec.Simulation.Hosts;

namespace PacketSec.Simulation.Tests.Negotiation;

/// <summary>Some of the walks; more of them are a stage of the checks.</summary>
public sealed class NegotiationWalkTests
{
    //= spec/psec.md#one-wins
    //= spec/psec.md#renegotiate
    [Theory]
    [InlineData(1)]
    [InlineData(1001)]
    [InlineData(2001)]
    [InlineData(3001)]
    public void Whatever_happened_two_hosts_find_to_one_session_when_the_network_is_well(ulong first)
    {
        for (var seed = first; seed < first + 25; seed++)
        {
            using var walk = new NegotiationWalk(seed);
            if (walk.Run() is { } problem)
            {
                Assert.Fail(walk.Report(problem));
            }
        }
    }
}
