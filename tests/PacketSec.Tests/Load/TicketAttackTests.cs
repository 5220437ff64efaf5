using PacketSec.Load.Tickets;

namespace PacketSec.Tests.Load;

/// <summary>Short runs of the attacks on a directory of tickets.</summary>
[Collection(SocketsCollection.Name)]
public sealed class TicketAttackTests
{
    // Processes start, some of them one after the other.
    private const int Ceiling = 4 * SocketsCollection.CeilingMilliseconds;

    //= spec/mychips.md#store-one-winner
    [Fact(Timeout = Ceiling)]
    public async Task Of_two_processes_exactly_one_gets_each_ticket()
    {
        using var output = new StringWriter();
        Assert.Equal(0, await TicketRace.RunAsync(50, output, default));
        Assert.StartsWith("50 races: ", output.ToString(), StringComparison.Ordinal);
    }

    //= spec/mychips.md#store-durable
    [Fact(Timeout = Ceiling)]
    public async Task A_process_that_is_killed_grants_nothing_twice()
    {
        using var output = new StringWriter();
        Assert.Equal(0, await TicketKill.RunAsync(10, 1, output, default));
        Assert.StartsWith("10 kills, ", output.ToString(), StringComparison.Ordinal);
    }
}
