using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PacketSec.Load.Plot;

namespace PacketSec.Load.Compare;

/// <summary><c>sweep</c>: rates by payload and by number of peers, and where the CPU time goes, ours and the program in C in turn.</summary>
internal static class SweepCommand
{
    private const int CannotSweep = 2;

    // A little below what one UDP datagram carries, and an index at least.
    private const int SmallestPayload = 8;
    private const int LargestPayload = 65_000;
    private const int MostPeers = 60_000;

    private static readonly int[] Payloads = [64, 128, 256, 512, 1200, 1400, 2800, 5600, 8900];
    private static readonly int[] PeerCounts = [1, 10, 100, 1000, 10_000];

    public static Command Create()
    {
        var payloads = Numbers("--payloads", "Bytes of the application in a datagram.", Payloads, SmallestPayload, LargestPayload);
        var peers = Numbers("--peers", "Peers that send in turn.", PeerCounts, 1, MostPeers);
        var pairs = Number("--pairs", "How often each contestant runs at each point.");
        var seconds = Number("--seconds", "The measured part of each run, after its first second.");
        var pin = new Option<bool>("--pin") { Description = "Gives the sender the first core and the receiver the second, by taskset." };
        var output = new Option<FileInfo?>("--out") { Description = "Writes JSON to a file, too." };
        var command = new Command("sweep", "Measures rates by payload and by number of peers, and CPU time by stage, beside a program in C. Linux only.")
        {
            payloads, peers, pairs, seconds, pin, output,
        };
        command.SetAction((result, token) => Task.Run(
            () => Run(
                result.GetValue(payloads)!,
                result.GetValue(peers)!,
                result.GetValue(pairs),
                result.GetValue(seconds),
                result.GetValue(pin),
                result.GetValue(output),
                token),
            token));
        return command;
    }

    private static int Run(int[] payloads, int[] peers, int pairs, int seconds, bool pin, FileInfo? file, CancellationToken cancellationToken)
    {
        try
        {
            CompareCommand.RequireSense();
            var machine = Machine.Describe();
            Sweep.Require(machine);
            using var programs = new Programs();
            var report = new Sweep(programs, pairs, seconds, pin, cancellationToken).Run(machine, payloads, peers);
            if (file is not null)
            {
                File.WriteAllText(file.FullName, JsonSerializer.Serialize(report, CompareCommand.Json) + Environment.NewLine);
            }

            Console.Out.Write(string.Join('\n', ReportTables.Of(report).Select(section => section.Text)));
            return 0;
        }
        catch (ContestException error)
        {
            Console.Error.WriteLine(error.Message);
            return CannotSweep;
        }
    }

    private static Option<int[]> Numbers(string name, string description, int[] usual, int least, int most)
    {
        var option = new Option<int[]>(name)
        {
            Description = $"{description} With commas between them; usually {string.Join(',', usual)}.",
            DefaultValueFactory = _ => usual,
            AllowMultipleArgumentsPerToken = true,
            CustomParser = result =>
            {
                var numbers = new List<int>();
                foreach (var word in result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)))
                {
                    if (!int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < least || number > most)
                    {
                        result.AddError($"{name} takes numbers from {least:N0} to {most:N0} with commas between them, not '{word}'.");
                        return [];
                    }

                    numbers.Add(number);
                }

                return [.. numbers.Distinct().Order()];
            },
        };
        return option;
    }

    private static Option<int> Number(string name, string description)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => 2 };
        option.Validators.Add(result =>
        {
            if (result.GetValue(option) is < 1 or > 1000)
            {
                result.AddError($"{name} is 1 to 1,000.");
            }
        });
        return option;
    }
}
