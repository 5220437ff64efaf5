using System.CommandLine;
using PacketSec.Simulation.Hosts;

namespace PacketSec.Load;

/// <summary><c>proposals</c>: a listener in virtual time under proposals that nobody stands behind, while honest peers dial it.</summary>
internal static class ProposalCommand
{
    // Between the second tenth, when all tables are full, and the last.
    private const double AllowedGrowth = 1.10;

    public static Command Create()
    {
        var count = new Option<int>("--count") { Description = "Proposals to send, each of an attempt of its own.", DefaultValueFactory = _ => 1_000_000 };
        var addresses = new Option<int>("--addresses") { Description = "From how many addresses.", DefaultValueFactory = _ => 100_000 };
        var rate = new Option<int>("--rate") { Description = "Proposals per second of virtual time.", DefaultValueFactory = _ => 20_000 };
        var honest = new Option<int>("--honest") { Description = "Peers that dial meanwhile.", DefaultValueFactory = _ => 50 };
        var seed = new Option<ulong>("--seed") { Description = "The seed of all choices.", DefaultValueFactory = _ => 1UL };
        var command = new Command("proposals", "Floods a listener with proposals, and checks that it stays small, amplifies nothing and serves honest dials.")
        {
            count, addresses, rate, honest, seed,
        };
        command.SetAction(result => Run(
            new(result.GetValue(seed), result.GetValue(count), result.GetValue(addresses), result.GetValue(rate), result.GetValue(honest)), Console.Out));
        return command;
    }

    private static int Run(ProposalFlood flood, TextWriter output)
    {
        var outcome = flood.Run(tenth => output.WriteLine($"{tenth * 10} %"));
        var growth = outcome.ManagedBytes[^1] / (double)outcome.ManagedBytes[1];
        output.WriteLine($"proposals {outcome.Proposals}, retries {outcome.Retries}, at most {outcome.MostServed} served at once, {outcome.ServedAfterwards} afterwards");
        output.WriteLine($"bytes in {outcome.BytesIn}, out {outcome.BytesOut}; addresses that got more than they sent: {outcome.AddressesAmplified}");
        output.WriteLine($"managed memory after each tenth in KiB: {string.Join(' ', outcome.ManagedBytes.Select(bytes => bytes / 1024))}");
        output.WriteLine($"honest dials {outcome.HonestDials}, opened {outcome.HonestOpened}");

        var failures = new List<string>();
        Require(outcome.HonestOpened == outcome.HonestDials, "an honest dial failed");
        Require(outcome.BytesOut <= outcome.BytesIn && outcome.AddressesAmplified == 0, "more bytes went out than came in");
        Require(growth <= AllowedGrowth, $"memory grew to {growth:F2} of what it was");
        Require(outcome.ServedAfterwards == 0, "proposals are left over");
        failures.ForEach(failure => output.WriteLine($"FAILED: {failure}"));
        output.WriteLine($"{4 - failures.Count} passed, {failures.Count} failed");
        return failures.Count == 0 ? 0 : 1;

        void Require(bool condition, string failure)
        {
            if (!condition)
            {
                failures.Add(failure);
            }
        }
    }
}
