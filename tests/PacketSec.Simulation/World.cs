using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation;

/// <summary>Something in a world that wants to be woken.</summary>
public interface IActor
{
    /// <summary>Gets the name that failures are reported with.</summary>
    string Name { get; }

    /// <summary>Gets when it wants to be woken, or null when only a datagram can wake it.</summary>
    Instant? NextDeadline { get; }

    /// <summary>Gets why it wants to be woken, for failures.</summary>
    string DescribeDeadline() => NextDeadline.ToString() ?? "";

    void OnTimeout(Instant now);
}

/// <summary>
/// One simulation: a clock, a network, and whoever lives on it, all of one seed. Single-threaded; time jumps to whatever happens next.
/// </summary>
public sealed class World
{
    // An actor that is woken this often without time passing does not move on: its deadline is wrong.
    private const int WakesAtOneInstant = 1000;

    private readonly EventQueue _queue = new();
    private readonly List<IActor> _actors = [];
    private Instant _lastWake;
    private int _wakes;

    public World(ulong seed)
    {
        Seed = seed;
        Random = new(seed);
        Network = new(Clock, _queue, Random.Fork());
    }

    public ulong Seed { get; }

    public VirtualClock Clock { get; } = new();

    public SimulatedNetwork Network { get; }

    /// <summary>Gets the generator of the world itself; each part that draws forks one of its own.</summary>
    public DeterministicRandom Random { get; }

    public Instant Now => Clock.Now;

    /// <summary>Gets the sites that know each other.</summary>
    internal Dictionary<string, PublicKey> Sites { get; } = [];

    public void Add(IActor actor) => _actors.Add(actor);

    public void Remove(IActor actor) => _actors.Remove(actor);

    public void At(Instant at, Action action) => _queue.Add(at < Now ? Now : at, action);

    public void After(TimeSpan delay, Action action) => At(Now + delay, action);

    /// <summary>Repeats an action until it returns false; the first time one interval from now.</summary>
    public void Every(TimeSpan interval, Func<bool> action)
    {
        var next = Now;
        Action? step = null;
        step = () =>
        {
            if (action())
            {
                next += interval;
                At(next, step!);
            }
        };
        next += interval;
        At(next, step);
    }

    /// <summary>Lets time pass.</summary>
    public void RunFor(TimeSpan duration) => RunUntil(static () => false, duration);

    /// <summary>Runs until nothing is left to happen, or time is up.</summary>
    /// <returns>Whether nothing is left to happen.</returns>
    public bool RunUntilIdle(TimeSpan limit)
    {
        var end = Now + limit;
        while (NextAt() is { } at)
        {
            if (at > end)
            {
                Clock.AdvanceTo(end);
                return false;
            }

            Step(at);
        }

        return true;
    }

    /// <summary>Runs until a condition holds, or time is up.</summary>
    /// <returns>Whether the condition holds.</returns>
    public bool RunUntil(Func<bool> condition, TimeSpan limit)
    {
        var end = Now + limit;
        while (!condition())
        {
            if (NextAt() is not { } at || at > end)
            {
                Clock.AdvanceTo(end);
                return condition();
            }

            Step(at);
        }

        return true;
    }

    /// <summary>Returns the text that goes with a failure: how to repeat the run, and what happened last.</summary>
    public string Report(string what) => $"{what}{Environment.NewLine}seed {Seed}, at {Clock.Elapsed.TotalSeconds:F6} s{Environment.NewLine}{Network.Trace.Print()}";

    private Instant? NextAt()
    {
        var next = _queue.NextAt;
        foreach (var actor in _actors)
        {
            if (actor.NextDeadline is { } deadline && (next is null || deadline < next))
            {
                next = deadline;
            }
        }

        return next;
    }

    private void Step(Instant at)
    {
        if (at > Now)
        {
            Clock.AdvanceTo(at);
        }

        // Datagrams before timers: a packet that arrives in the last moment is in time.
        if (_queue.NextAt is { } queued && queued <= Now)
        {
            var entry = _queue.Take();
            if (entry.Flight is { } flight)
            {
                Network.Deliver(flight);
            }
            else
            {
                entry.Action!();
            }

            return;
        }

        for (var i = 0; i < _actors.Count; i++)
        {
            var actor = _actors[i];
            if (actor.NextDeadline is { } deadline && deadline <= Now)
            {
                CountWake(actor);
                actor.OnTimeout(Now);
                return;
            }
        }
    }

    private void CountWake(IActor actor)
    {
        _wakes = _lastWake == Now ? _wakes + 1 : 0;
        _lastWake = Now;
        if (_wakes > WakesAtOneInstant)
        {
            throw new InvalidOperationException(Report($"{actor.Name} was woken {_wakes} times at one instant and wants to be woken again: {actor.DescribeDeadline()}"));
        }
    }
}
