using PacketSec.Protocol;

namespace PacketSec.Simulation.Network;

/// <summary>Takes what the network delivers.</summary>
public interface IDatagramReceiver
{
    void OnDatagram(Instant now, in PathAddress path, ReadOnlySpan<byte> datagram);
}

/// <summary>
/// A network of one seed: equal seeds, and equal calls, give equal traces. Conditions may change at any time and act on what is sent from then on;
/// where a datagram ends up is decided when it arrives.
/// </summary>
public sealed class SimulatedNetwork
{
    private readonly VirtualClock _clock;
    private readonly EventQueue _queue;
    private readonly DeterministicRandom _random;
    private readonly List<INetworkTap> _taps = [];
    private readonly Dictionary<NetworkAddress, IDatagramReceiver> _receivers = [];
    private readonly Dictionary<NetworkAddress, NetworkAddress> _publicOfLocal = [];
    private readonly Dictionary<NetworkAddress, NetworkAddress> _localOfPublic = [];
    private readonly Dictionary<(NetworkAddress From, NetworkAddress To), LinkConditions> _links = [];
    private readonly Dictionary<(NetworkAddress From, NetworkAddress To), LinkState> _states = [];
    private readonly Stack<DatagramInFlight> _pool = [];

    internal SimulatedNetwork(VirtualClock clock, EventQueue queue, DeterministicRandom random)
    {
        _clock = clock;
        _queue = queue;
        _random = random;
    }

    /// <summary>Gets or sets the conditions of every way that has none of its own.</summary>
    public LinkConditions Conditions { get; set; } = LinkConditions.Perfect;

    public NetworkTrace Trace { get; } = new();

    /// <summary>Sets the conditions of one way between two public addresses; null gives it the common ones again.</summary>
    public void SetConditions(NetworkAddress from, NetworkAddress to, LinkConditions? conditions)
    {
        if (conditions is null)
        {
            _links.Remove((from, to));
        }
        else
        {
            _links[(from, to)] = conditions;
        }
    }

    /// <summary>Cuts, or restores, both ways between two public addresses.</summary>
    public void Partition(NetworkAddress one, NetworkAddress other, bool cut = true)
    {
        var conditions = cut ? new LinkConditions { Blackhole = true } : null;
        SetConditions(one, other, conditions);
        SetConditions(other, one, conditions);
    }

    public void AddTap(INetworkTap tap) => _taps.Add(tap);

    public void AddTap(TapHandler handler) => _taps.Add(new Tap(handler));

    public void RemoveTap(INetworkTap tap) => _taps.Remove(tap);

    public void Attach(NetworkAddress local, IDatagramReceiver receiver)
    {
        if (!_receivers.TryAdd(local, receiver))
        {
            throw new InvalidOperationException($"{local} is taken.");
        }
    }

    public void Detach(NetworkAddress local) => _receivers.Remove(local);

    /// <summary>
    /// Puts a host behind an address translator, or gives it another mapping there: from now on its datagrams come from the public address, and
    /// nothing reaches it through the one it had before. The host does not notice.
    /// </summary>
    public void Rebind(NetworkAddress local, NetworkAddress publicAddress)
    {
        if (_publicOfLocal.Remove(local, out var old))
        {
            _localOfPublic.Remove(old);
        }

        _publicOfLocal[local] = publicAddress;
        _localOfPublic[publicAddress] = local;
    }

    /// <summary>Returns the address under which the network shows a host.</summary>
    public NetworkAddress PublicAddressOf(NetworkAddress local) => _publicOfLocal.GetValueOrDefault(local, local);

    /// <summary>Sends a datagram of a host.</summary>
    /// <param name="from">The host's own address.</param>
    /// <param name="to">A public address.</param>
    /// <param name="datagram">The bytes.</param>
    /// <returns>False when the datagram is too large and the way reports that.</returns>
    public bool Send(NetworkAddress from, NetworkAddress to, ReadOnlySpan<byte> datagram)
    {
        var source = PublicAddressOf(from);
        var conditions = _links.Count == 0 ? Conditions : _links.GetValueOrDefault((source, to), Conditions);
        Trace.Add(TraceKind.Sent, _clock.Now, source, to, datagram);
        var flight = Rent(source, to, datagram);
        foreach (var tap in _taps)
        {
            if (tap.OnDatagram(new(_clock.Now, source, to, flight.Bytes)) == TapVerdict.Drop)
            {
                Discard(TraceKind.Tapped, flight);
                return true;
            }
        }

        if (datagram.Length > conditions.Mtu)
        {
            Discard(TraceKind.TooLarge, flight);
            return !conditions.ReportTooLarge;
        }

        if (conditions.Blackhole || _random.Chance(conditions.Loss))
        {
            Discard(TraceKind.Lost, flight);
            return true;
        }

        if (_random.Chance(conditions.Corruption))
        {
            Corrupt(flight.Bytes);
            Trace.Add(TraceKind.Corrupted, _clock.Now, source, to, flight.Bytes);
        }

        if (_random.Chance(conditions.Duplication))
        {
            Trace.Add(TraceKind.Duplicated, _clock.Now, source, to, flight.Bytes);
            Schedule(conditions, Rent(source, to, flight.Bytes));
        }

        Schedule(conditions, flight);
        return true;
    }

