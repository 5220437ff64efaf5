using PacketSec.Protocol;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation;

/// <summary>What is to happen, by time; what is to happen at one instant happens in the order in which it was added.</summary>
internal sealed class EventQueue
{
    private readonly PriorityQueue<Entry, (long At, long Order)> _queue = new();
    private long _added;

    public Instant? NextAt => _queue.TryPeek(out _, out var priority) ? new Instant(priority.At) : null;

    public void Add(Instant at, Action action) => _queue.Enqueue(new(action, null), (at.Nanoseconds, _added++));

    public void Add(Instant at, DatagramInFlight flight) => _queue.Enqueue(new(null, flight), (at.Nanoseconds, _added++));

    public Entry Take() => _queue.Dequeue();

    public readonly record struct Entry(Action? Action, DatagramInFlight? Flight);
}
