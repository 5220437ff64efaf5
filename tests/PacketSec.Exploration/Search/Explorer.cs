using PacketSec.Exploration.Model;

namespace PacketSec.Exploration.Search;

/// <summary>What an exploration found.</summary>
internal sealed record Findings(Configuration Configuration)
{
    public int States { get; init; }

    public long Edges { get; init; }

    public int Depth { get; init; }

    public int Late { get; init; }

    public int Full { get; init; }

    public int StartedOver { get; init; }

    public int Unconfirmed { get; init; }

    /// <summary>Gets the first violation, which is a shortest one; null when there is none.</summary>
    public Violation? Violation { get; init; }
}

/// <summary>A schedule to a state where something is wrong.</summary>
internal sealed record Violation(string Fault, IReadOnlyList<Step> Steps);

/// <summary>Walks through all states of a configuration, breadth first.</summary>
internal sealed class Explorer(Configuration configuration)
{
    private readonly Dictionary<UInt128, int> _seen = [];
    private readonly List<(int From, uint Step)> _ways = [];
    private readonly Queue<World> _open = new();
    private readonly Judge _judge = new(configuration);

    /// <summary>Explores until everything is seen, or something is wrong.</summary>
    /// <param name="most">The most states to look at.</param>
    public Findings Run(int most = int.MaxValue)
    {
        var steps = new List<Step>();
        long edges = 0;
        var (depth, lastOfDepth) = (0, 0);
        var violation = Add(World.Begin(configuration), -1, default);
        for (var current = 0; violation is null && _open.TryDequeue(out var world) && _seen.Count < most; current++)
        {
            if (current > lastOfDepth)
            {
                (depth, lastOfDepth) = (depth + 1, _ways.Count - 1);
            }

            steps.Clear();
            world.AddSteps(steps);
            edges += steps.Count;
            for (var i = 0; violation is null && i < steps.Count; i++)
            {
                violation = Add(world.Apply(steps[i]), current, steps[i]);
            }
        }

        return new(configuration)
        {
            States = _seen.Count,
            Edges = edges,
            Depth = depth,
            Late = _judge.Late,
            Full = _judge.Full,
            StartedOver = _judge.StartedOver,
            Unconfirmed = _judge.Unconfirmed,
            Violation = violation,
        };
    }

    private Violation? Add(World world, int from, Step step)
    {
        var key = world.Key;
        if (!_seen.TryAdd(key, _ways.Count))
        {
            return null;
        }

        _ways.Add((from, step.Pack()));
        _open.Enqueue(world);
        return _judge.FindFault(world, key) is { } fault ? new(fault, WayTo(_ways.Count - 1)) : null;
    }

    private List<Step> WayTo(int state)
    {
        var steps = new List<Step>();
        for (; _ways[state].From >= 0; state = _ways[state].From)
        {
            steps.Add(Step.Unpack(_ways[state].Step));
        }

        steps.Reverse();
        return steps;
    }
}
