using System.CommandLine;
using System.Globalization;
using PacketSec.Simulation.Streams;

namespace PacketSec.Exploration;

/// <summary><c>streams</c>: what one flow reaches on paths of all rates, round trips and losses, from the tenth to the sixtieth second.</summary>
internal static class StreamsCommand
{
    private const int From = 10;
    private const int To = 60;

    private static readonly double[] AllMegabits = [10, 100, 1000];
    private static readonly double[] AllRoundTrips = [1, 20, 200];
    private static readonly double[] AllLosses = [0, 0.001, 0.01];

    public static Command Create()
    {
        var seed = new Option<ulong>("--seed") { Description = "The seed of each cell.", DefaultValueFactory = _ => 1 };
        var megabits = new Option<double[]>("--megabits") { Description = "These rates only.", DefaultValueFactory = _ => AllMegabits, AllowMultipleArgumentsPerToken = true };
        var roundTrips = new Option<double[]>("--rtt") { Description = "These round trips only, in ms.", DefaultValueFactory = _ => AllRoundTrips, AllowMultipleArgumentsPerToken = true };
        var losses = new Option<double[]>("--loss") { Description = "These losses only, 0 to 1.", DefaultValueFactory = _ => AllLosses, AllowMultipleArgumentsPerToken = true };
        var command = new Command("streams", "Measures a flow's goodput in virtual time, beside what the path and RFC 9438 allow; some minutes for all cells.")
        {
            seed, megabits, roundTrips, losses,
        };
        command.SetAction(result => Run(
            result.GetValue(seed), result.GetValue(megabits)!, result.GetValue(roundTrips)!, result.GetValue(losses)!, Console.Out));
        return command;
    }

    private static int Run(ulong seed, double[] allMegabits, double[] roundTrips, double[] losses, TextWriter output)
    {
        var (passed, failed) = (0, 0);
        output.WriteLine("| Mbit/s | RTT ms | loss | goodput Mbit/s | asked for | |");
        output.WriteLine("| ---: | ---: | ---: | ---: | ---: | --- |");
        foreach (var megabits in allMegabits)
        {
            foreach (var roundTrip in roundTrips)
            {
                foreach (var loss in losses)
                {
                    var cell = new StreamCell(megabits, roundTrip, loss);
                    var rate = Measure(cell, seed);
                    var met = rate >= cell.Target;
                    (passed, failed) = met ? (passed + 1, failed) : (passed, failed + 1);
                    output.WriteLine(string.Create(
                        CultureInfo.InvariantCulture,
                        $"| {megabits} | {roundTrip} | {loss} | {rate / 1e6:f2} | {cell.Target / 1e6:f2} | {(met ? "met" : "MISSED")} |"));
                }
            }
        }

        output.WriteLine($"{passed} passed, {failed} failed, 0 skipped");
        return failed == 0 ? 0 : 1;
    }

    private static double Measure(StreamCell cell, ulong seed)
    {
        var network = new StreamNetwork(seed);
        var (sender, receiver) = network.AddPair(network.AddLink(cell.Link), network.AddLink(cell.Link), StreamCell.Wide);
        var flow = new BulkFlow(sender, receiver);
        network.RunTo(TimeSpan.FromSeconds(From));
        var before = flow.Received;
        network.RunTo(TimeSpan.FromSeconds(To));
        return (flow.Received - before) * 8.0 / (To - From);
    }
}
