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
var print = new Option<bool>("--print") { Description = "Writes what was measured into spec/properties.md." };

var root = new RootCommand("Plays adversaries against the schemes, sixteen properties of a channel, and against controls that must lose.")
{
    runs, seed, quick, only, schemes, print,
};
root.SetAction(result =>
{
    var number = result.GetValue(runs);
    var games = result.GetValue(only) is { Length: > 0 } names ? AllGames.List.Where(game => names.Contains(game.Name)).ToArray() : AllGames.List;
    var contestants = result.GetValue(schemes) is { Length: > 0 } some ? MeasuredSchemes.All.Where(scheme => some.Contains(scheme.Scheme)).ToArray() : MeasuredSchemes.All;
    var plan = (result.GetValue(quick) ? Plan.Quick : new() { Seed = result.GetValue(seed), ConfirmRuns = number, SearchRuns = Math.Max(Plan.Quick.SearchRuns, number / 10) })
        with
    { Games = games, Schemes = contestants };
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
        var path = Page.Find(Environment.CurrentDirectory);
        File.WriteAllText(path, Page.Rewrite(File.ReadAllText(path), measurements, $"Measured with `--runs {plan.ConfirmRuns} --seed {plan.Seed}`."));
        var readme = Page.FindReadme(path);
        File.WriteAllText(readme, Page.CopyMatrix(File.ReadAllText(path), File.ReadAllText(readme)));
    }

    Console.WriteLine($"{measurements.Count - failed} passed, {failed} failed, 0 skipped");
    return failed == 0 ? 0 : 1;
});
return root.Parse(args).Invoke();
