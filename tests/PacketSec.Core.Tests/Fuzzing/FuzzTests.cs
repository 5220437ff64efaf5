using PacketSec.Fuzz;
using PacketSec.Fuzz.Engine;
using PacketSec.Fuzz.Targets;
using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Fuzzing;

public sealed class FuzzTests : IDisposable
{
    private static readonly string CorpusFolder = Path.Combine(TestData.RepositoryRoot, "fuzz", "corpus");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("packetsec-fuzz-");

    public static TheoryData<string> Targets => new(AllTargets.List.Select(target => target.Name));

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Targets))]
    public void Each_target_holds_on_its_corpus_and_on_mutants_of_it(string name)
    {
        var target = AllTargets.Find(name)!;
        var corpus = Corpus.Read(CorpusFolder, target);
        Assert.NotEmpty(corpus);
        var result = new FuzzEngine(target, seed: 1).Run([.. corpus.Select(entry => entry.Input)], new FuzzBudget(500, null));
        Assert.Null(result.Failure);
        Assert.Equal(500, result.Runs);
        Assert.InRange(result.Features, 3, int.MaxValue);
    }

    [Fact]
    public void Each_corpus_folder_belongs_to_a_target()
        => Assert.Equal(
            AllTargets.List.Select(target => target.Name),
            Directory.EnumerateDirectories(CorpusFolder).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal));

    [Fact]
    public void A_seed_names_a_run()
    {
        var first = new FuzzEngine(new P2pkeBodiesTarget(), seed: 5).Run([], new FuzzBudget(3000, null));
        var second = new FuzzEngine(new P2pkeBodiesTarget(), seed: 5).Run([], new FuzzBudget(3000, null));
        var other = new FuzzEngine(new P2pkeBodiesTarget(), seed: 6).Run([], new FuzzBudget(3000, null));
        Assert.NotEmpty(first.Kept);
        Assert.Equal(first.Kept, second.Kept);
        Assert.NotEqual(first.Kept, other.Kept);
    }

    [Fact]
    public void A_planted_bug_is_found_and_its_input_made_small()
    {
        var engine = new FuzzEngine(new PlantedBugTarget(), seed: 1);
        var failure = engine.Run(["a long input with BU in it"u8.ToArray()], new FuzzBudget(100_000, null)).Failure;
        Assert.NotNull(failure);
        Assert.IsType<PropertyViolationException>(failure.Error);
        Assert.Equal("BUG"u8.ToArray(), engine.Minimize(failure).Input);
        Assert.Null(engine.Try("BU"u8.ToArray()));
    }

    [Fact]
    public void An_input_that_allocates_without_bound_fails()
    {
        var engine = new FuzzEngine(new GreedyTarget(), seed: 1);
        Assert.Null(engine.Try(new byte[8]));
        Assert.NotNull(engine.Try(new byte[32]));
    }

    [Fact]
    public void The_command_line_lists_runs_and_replays()
    {
        Assert.Equal((0, AllTargets.List.Count), Invoke("list"));
        Assert.Equal((0, 1), Invoke("run", "varint", "--runs", "100", "--seed", "3", "--corpus", CorpusFolder, "--crashes", _folder.FullName));
        Assert.Equal((0, AllTargets.List.Count), Invoke("replay", "all", "--corpus", CorpusFolder));
        Assert.Equal((2, 0), Invoke("run", "no-such-target"));
        Assert.Equal((2, 0), Invoke("minimize", "varint", Path.Combine(CorpusFolder, "varint", "one")));
        Assert.Equal((2, 0), Invoke("replay", "varint", Path.Combine(_folder.FullName, "none")));
        Assert.Empty(_folder.GetFiles());
    }

    private static (int ExitCode, int Lines) Invoke(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = FuzzApplication.Run(args, output, error);
        Assert.Equal(exitCode == 0, error.ToString().Length == 0);
        return (exitCode, output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    /// <summary>Fails on inputs with three certain bytes in a row, and tells the engine how many of them stand there.</summary>
    private sealed class PlantedBugTarget : FuzzTarget
    {
        public override string Name => "planted";

        public override string Property => "no input holds BUG";

        public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
        {
            for (var length = 1; length <= 3; length++)
            {
                if (input.IndexOf("BUG"u8[..length]) >= 0)
                {
                    trace.Reach(length);
                }
            }

            Require(input.IndexOf("BUG"u8) < 0, Property);
        }
    }

    private sealed class GreedyTarget : FuzzTarget
    {
        public override string Name => "greedy";

        public override string Property => "none";

        public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace) => GC.KeepAlive(new byte[input.Length * 1024 * 1024]);
    }
}
