using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Hosts;

/// <summary>Takes a payload that a host delivered to its application.</summary>
public delegate void PeerPayloadHandler(PeerId from, ReadOnlySpan<byte> payload);

/// <summary>
/// A process with one endpoint: it drives the machines as the driver does, on one thread and in virtual time. It routes datagrams, carries events
/// from machine to machine, runs handshake work inline or late, and sends what is polled.
/// </summary>
public sealed partial class SimulatedHost : IActor, IDatagramReceiver, IDisposable
{
    private readonly World _world;
    private readonly HostOptions _options;
    private readonly DeterministicRandom _random;
    private readonly SeededRandomSource _source;
    private readonly IdentityKey _identity;
    private readonly PacketAead _aead;
    private readonly byte[] _plaintext = new byte[65536];
    private readonly byte[] _datagram = new byte[65536];
    private readonly SortedDictionary<long, SimulatedPeer> _peers = [];
    private readonly List<HostEvent> _events = [];
    private EndpointMachine _endpoint;
    private bool _alive = true;

    public SimulatedHost(World world, NetworkAddress address, string name, HostOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(world);
        _world = world;
        _options = options ?? new();
        if (_options.IsKnownSite)
        {
            _options = _options with { SiteId = $"{name}@test", Sites = world.Sites };
        }

        _random = _options.RandomSeed is { } seed ? new(seed) : world.Random.Fork();
        _source = new(_random.NextUInt64());
        _identity = IdentityKey.FromSeed(_options.IdentitySeed ?? _random.NextBytes(32), _options.Crypto);
        _aead = new(_options.Crypto);
        Name = name;
        Address = address;
        if (_options.IsKnownSite)
        {
            world.Sites[_options.SiteId!] = PublicKey;
        }

        _endpoint = NewEndpoint();
        world.Network.Attach(address, this);
        world.Add(this);
    }

    public string Name { get; }

    /// <summary>Gets the host's own address; the network may show it under another.</summary>
    public NetworkAddress Address { get; private set; }

    public PeerId PeerId => _identity.PeerId;

    public PublicKey PublicKey => _identity.PublicKey;

    /// <summary>Gets all that the machines reported, the oldest first; a restart does not empty it.</summary>
    public IReadOnlyList<HostEvent> Events => _events;

    /// <summary>Returns the events of one kind.</summary>
    public IEnumerable<T> EventsOf<T>()
        where T : class
        => _events.Select(happened => happened.Event).OfType<T>();

    /// <summary>Gets or sets what is done with payloads.</summary>
    public PeerPayloadHandler? PayloadReceived { get; set; }

    public Instant? NextDeadline
    {
        get
        {
            if (!_alive)
            {
                return null;
            }

            var next = _endpoint.NextDeadline;
            foreach (var peer in _peers.Values)
            {
                next = peer.Machine.NextDeadline is { } deadline && !(next <= deadline) ? deadline : next;
            }

            return next is { } at && _options.TimerStep > TimeSpan.Zero ? RoundUp(at) : next;
        }
    }

    public string DescribeDeadline()
        => $"endpoint {_endpoint.NextDeadline}; " + string.Join("; ", _peers.Values.Select(peer => $"{peer.Identity} {peer.Machine.NextTimer} {peer.Machine.NextDeadline}"));

    /// <summary>Gets the endpoint's machine, for its counters and digest.</summary>
    internal EndpointMachine Endpoint => _endpoint;

    /// <summary>Gets the peers in the order of their handles.</summary>
    internal IEnumerable<SimulatedPeer> Peers => _peers.Values;

    /// <summary>Dials an identity at an address.</summary>
    /// <returns>False when too many others share the address.</returns>
    public bool Connect(PeerId peer, NetworkAddress remote)
    {
        if (!_endpoint.TryOpenPeer(peer, remote, out var handle))
        {
            return false;
        }

        DrainEndpoint();
        var opened = PeerOf(handle, peer);
        opened.Machine.Connect(_world.Now, new(default, remote), _options.Proposal, _options.DirectScheme ?? P2pkeScheme.SchemeName, _options.TicketFor?.Invoke(peer));
        Drain(opened);
        return true;
    }

    /// <summary>Gives a dial up.</summary>
    public void CancelConnect(PeerId peer)
    {
        if (Find(peer) is { } found)
        {
            found.Machine.CancelConnect(_world.Now);
            Drain(found);
        }
    }

    /// <summary>Sends a datagram to an identity that there is a channel with.</summary>
    /// <returns><see cref="SealResult.Closed"/> where there is no channel.</returns>
    public SealResult Send(PeerId peer, ReadOnlySpan<byte> payload)
    {
        if (!_alive || Find(peer) is not { } found)
        {
            return SealResult.Closed;
        }

        var result = found.Machine.TrySeal(_world.Now, _aead, payload, _datagram, out var written, out var path);
        if (result == SealResult.Sealed)
        {
            Transmit(path, _datagram.AsSpan(0, written));
        }

        Drain(found);
        return result;
    }

