using System.CommandLine;
using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Games;
using PacketSec.Adversary.Suite;

var runs = new Option<int>("--runs")
{
    Description = "How often each bit is guessed; attacks that want to succeed once are tried a tenth as often.",
    DefaultValueFactory = _ => 10_000,
};
runs.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() < Plan.Quick.ConfirmRuns)
    {
        result.AddError($"--runs is at least {Plan.Quick.ConfirmRuns}: fewer tell nothing.");
    }
});
var seed = new Option<ulong>("--seed") { Description = "The seed; without it they begin with the time.", DefaultValueFactory = _ => (ulong)DateTime.UtcNow.Ticks };
var quick = new Option<bool>("--quick") { Description = "Plays as often as every build does, with the same seeds." };
var only = new Option<string[]>("--only") { Description = "Plays these games only.", AllowMultipleArgumentsPerToken = true };
only.AcceptOnlyFromAmong([.. AllGames.List.Select(game => game.Name)]);
var schemes = new Option<string[]>("--scheme") { Description = "Plays against these schemes only.", AllowMultipleArgumentsPerToken = true };
schemes.AcceptOnlyFromAmong([.. MeasuredSchemes.All.Select(scheme => scheme.Scheme).Distinct()]);
var workers = new Option<int>("--workers") { Description = "How many games are played at a time.", DefaultValueFactory = _ => 2 };
workers.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() < 1)
    {
        result.AddError("--workers is at least 1.");
    }
});
var keep = new Option<string?>("--keep")
{
    Description = "Keeps each measurement in this file as it comes, and does not play again what the file has: a long run can be stopped and continued. Give the same --seed, and delete the file when code has changed.",
};
var print = new Option<bool>("--print") { Description = "Writes what was measured into spec/properties.md." };

var root = new RootCommand("Plays adversaries against the schemes, sixteen properties of a channel, and against controls that must lose.")
{
    runs, seed, quick, only, schemes, workers, keep, print,
};
root.SetAction(result =>
{
    var number = result.GetValue(runs);
    var games = result.GetValue(only) is { Length: > 0 } names ? AllGames.List.Where(game => names.Contains(game.Name)).ToArray() : AllGames.List;
    var contestants = result.GetValue(schemes) is { Length: > 0 } some ? MeasuredSchemes.All.Where(scheme => some.Contains(scheme.Scheme)).ToArray() : MeasuredSchemes.All;
    var plan = (result.GetValue(quick) ? Plan.Quick : new() { Seed = result.GetValue(seed), ConfirmRuns = number, SearchRuns = Math.Max(Plan.Quick.SearchRuns, number / 10) })
        with
    { Games = games, Schemes = contestants, Workers = result.GetValue(workers), Ledger = result.GetValue(keep) is { } path ? new(path) : null };
    if (result.GetValue(print) && (games.Count < AllGames.List.Count || contestants.Count < MeasuredSchemes.All.Count))
    {
        Console.Error.WriteLine("--print writes whole tables: leave --only and --scheme out.");
        return 2;
    }

    var failed = 0;
    Console.WriteLine($"seed {plan.Seed}");
    var measurements = plan.Play(measured =>
    {
        var fault = Verdict.Fault(measured);
        failed += fault is null ? 0 : 1;
        Console.WriteLine(fault is null ? measured : $"{measured}  FAILED: {fault}");
    });
    if (result.GetValue(print))
    {
        var page = Page.Find(Environment.CurrentDirectory);
        File.WriteAllText(page, Page.Rewrite(File.ReadAllText(page), measurements, $"Measured with `--runs {plan.ConfirmRuns} --seed {plan.Seed}`."));
        var readme = Page.FindReadme(page);
        File.WriteAllText(readme, Page.CopyMatrix(File.ReadAllText(page), File.ReadAllText(readme)));
    }

    Console.WriteLine($"{measurements.Count - failed} passed, {failed} failed, 0 skipped");
    return failed == 0 ? 0 : 1;
});
return root.Parse(args).Invoke();
