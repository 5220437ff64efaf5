using System.Net;
using PacketSec.Protocol;
using PacketSec.Simulation;
using PacketSec.Simulation.Streams;

namespace PacketSec.Libp2p.Tests.Simulated;

/// <summary>
/// A network that loses, delays, reorders and repeats packets by a seed, under machines without I/O. What happens to the n-th packet follows from the seed;
/// time is the clock's, so that applications of tasks and pipes run over it.
/// </summary>
internal sealed class SimulatedWorld : IDisposable
{
    private readonly PriorityQueue<Action, (long At, long Order)> _plans = new();
    private readonly DeterministicRandom _random;
    private readonly LinkOptions _link;
    private readonly Thread _thread;
    private readonly long _begun = TimeProvider.System.GetTimestamp();
    private long _order;
    private bool _ended;

    public SimulatedWorld(ulong seed, LinkOptions? link = null)
    {
        _random = new(seed);
        Randoms = new SeededRandomSource(seed);
        _link = link ?? new() { Delay = TimeSpan.FromMilliseconds(1), Loss = 0.02, Reorder = 0.02, Duplicate = 0.01 };
        _thread = new Thread(Run) { IsBackground = true, Name = "simulated network" };
        _thread.Start();
    }

    /// <summary>Gets the gate of everything in the world.</summary>
    public object Gate { get; } = new();

    public SeededRandomSource Randoms { get; }

    public Dictionary<IPEndPoint, SimulatedListener> Listeners { get; } = [];

    public Instant Now => VirtualClock.Beginning + TimeProvider.System.GetElapsedTime(_begun);

    public int NextPort { get; set; } = 4001;

    public long NextConnection { get; set; }

    /// <summary>Sends something over the network. Under the gate.</summary>
    public void Send(Action deliver)
    {
        if (_random.Chance(_link.Loss))
        {
            return;
        }

        Plan(Delay(), deliver);
        if (_random.Chance(_link.Duplicate))
        {
            Plan(Delay() + _link.Delay, deliver);
        }
    }

    /// <summary>Plans something. Under the gate.</summary>
    public void Plan(TimeSpan delay, Action action) => PlanAt(Now + delay, action);

    /// <summary>Plans something. Under the gate.</summary>
    public void PlanAt(Instant at, Action action)
    {
        var isNext = !_plans.TryPeek(out _, out var place) || at.Nanoseconds < place.At;
        _plans.Enqueue(action, (at.Nanoseconds, _order++));
        if (isNext)
        {
            Monitor.Pulse(Gate);
        }
    }

    public void Dispose()
    {
        lock (Gate)
        {
            _ended = true;
            Monitor.Pulse(Gate);
        }

        _thread.Join();
    }

    private TimeSpan Delay()
        => _random.Chance(_link.Reorder) ? _link.Delay + _random.NextDuration(2 * _link.Delay) : _link.Delay + _random.NextDuration(_link.Delay / 20);

    private void Run()
    {
        lock (Gate)
        {
            while (!_ended)
            {
                var now = Now.Nanoseconds;
                if (!_plans.TryPeek(out var action, out var place))
                {
                    Monitor.Wait(Gate);
                }
                else if (place.At <= now)
                {
                    _plans.Dequeue();
                    action();
                }
                else
                {
                    Monitor.Wait(Gate, TimeSpan.FromMilliseconds(Math.Max(1, (place.At - now) / 1e6)));
                }
            }
        }
    }
}
