using System.Net;
using PacketSec.Protocol;
using PacketSec.Protocol.Streams;

namespace PacketSec.Simulation.Streams;

/// <summary>Pairs of connections over links, in virtual time: a function of its seed.</summary>
internal sealed class StreamNetwork(ulong seed)
{
    private readonly DeterministicRandom _random = new(seed);
    private readonly VirtualClock _clock = new();
    private readonly List<StreamHost> _hosts = [];
    private readonly List<SimulatedLink> _links = [];
    private readonly PriorityQueue<Action, long> _plans = new();
    private ulong _incarnations = seed;

    public Instant Now => _clock.Now;

    public TimeSpan Elapsed => _clock.Elapsed;

    public static NetworkAddress Address(byte last, ushort port = 4001) => NetworkAddress.FromEndPoint(new(new IPAddress([10, 0, 0, last]), port));

    public SimulatedLink AddLink(LinkOptions options)
    {
        var link = new SimulatedLink(options, _random.Fork());
        _links.Add(link);
        return link;
    }

    /// <summary>Adds two sides that are connected by links, of which others may be users too.</summary>
    public (StreamHost Even, StreamHost Odd) AddPair(SimulatedLink there, SimulatedLink back, StreamOptions? even = null, StreamOptions? odd = null)
    {
        var first = new StreamHost(Now, now => new(now, StreamSide.Even, even ?? new(), new SeededRandomSource(++_incarnations)), there);
        var second = new StreamHost(Now, now => new(now, StreamSide.Odd, odd ?? even ?? new(), new SeededRandomSource(++_incarnations)), back) { Peer = first };
        first.Peer = second;
        _hosts.Add(first);
        _hosts.Add(second);
        first.Use(Now, new(1, Address(2), there.Options.MaxDatagram));
        second.Use(Now, new(1, Address(1), back.Options.MaxDatagram));
        return (first, second);
    }

    /// <summary>Plans something for a time after the beginning.</summary>
    public void At(TimeSpan elapsed, Action action) => _plans.Enqueue(action, (VirtualClock.Beginning + elapsed).Nanoseconds);

    /// <summary>Runs to a time after the beginning, or until a condition holds.</summary>
    /// <returns>Whether the condition came to hold.</returns>
    public bool RunTo(TimeSpan elapsed, Func<bool>? until = null)
    {
        var end = VirtualClock.Beginning + elapsed;
        PumpAll();
        while (until?.Invoke() != true)
        {
            var next = _plans.TryPeek(out _, out var plan) ? plan : long.MaxValue;
            foreach (var link in _links)
            {
                next = Math.Min(next, link.NextArrival);
            }

            foreach (var host in _hosts)
            {
                next = Math.Min(next, host.Deadline);
            }

            if (next > end.Nanoseconds)
            {
                _clock.AdvanceTo(end);
                return false;
            }

            _clock.AdvanceTo(new(Math.Max(next, Now.Nanoseconds)));
            Step();
        }

        return true;
    }

    private void Step()
    {
        while (_plans.TryPeek(out _, out var plan) && plan <= Now.Nanoseconds)
        {
            _plans.Dequeue()();
            PumpAll();
        }

        foreach (var link in _links)
        {
            while (link.TryDeliver(Now, out var target))
            {
                target.Pump(Now);
            }
        }

        foreach (var host in _hosts)
        {
            if (host.Deadline <= Now.Nanoseconds)
            {
                host.Machine.HandleTimeout(Now);
                host.Pump(Now);
            }
        }
    }

    private void PumpAll()
    {
        foreach (var host in _hosts)
        {
            host.Pump(Now);
        }
    }
}
