using PacketSec.Adversary.Costs;
using Xunit.Abstractions;

namespace PacketSec.Simulation.Tests.Adversary;

public sealed class FailureCostTests(ITestOutputHelper output)
{
    // Lists that grow now and then are no cost of a cause either.
    private const int Repetitions = 5;
    private const int MostDifference = 256;

    [Fact]
    public void Every_finish_of_secret_handshake_1_with_a_valid_cookie_costs_the_same_whatever_is_wrong_with_it()
    {
        using var costs = new SecretHandshakeCosts();

        // What is compiled or kept at the first time is no cost of a cause.
        foreach (var cause in SecretHandshakeCosts.Causes)
        {
            costs.Measure(cause);
        }

        var measured = SecretHandshakeCosts.Causes.Select(cause => Enumerable.Range(0, Repetitions).Select(_ => costs.Measure(cause)).MinBy(cost => cost.Allocated)!).ToArray();
        foreach (var cost in measured)
        {
            output.WriteLine(cost.ToString());
        }

        Assert.Single(measured.Select(cost => cost.Operations).Distinct());
        Assert.All(measured, cost => Assert.Equal(0, cost.Sent));

        // The list is asked about nobody who has not proven himself; and what the numbers of one map from curve to curve take differs a little.
        var (asked, unasked) = (measured.Where(cost => cost.Asked > 0).ToArray(), measured.Where(cost => cost.Asked == 0).ToArray());
        Assert.Equal(["an identity that the access list refuses"], asked.Select(cost => cost.Cause));
        Assert.InRange(unasked.Max(cost => cost.Allocated) - unasked.Min(cost => cost.Allocated), 0, MostDifference);
    }

    [Theory]
    [InlineData('I')]
    [InlineData('N')]
    [InlineData('K')]
    public void Every_first_message_of_mychips_1_that_draws_nothing_costs_the_same_whatever_is_wrong_with_it(char letter)
    {
        using var costs = new MyChipsCosts();
        var (causes, lookUps, thoseAsked) = letter switch
        {
            'I' => (MyChipsCosts.TicketCauses, 0, MyChipsCosts.Refusals.Keys),
            'N' => (MyChipsCosts.NameCauses, 1, [MyChipsCosts.RefusedName]),
            _ => (MyChipsCosts.RenewalCauses, 0, (IEnumerable<string>)[]),
        };
        foreach (var cause in causes)
        {
            costs.Measure(letter, cause);
        }

        var measured = causes.Select(cause => Enumerable.Range(0, Repetitions).Select(_ => costs.Measure(letter, cause)).MinBy(cost => cost.Allocated)!).ToArray();
        foreach (var cost in measured)
        {
            output.WriteLine(cost.ToString());
        }

        Assert.Contains("Agree", Assert.Single(measured.Select(cost => cost.Operations).Distinct()), StringComparison.Ordinal);
        Assert.All(measured, cost => Assert.Equal((0, lookUps), (cost.Sent, cost.LookUps)));

        // Whom the store or the application is asked about has proven himself; the question, and nothing else, is kept until it is answered.
        Assert.Equal(thoseAsked, measured.Where(cost => cost.Asked > 0).Select(cost => cost.Cause));
        foreach (var group in measured.GroupBy(cost => cost.Asked))
        {
            Assert.InRange(group.Max(cost => cost.Allocated) - group.Min(cost => cost.Allocated), 0, MostDifference);
        }
    }
}
