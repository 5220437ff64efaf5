using System.CommandLine;
using System.Text.Json;
using PacketSec.TestSupport;

namespace PacketSec.Load.Compare;

/// <summary><c>compare</c>: the datagram path against other programs, in turn and in one run.</summary>
internal static class CompareCommand
{
    private const int CannotCompare = 2;

    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static Command Create()
    {
        var only = new Option<string[]>("--only")
        {
            Description = $"Some comparisons, with commas between them: {string.Join(", ", Comparisons.Names)}. Without it all.",
            CustomParser = result => [.. result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))],
            DefaultValueFactory = _ => [.. Comparisons.Names],
            AllowMultipleArgumentsPerToken = true,
        };
        only.Validators.Add(result =>
        {
            foreach (var name in result.GetValue(only)!.Except(Comparisons.Names))
            {
                result.AddError($"There is no comparison '{name}'; there are {string.Join(", ", Comparisons.Names)}.");
            }
        });
        var pairs = new Option<int>("--pairs") { Description = "How often each contestant runs.", DefaultValueFactory = _ => 9 };
        var seconds = new Option<int>("--seconds") { Description = "The measured part of each run, after its first second.", DefaultValueFactory = _ => 3 };
        foreach (var count in new[] { pairs, seconds })
        {
            count.Validators.Add(result =>
            {
                if (result.GetValue(count) is < 1 or > 1000)
                {
                    result.AddError($"{count.Name} is 1 to 1,000.");
                }
            });
        }

        var pin = new Option<bool>("--pin") { Description = "Gives the sender the first core and the receiver the second, by taskset." };
        var json = new Option<bool>("--json") { Description = "Prints JSON instead of a table." };
        var output = new Option<FileInfo?>("--out") { Description = "Writes the JSON to a file, too." };
        var command = new Command("compare", "Compares the datagram path with C programs, OpenSSL's DTLS and an implementation in Go. Linux only.")
        {
            only, pairs, seconds, pin, json, output,
        };
        command.SetAction((result, token) => Task.Run(
            () => Run(
                result.GetValue(only)!, result.GetValue(pairs), result.GetValue(seconds), result.GetValue(pin), result.GetValue(json), result.GetValue(output), token),
            token));
        return command;
    }

    private static int Run(string[] names, int pairs, int seconds, bool pin, bool json, FileInfo? file, CancellationToken cancellationToken)
    {
        try
        {
            var report = Compare(names, pairs, seconds, pin, cancellationToken);
            var text = JsonSerializer.Serialize(report, Json);
            if (file is not null)
            {
                File.WriteAllText(file.FullName, text + Environment.NewLine);
            }

            if (json)
            {
                Console.Out.WriteLine(text);
            }
            else
            {
                CompareTable.Print(report, Console.Out);
            }

            return report.Passed ? 0 : 1;
        }
        catch (ContestException error)
        {
            Console.Error.WriteLine(error.Message);
            return CannotCompare;
        }
    }

    private static CompareReport Compare(string[] names, int pairs, int seconds, bool pin, CancellationToken cancellationToken)
    {
        RequireSense();
        var machine = Machine.Describe();
        var skipped = names.Where(name => Comparisons.NeedsSegments(name) && !machine.HasSegments).ToList();
        using var programs = new Programs();

        // All are built before the first is measured.
        var comparisons = names.Except(skipped).Select(name => Comparisons.Make(name, programs, seconds)).ToList();
        var contest = new Contest(Comparisons.Payload, pin, cancellationToken);
        var results = comparisons.ConvertAll(comparison => Measure(comparison, contest, pairs));
        return new(machine with { OpenSsl = programs.Versions }, pairs, seconds, Comparisons.Payload, pin, results, skipped);
    }

    public static void RequireSense()
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new ContestException("The comparison needs Linux: the programs in C use its socket options.");
        }

#if DEBUG
        throw new ContestException("A debug build is no measure: run with -c Release.");
#endif
    }

    private static ComparisonResult Measure(Comparison comparison, Contest contest, int pairs)
    {
        var run = 0;
        var measured = PairedRatios.Collect(pairs, () => Ran(comparison.Ours), () => Ran(comparison.Other));
        return ComparisonResult.Of(comparison, measured);

        Outcome Ran(Contestant contestant)
        {
            var outcome = contest.Run(contestant);
            Console.Error.WriteLine(
                $"{comparison.Name} {++run}/{2 * pairs}: {contestant.Name}: {outcome.Received.Rate:N0} datagrams/s, "
                + $"{outcome.Sent.NanosecondsPerPacket:N0} + {outcome.Received.NanosecondsPerPacket:N0} ns, {outcome.Lost:P1} lost");
            return outcome;
        }
    }
}
