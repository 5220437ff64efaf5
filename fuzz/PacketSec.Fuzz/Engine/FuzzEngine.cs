using System.Diagnostics;

namespace PacketSec.Fuzz.Engine;

/// <summary>When a run ends: after a number of inputs, after a time, or at the first failure.</summary>
/// <param name="Runs">Inputs to try, or null. A run that only this bounds is the same every time.</param>
/// <param name="Time">How long to go on, or null.</param>
internal sealed record FuzzBudget(long? Runs, TimeSpan? Time);

/// <summary>What a run found.</summary>
/// <param name="Runs">Inputs tried.</param>
/// <param name="Features">Features reached.</param>
/// <param name="Kept">Inputs beyond the corpus that reached a new one, in the order found.</param>
/// <param name="Failure">The first failure, or null.</param>
internal sealed record FuzzResult(long Runs, int Features, IReadOnlyList<byte[]> Kept, FuzzFailure? Failure);

/// <summary>An input that violates a property.</summary>
/// <param name="Input">The input.</param>
/// <param name="Error">What it threw.</param>
internal sealed record FuzzFailure(byte[] Input, Exception Error);

/// <summary>Runs a target on its corpus and on ever new mutants of it.</summary>
internal sealed class FuzzEngine(FuzzTarget target, ulong seed)
{
    /// <summary>What one input may allocate: far above what any parser needs, far below what hurts.</summary>
    private const long MaxAllocation = 16 * 1024 * 1024;

    private readonly FuzzTrace _trace = new();
    private readonly HashSet<ulong> _features = [];

    /// <summary>Runs one input.</summary>
    /// <returns>The failure, or null.</returns>
    public FuzzFailure? Try(byte[] input)
    {
        _trace.Clear();
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            target.Run(input, _trace);
        }
        catch (Exception error)
        {
            return new(input, error);
        }

        return GC.GetAllocatedBytesForCurrentThread() - before > MaxAllocation
            ? new(input, new PropertyViolationException($"one input allocates at most {MaxAllocation} bytes"))
            : null;
    }

    /// <summary>Runs the corpus, then mutants until the budget is spent.</summary>
    /// <param name="corpus">Inputs to begin with.</param>
    /// <param name="budget">When to stop.</param>
    public FuzzResult Run(IReadOnlyList<byte[]> corpus, FuzzBudget budget)
    {
        List<byte[]> pool = [.. corpus];
        if (pool.Count == 0)
        {
            pool.Add([]);
        }

        var seeds = pool.Count;
        var clock = Stopwatch.StartNew();
        var random = new FuzzRandom(seed);
        var mutator = new Mutator(random, target.Dictionary, target.MaxInputSize);
        long runs = 0;
        while (!IsSpent(budget, runs, clock))
        {
            var isSeed = runs < seeds;
            var input = isSeed ? pool[(int)runs] : mutator.Mutate(pool[random.Below(pool.Count)], pool[random.Below(pool.Count)]);
            runs++;
            if (Try(input) is { } failure)
            {
                return new(runs, _features.Count, pool[seeds..], failure);
            }

            if (FoundNew() && !isSeed)
            {
                pool.Add(input);
            }
        }

        return new(runs, _features.Count, pool[seeds..], null);
    }

    /// <summary>Makes a failing input smaller while it fails with the same type of error.</summary>
    /// <param name="failure">The failure.</param>
    /// <returns>The smallest found.</returns>
    public FuzzFailure Minimize(FuzzFailure failure)
    {
        var best = failure;
        for (var size = Math.Max(1, best.Input.Length / 2); size > 0; size /= 2)
        {
            for (var at = 0; at + size <= best.Input.Length;)
            {
                if (Fails(best, [.. best.Input[..at], .. best.Input[(at + size)..]]) is { } shorter)
                {
                    best = shorter;
                }
                else
                {
                    at += size;
                }
            }
        }

        for (var at = 0; at < best.Input.Length; at++)
        {
            byte[] zeroed = [.. best.Input];
            zeroed[at] = 0;
            best = Fails(best, zeroed) ?? best;
        }

        return best;
    }

    private FuzzFailure? Fails(FuzzFailure like, byte[] input)
        => Try(input) is { } failure && failure.Error.GetType() == like.Error.GetType() ? failure : null;

    private static bool IsSpent(FuzzBudget budget, long runs, Stopwatch clock)
        => runs >= budget.Runs || (budget.Time is { } time && clock.Elapsed >= time);

    private bool FoundNew()
    {
        var found = false;
        foreach (var feature in _trace.Features)
        {
            found |= _features.Add(feature);
        }

        return found;
    }
}
