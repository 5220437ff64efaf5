using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PacketSec.Crypto;

namespace PacketSec.Benchmarks.Ratios;

/// <summary><c>ratios</c>: measures, prints a table, and fails where a target is missed.</summary>
internal static class RatioCommand
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static Command Create()
    {
        var pairs = new Option<int>("--pairs") { Description = "Pairs of each ratio; more are steadier.", DefaultValueFactory = _ => 9 };
        pairs.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError("--pairs is 1 at least.");
            }
        });
        var only = new Option<string[]>("--only") { Description = "Measures these groups only.", AllowMultipleArgumentsPerToken = true };
        only.AcceptOnlyFromAmong([.. RatioRun.Groups.Keys]);
        var json = new Option<bool>("--json") { Description = "Prints JSON in place of the table; what people read goes to standard error." };
        var command = new Command("ratios", "Measures ratios of what runs in turn, on one thread; exit code 1 if a target is missed.") { pairs, only, json };
        command.SetAction(result => Run(
            result.GetValue(pairs), result.GetValue(only) ?? [], result.GetValue(json)));
        return command;
    }

    private static int Run(int pairs, string[] only, bool json)
    {
        var people = json ? Console.Error : Console.Out;
        var crypto = CryptoProvider.Default;
        people.WriteLine($"{crypto.Name}; {Environment.ProcessorCount} cores; {pairs} pairs of each ratio");
        var run = new RatioRun(crypto, pairs, people.WriteLine);
        var results = new List<RatioResult>();
        foreach (var (name, measure) in RatioRun.Groups)
        {
            if (only.Length == 0 || only.Contains(name))
            {
                results.AddRange(measure(run));
            }
        }

        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(results, Json));
        }
        else
        {
            Print(results);
        }

        return results.TrueForAll(result => result.Passed) ? 0 : 1;
    }

    private static void Print(List<RatioResult> results)
    {
        var width = results.Max(result => result.Name.Length);
        Console.Out.WriteLine($"{"ratio".PadRight(width)}  median  quartiles      target");
        foreach (var result in results)
        {
            var (lower, median, upper) = (result.Lower, result.Median, result.Upper);
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{result.Name.PadRight(width)}  {median,6:F3}  {lower:F3} - {upper:F3}  {TargetOf(result)}  {result.Detail}"));
        }

        var missed = results.Count(result => !result.Passed);
        Console.Out.WriteLine($"{results.Count - missed} passed, {missed} failed");
    }

    // What has no target is for comparison.
    private static string TargetOf(RatioResult result) => result.Target == 0
        ? "reported       "
        : string.Create(CultureInfo.InvariantCulture, $"{(result.AtLeast ? ">=" : "<=")} {result.Target:F2}  {(result.Passed ? "ok    " : "MISSED")} ");
}