    /// <summary>Sends the next payload of a flow, and counts it as sent unless it is refused.</summary>
    public SealResult Send(PeerId peer, Flow flow)
    {
        ArgumentNullException.ThrowIfNull(flow);
        var result = Send(peer, flow.Next());
        if (result is SealResult.Sealed or SealResult.Queued)
        {
            flow.Accept();
        }

        return result;
    }

    /// <summary>Closes the channel with an identity.</summary>
    public void Close(PeerId peer)
    {
        if (Find(peer) is { } found)
        {
            found.Machine.Close(_world.Now);
            Drain(found);
        }
    }

    /// <summary>Loses all state and starts again: the same key at the same address, nothing else left.</summary>
    public void Restart()
    {
        Kill();
        _endpoint = NewEndpoint();
        _world.Network.Attach(Address, this);
        _alive = true;
    }

    /// <summary>Ends the process without a word.</summary>
    public void Kill()
    {
        if (!_alive)
        {
            return;
        }

        _alive = false;
        _world.Network.Detach(Address);
        foreach (var peer in _peers.Values)
        {
            Remember(peer.Machine.Drops);
            peer.Machine.Dispose();
        }

        _peers.Clear();
        Remember(_endpoint.Drops);
        _endpoint.Dispose();
    }

    /// <summary>Moves to another address of its own, as a machine does that changes networks. The machines are not told.</summary>
    public void ChangeAddress(NetworkAddress address)
    {
        _world.Network.Detach(Address);
        Address = address;
        _world.Network.Attach(address, this);
    }

    public void OnTimeout(Instant now)
    {
        if (_endpoint.NextDeadline <= now)
        {
            _endpoint.HandleTimeout(now);
            DrainEndpoint();
        }

        foreach (var peer in _peers.Values.ToArray())
        {
            if (peer.Machine.NextDeadline <= now)
            {
                peer.Machine.HandleTimeout(now);
                Drain(peer);
            }
        }
    }

    public void Dispose()
    {
        Kill();
        _world.Remove(this);
        _identity.Dispose();
        _aead.Dispose();
    }

    /// <summary>Returns the newest channel with an identity, or null.</summary>
    internal SimulatedPeer? Find(PeerId identity)
    {
        SimulatedPeer? found = null;
        foreach (var peer in _peers.Values)
        {
            found = peer.Identity.Equals(identity) ? peer : found;
        }

        return found;
    }

    private EndpointMachine NewEndpoint() => new(new()
    {
        Crypto = _options.Crypto,
        Random = _source,
        Identity = _identity,
        NetworkKey = _options.NetworkKey,
        Schemes = _options.Schemes,
        Sites = _options.Sites,
        DirectScheme = _options.DirectScheme,
        AllowMixture = _options.AllowMixture,
        MaxDatagramSize = _options.MaxDatagramSize,
        Catalogue = _options.Catalogue,
        AskApplication = _options.Application is not null,
        InboundChannels = _options.InboundChannels,
    });

    private SimulatedPeer PeerOf(PeerHandle handle, PeerId identity)
    {
        if (!_peers.TryGetValue(handle.Value, out var peer))
        {
            _peers[handle.Value] = peer = new(handle, identity, new(new()
            {
                Crypto = _options.Crypto,
                Random = _source,
                Identity = _identity,
                NetworkKey = _options.NetworkKey,
                RemotePeer = identity,
                WallClock = VirtualClock.WallClock,
                Lifetimes = _options.Lifetimes,
                IdleTimeout = _options.IdleTimeout,
                SiteIdleTimeout = _options.SiteIdleTimeout,
                Keepalive = _options.Keepalive,
                SiteId = _options.SiteId,
                Proposal = _options.Proposal ?? new() { Schemes = [_options.Schemes.FirstOrDefault("p2pke-1")] },
                Catalogue = _options.Catalogue,
                MaxDatagramSize = _options.MaxDatagramSize,
            }));
        }

        return peer;
    }

    private Instant RoundUp(Instant at)
    {
        var step = _options.TimerStep.Ticks * 100;
        return new((at.Nanoseconds + step - 1) / step * step);
    }
}

/// <summary>One channel of a simulated host.</summary>
internal sealed class SimulatedPeer(PeerHandle handle, PeerId identity, PeerMachine machine)
{
    public PeerHandle Handle => handle;

    public PeerId Identity => identity;

    public PeerMachine Machine => machine;

    /// <summary>Gets or sets whether its last event was carried.</summary>
    public bool IsClosed { get; set; }

    /// <summary>Gets or sets whether the endpoint machine knows that the channel is closing.</summary>
    public bool IsRetired { get; set; }

    /// <summary>Gets or sets whether the machine is gone.</summary>
    public bool IsRemoved { get; set; }
}
