using System.CommandLine;
using PacketSec.Fuzz.Engine;
using PacketSec.Fuzz.Targets;

namespace PacketSec.Fuzz;

/// <summary>
/// The command line: <c>list</c>, <c>run</c>, <c>replay</c>, <c>minimize</c>. Exit codes: 0 nothing found, 1 a failure, 2 wrong use.
/// </summary>
internal static class FuzzApplication
{
    private const int Clean = 0;
    private const int Found = 1;
    private const int Usage = 2;
    private const long DefaultRuns = 20_000;

    public static int Run(string[] args, TextWriter output, TextWriter error)
    {
        var parsed = CreateRoot(output, error).Parse(args);
        if (parsed.Errors.Count > 0)
        {
            error.WriteLine($"fuzz: {parsed.Errors[0].Message} See: --help");
            return Usage;
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"fuzz: {failure.Message}");
            return Usage;
        }
    }

    private static RootCommand CreateRoot(TextWriter output, TextWriter error)
    {
        var target = new Argument<string>("TARGET") { Description = "A target's name, or all." };
        target.Validators.Add(result =>
        {
            var name = result.GetValueOrDefault<string>();
            if (name != "all" && AllTargets.Find(name) is null)
            {
                result.AddError($"There is no target '{name}'; list prints them.");
            }
        });
        var file = new Argument<string>("FILE") { Description = "An input." };
        var files = new Argument<string[]>("FILE") { Description = "Inputs; without any, the corpus.", Arity = ArgumentArity.ZeroOrMore };
        var corpus = new Option<string?>("--corpus") { Description = "The folder with a folder of inputs for each target; fuzz/corpus by default." };
        var crashes = new Option<string>("--crashes") { Description = "Where a failing input is written.", DefaultValueFactory = _ => "." };
        var seconds = new Option<double?>("--seconds") { Description = "How long to run each target." };
        var runs = new Option<long?>("--runs")
        {
            Description = $"How many inputs to try; {DefaultRuns} without --seconds. Such a run is the same every time.",
        };
        var seed = new Option<ulong>("--seed") { Description = "Names the run; 1 by default.", DefaultValueFactory = _ => 1 };
        var grow = new Option<bool>("--grow") { Description = "Write inputs that reach something new into the corpus." };

        var list = new Command("list", "Print the targets and what must hold.");
        list.SetAction(_ =>
        {
            foreach (var each in AllTargets.List)
            {
                output.WriteLine($"{each.Name,-18}{each.Property}");
            }

            return Clean;
        });

        var run = new Command("run", "Try the corpus and mutants of it.") { target, seconds, runs, seed, corpus, crashes, grow };
        run.SetAction(parsed =>
        {
            TimeSpan? time = parsed.GetValue(seconds) is { } value ? TimeSpan.FromSeconds(value) : null;
            var budget = new FuzzBudget(parsed.GetValue(runs) ?? (time is null ? DefaultRuns : null), time);
            var session = new RunSession(
                parsed.GetValue(corpus) ?? Corpus.DefaultFolder(),
                parsed.GetRequiredValue(crashes),
                parsed.GetRequiredValue(seed),
                budget,
                parsed.GetValue(grow));
            var found = false;
            foreach (var each in Chosen(parsed.GetRequiredValue(target)))
            {
                found |= !session.Run(each, output, error);
            }

            return found ? Found : Clean;
        });

        var replay = new Command("replay", "Run inputs once, and say which of them fail.") { target, files, corpus };
        replay.SetAction(parsed =>
        {
            var found = false;
            foreach (var each in Chosen(parsed.GetRequiredValue(target)))
            {
                var inputs = parsed.GetValue(files) is { Length: > 0 } named
                    ? named.Select(path => (Path: path, Input: File.ReadAllBytes(path)))
                    : Corpus.Read(parsed.GetValue(corpus) ?? Corpus.DefaultFolder(), each);
                found |= !Replay(each, [.. inputs], output, error);
            }

            return found ? Found : Clean;
        });

        var minimize = new Command("minimize", "Make a failing input smaller: FILE.min.") { target, file };
        minimize.SetAction(parsed => Minimize(Chosen(parsed.GetRequiredValue(target)), parsed.GetRequiredValue(file), output, error));
        return new RootCommand("Fuzzes the readers of PacketSec in one process.") { list, run, replay, minimize };
    }

    private static IEnumerable<FuzzTarget> Chosen(string name) => name == "all" ? AllTargets.List : [AllTargets.Find(name)!];

    private static bool Replay(FuzzTarget target, IReadOnlyList<(string Path, byte[] Input)> inputs, TextWriter output, TextWriter error)
    {
        var engine = new FuzzEngine(target, seed: 0);
        var failed = 0;
        foreach (var (path, input) in inputs)
        {
            if (engine.Try(input) is { } failure)
            {
                failed++;
                error.WriteLine($"{target.Name}: {path}: {failure.Error}");
            }
        }

        output.WriteLine($"{target.Name}: {inputs.Count} inputs, {failed} failed");
        return failed == 0;
    }

    private static int Minimize(IEnumerable<FuzzTarget> targets, string path, TextWriter output, TextWriter error)
    {
        foreach (var target in targets)
        {
            var engine = new FuzzEngine(target, seed: 0);
            if (engine.Try(File.ReadAllBytes(path)) is { } failure)
            {
                var smallest = engine.Minimize(failure);
                File.WriteAllBytes(path + ".min", smallest.Input);
                output.WriteLine($"{target.Name}: {failure.Input.Length} -> {smallest.Input.Length} bytes in {path}.min: {smallest.Error.Message}");
                return Found;
            }
        }

        error.WriteLine($"fuzz: '{path}' does not fail: there is nothing to make smaller.");
        return Usage;
    }

    /// <summary>The options of one <c>run</c>.</summary>
    private sealed record RunSession(string CorpusFolder, string CrashFolder, ulong Seed, FuzzBudget Budget, bool Grow)
    {
        /// <summary>Runs one target; false when it failed.</summary>
        public bool Run(FuzzTarget target, TextWriter output, TextWriter error)
        {
            var engine = new FuzzEngine(target, Seed);
            var result = engine.Run([.. Corpus.Read(CorpusFolder, target).Select(entry => entry.Input)], Budget);
            var verdict = result.Failure is null ? "no failure" : "FAILED";
            output.WriteLine($"{target.Name}: {result.Runs} inputs, {result.Features} features, {result.Kept.Count} new inputs, {verdict}");
            if (Grow)
            {
                foreach (var input in result.Kept)
                {
                    Corpus.Write(Path.Combine(CorpusFolder, target.Name), "", input);
                }
            }

            if (result.Failure is not { } failure)
            {
                return true;
            }

            var path = Corpus.Write(CrashFolder, $"crash-{target.Name}-", failure.Input);
            error.WriteLine($"{target.Name}: {failure.Error}");
            error.WriteLine($"{target.Name}: the input is in {path}; seed {Seed}. Make it smaller: minimize {target.Name} {path}");
            return false;
        }
    }
}
