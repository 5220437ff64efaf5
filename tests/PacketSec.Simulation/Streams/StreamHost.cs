using PacketSec.Protocol;
using PacketSec.Protocol.Streams;

namespace PacketSec.Simulation.Streams;

/// <summary>One side of a connection in a simulation, with what its application does.</summary>
internal sealed class StreamHost
{
    private readonly byte[] _payload = new byte[ImplementationLimits.MaxUdpPayload - SpecLimits.DatagramOverhead];
    private readonly Func<Instant, ConnectionMachine> _create;
    private long _oldestSession;

    public StreamHost(Instant now, Func<Instant, ConnectionMachine> create, SimulatedLink link)
    {
        _create = create;
        Machine = create(now);
        Link = link;
    }

    public ConnectionMachine Machine { get; private set; }

    /// <summary>Gets or sets where packets go.</summary>
    public SimulatedLink Link { get; set; }

    /// <summary>Gets or sets who gets them.</summary>
    public StreamHost Peer { get; set; } = null!;

    /// <summary>Gets or sets what the application does whenever something happened.</summary>
    public Action<Instant>? Application { get; set; }

    /// <summary>Gets or sets who looks at each packet that is sent.</summary>
    public Action<Instant, BuiltPacket, ReadOnlyMemory<byte>>? Watcher { get; set; }

    /// <summary>Gets the events that nobody has taken.</summary>
    public Queue<StreamEvent> Events { get; } = new();

    /// <summary>Gets how many packets were built.</summary>
    public long Built { get; private set; }

    /// <summary>Gets the verdicts on packets that were not processed.</summary>
    public Dictionary<PacketVerdict, int> Refused { get; } = [];

    /// <summary>Gets or sets whether events are left in the machine's own order for <see cref="Events"/>.</summary>
    public bool KeepsEvents { get; set; } = true;

    public StreamCarrier? Carrier { get; private set; }

    /// <summary>Gets when the machine wants to be called, in nanoseconds.</summary>
    public long Deadline => Machine.NextDeadline?.Nanoseconds ?? long.MaxValue;

    /// <summary>Changes the session that seals, or takes it away.</summary>
    public void Use(Instant now, StreamCarrier? carrier)
    {
        Carrier = carrier;
        if (carrier is { } given)
        {
            Machine.SetCarrier(now, given);
        }
        else
        {
            Machine.Block();
        }
    }

    /// <summary>Forgets everything, as a process that starts again: also the keys of the sessions before the new one.</summary>
    public void Restart(Instant now, StreamCarrier carrier)
    {
        Machine = _create(now);
        Events.Clear();
        _oldestSession = carrier.Session;
        Use(now, carrier);
    }

    public void Receive(Instant now, long session, ReadOnlySpan<byte> payload)
    {
        if (session < _oldestSession)
        {
            return;
        }

        var verdict = Machine.HandlePacket(now, session, payload);
        if (verdict == PacketVerdict.PeerRestarted)
        {
            TakeEvents();
            Machine = _create(now);
            Use(now, Carrier);
            Refused[verdict] = Refused.GetValueOrDefault(verdict) + 1;
            verdict = Machine.HandlePacket(now, session, payload);
        }

        if (verdict != PacketVerdict.Processed)
        {
            Refused[verdict] = Refused.GetValueOrDefault(verdict) + 1;
        }
    }

    /// <summary>Lets the application work, and sends what is to be sent.</summary>
    public void Pump(Instant now)
    {
        TakeEvents();
        Application?.Invoke(now);
        while (Machine.TryBuildPacket(now, _payload.AsSpan(0, Room), out var packet))
        {
            Built++;
            Watcher?.Invoke(now, packet, _payload.AsMemory(0, packet.Length));
            Link.Send(now, Peer, Carrier!.Value.Session, _payload.AsSpan(0, packet.Length));
            Application?.Invoke(now);
        }

        TakeEvents();
    }

    private int Room => Math.Max(Carrier?.MaxDatagram ?? 0, Dplpmtud.BaseSize) - SpecLimits.DatagramOverhead;

    private void TakeEvents()
    {
        while (Machine.TryPollEvent(out var what))
        {
            if (KeepsEvents)
            {
                Events.Enqueue(what);
            }
        }
    }
}