    /// <summary>Puts a made-up datagram on the wire: it passes no tap, and nothing happens to it but a delay.</summary>
    public void Inject(NetworkAddress from, NetworkAddress to, ReadOnlySpan<byte> datagram, TimeSpan delay = default)
    {
        Trace.Add(TraceKind.Injected, _clock.Now, from, to, datagram);
        _queue.Add(_clock.Now + delay, Rent(from, to, datagram));
    }

    internal void Deliver(DatagramInFlight flight)
    {
        var local = _localOfPublic.GetValueOrDefault(flight.To, flight.To);
        var behindTranslator = local == flight.To && _publicOfLocal.ContainsKey(local);
        if (behindTranslator || !_receivers.TryGetValue(local, out var receiver))
        {
            Discard(TraceKind.NoRoute, flight);
            return;
        }

        Trace.Add(TraceKind.Delivered, _clock.Now, flight.From, flight.To, flight.Bytes);
        receiver.OnDatagram(_clock.Now, new(local, flight.From), flight.Bytes);
        _pool.Push(flight);
    }

    private void Schedule(LinkConditions conditions, DatagramInFlight flight)
    {
        var at = _clock.Now;
        if (conditions.Bandwidth > 0)
        {
            var state = StateOf(flight);
            var start = state.BottleneckFree > at ? state.BottleneckFree : at;
            if (start - at > conditions.BottleneckQueue)
            {
                Discard(TraceKind.Congested, flight);
                return;
            }

            at = start + TimeSpan.FromSeconds((double)flight.Bytes.Length / conditions.Bandwidth);
            state.BottleneckFree = at;
        }

        at += conditions.Latency + _random.NextDuration(conditions.Jitter);
        if (_random.Chance(conditions.Reordering))
        {
            at += _random.NextDuration(conditions.ReorderDelay);
        }

        if (conditions.KeepOrder)
        {
            var state = StateOf(flight);
            at = state.LastArrival > at ? state.LastArrival : at;
            state.LastArrival = at;
        }

        _queue.Add(at, flight);
    }

    private void Corrupt(Span<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        for (var flips = 1 + _random.Next(8); flips > 0; flips--)
        {
            bytes[_random.Next(bytes.Length)] ^= (byte)(1 << _random.Next(8));
        }
    }

    private void Discard(TraceKind kind, DatagramInFlight flight)
    {
        Trace.Add(kind, _clock.Now, flight.From, flight.To, flight.Bytes);
        _pool.Push(flight);
    }

    private DatagramInFlight Rent(in NetworkAddress from, in NetworkAddress to, ReadOnlySpan<byte> datagram)
    {
        if (!_pool.TryPop(out var flight))
        {
            flight = new();
        }

        flight.Set(from, to, datagram);
        return flight;
    }

    private LinkState StateOf(DatagramInFlight flight)
    {
        if (!_states.TryGetValue((flight.From, flight.To), out var state))
        {
            _states[(flight.From, flight.To)] = state = new();
        }

        return state;
    }

    private sealed class LinkState
    {
        public Instant BottleneckFree { get; set; }

        public Instant LastArrival { get; set; }
    }
}

/// <summary>A datagram between its sending and its arrival. Used again after that.</summary>
internal sealed class DatagramInFlight
{
    private byte[] _buffer = new byte[2048];
    private int _length;

    public NetworkAddress From { get; private set; }

    public NetworkAddress To { get; private set; }

    public Span<byte> Bytes => _buffer.AsSpan(0, _length);

    public void Set(in NetworkAddress from, in NetworkAddress to, ReadOnlySpan<byte> datagram)
    {
        From = from;
        To = to;
        _length = datagram.Length;
        if (_buffer.Length < _length)
        {
            _buffer = new byte[_length];
        }

        datagram.CopyTo(_buffer);
    }
}
