using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Routing;
using PacketSec.Protocol.Schemes;

namespace PacketSec.Protocol;

/// <summary>
/// Router and admission of one endpoint: which peer an address belongs to, and what becomes of strangers. It holds the half-open handshakes
/// that others began, bounded in every way, until the finish proves an identity; then the driver carries the session to that peer's
/// <see cref="PeerMachine"/>. It owns no session and opens no data.
/// </summary>
/// <remarks>
/// Not thread-safe but for <see cref="TryRoute"/>: its owner excludes. After each call that changes something, drain <see cref="TryTakeWork"/>,
/// <see cref="TryPollEvent"/> and <see cref="TryPollTransmit"/> before the next.
/// </remarks>
public sealed partial class EndpointMachine : IDisposable
{
    private readonly EndpointMachineOptions _options;
    private readonly SchemeContext _context;
    private readonly Scheme? _directScheme;
    private readonly Scheme[] _lettered;
    private readonly bool _servesLetters;
    private readonly Dictionary<Scheme, StatelessResponder> _stateless = [];
    private readonly RouteTable _routes = new();
    private readonly PrefixLimiter _limiter = new();
    private readonly Dictionary<PeerId, PeerHandle> _handles = [];
    private readonly Dictionary<PeerHandle, KnownPeer> _peers = [];
    private readonly Dictionary<NetworkAddress, AddressHandshakes> _halfOpen = [];
    private readonly Dictionary<long, ResponderHandshake> _handshakes = [];
    private readonly LinkedList<ResponderHandshake> _byAge = new();
    private readonly Queue<HandshakeWork> _work = new();
    private readonly Queue<EndpointEvent> _events = new();
    private readonly Queue<(PathAddress Path, byte[] Packet)> _transmits = new();

    private long _lastHandle;
    private long _lastHandshake;
    private long _lastDecision;
    private int _earlyBytes;
    private int _inbound;
    private bool _closing;

    /// <summary>Creates the machine.</summary>
    /// <param name="options">What it is made of.</param>
    /// <exception cref="ArgumentException">An option is out of its bounds, names an unknown scheme, or mixes schemes that hide identities with others.</exception>
    public EndpointMachine(EndpointMachineOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.InboundChannels, 1);
        ArgumentNullException.ThrowIfNull(options.Schemes);
        options.Catalogue.CheckServed(options.Schemes, options.DirectScheme, options.AllowMixture);
        _options = options;
        _context = new SchemeContext(options.Crypto, options.Random, options.Identity, options.NetworkKey) { Sites = options.Sites };
        _lettered = options.Catalogue.All.Where(scheme => scheme.HasLetters).ToArray();
        _servesLetters = options.Schemes.Append(options.DirectScheme).Any(name => name is not null && options.Catalogue.Find(name).HasLetters);
        _directScheme = options.DirectScheme is { } direct ? options.Catalogue.Find(direct) : null;
        foreach (var scheme in options.Schemes.Select(options.Catalogue.Find).Append(_directScheme).Distinct())
        {
            if (scheme?.CreateStatelessResponder(_context) is { } responder)
            {
                _stateless.Add(scheme, responder);
            }
        }

        _cookies = new RetryCookies(options.Crypto, options.Random);
        _negotiation = new NegotiatorContext
        {
            Crypto = options.Crypto,
            Random = options.Random,
            Self = PeerId.FromPublicKey(options.Identity.PublicKey, options.Crypto),
            Served = options.Schemes,
            Hides = options.Schemes.Any(options.Catalogue.Hides),
        };
    }

    /// <summary>Gets the drop counts of datagrams that no peer claimed.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>Gets the first messages that were answered.</summary>
    public long HandshakesBegun { get; private set; }

    /// <summary>Gets the finishes that verified and led to a session.</summary>
    public long HandshakesFinished { get; private set; }

    /// <summary>Gets the repeated messages that drew the answer they drew before.</summary>
    public long CachedAnswers { get; private set; }

    /// <summary>Gets the number of half-open handshakes.</summary>
    public int HalfOpen => _handshakes.Count;

    /// <summary>Gets when <see cref="HandleTimeout"/> is to be called next, or null.</summary>
    public Instant? NextDeadline
    {
        get
        {
            var next = _byAge.First?.Value.ForgottenAt;
            if (_due.Count > 0 && (next is null || _due.Min.At < next.Value.Nanoseconds))
            {
                next = new Instant(_due.Min.At);
            }

            foreach (var responder in _stateless.Values)
            {
                next = Earlier(next, responder.NextDeadline);
            }

            return Earlier(next, _cookies.NextDeadline);
        }
    }

    /// <summary>Finds the peers of an address. Takes no lock and may be called by any thread at any time.</summary>
    /// <param name="remote">The address.</param>
    /// <param name="route">The peers.</param>
    /// <returns>False when nothing is known of the address.</returns>
    public bool TryRoute(in NetworkAddress remote, out Route route) => _routes.TryFind(remote, out route);

    /// <summary>Opens a peer for a dial; an identity has one handle at a time.</summary>
    /// <param name="peer">The identity.</param>
    /// <param name="remote">The address to be dialled.</param>
    /// <param name="handle">Its handle, new or existing.</param>
    /// <returns>False when as many other peers as may share an address share this one.</returns>
    public bool TryOpenPeer(PeerId peer, in NetworkAddress remote, out PeerHandle handle)
    {
        ArgumentNullException.ThrowIfNull(peer);
        if (_handles.TryGetValue(peer, out handle))
        {
            return true;
        }

        if (_routes.Find(remote)?.Peers.Length >= ImplementationLimits.PeersPerAddress)
        {
            return false;
        }

        handle = AddPeer(peer, inbound: false);
        return true;
    }

    /// <summary>Carries <see cref="PeerEvent.RouteChanged"/> here.</summary>
    /// <param name="peer">The peer that reported it.</param>
    /// <param name="change">The event.</param>
    /// <param name="owner">What <see cref="Route.OwnerOf"/> is to return: the driver's own object for the peer, or null.</param>
    public void HandleRouteChange(PeerHandle peer, PeerEvent.RouteChanged change, object? owner = null)
    {
        ArgumentNullException.ThrowIfNull(change);
        if (!_peers.TryGetValue(peer, out var known))
        {
            return;
        }

        var remote = change.Remote;
        var entry = _routes.Find(remote) ?? new RouteEntry([], _halfOpen.ContainsKey(remote));
        var others = entry.Peers.Where(other => other.Handle != peer).ToArray();
        if (change.Use != RouteUse.None)
        {
            if (others.Length >= ImplementationLimits.PeersPerAddress)
            {
                return;
            }

            others = [.. others, new RoutePeer(peer, known.Identity, change.Use == RouteUse.Session, change.IsHeld, owner)];
            known.Addresses[remote] = change;
        }
        else
        {
            known.Addresses.Remove(remote);
        }

        SetRoute(remote, entry with { Peers = others });
    }

    /// <summary>
    /// Carries here that a peer's channel is closing: its addresses stay its own until <see cref="ClosePeer"/>, and its identity is free for a
    /// new channel, under another handle.
    /// </summary>
    /// <param name="peer">The peer.</param>
    public void RetirePeer(PeerHandle peer)
    {
        if (_peers.TryGetValue(peer, out var known) && _handles.GetValueOrDefault(known.Identity) == peer)
        {
            _handles.Remove(known.Identity);
        }
    }

    /// <summary>Carries <see cref="PeerEvent.Closed"/> here: the peer's addresses and handle are forgotten.</summary>
    /// <param name="peer">The peer.</param>
    public void ClosePeer(PeerHandle peer)
    {
        RetirePeer(peer);
        if (!_peers.Remove(peer, out var known))
        {
            return;
        }

        _inbound -= known.Inbound ? 1 : 0;
        foreach (var remote in known.Attempts.ToArray())
        {
            Withdraw(peer, remote);
        }

        foreach (var remote in known.Addresses.Keys)
        {
            if (_routes.Find(remote) is { } entry)
            {
                SetRoute(remote, entry with { Peers = [.. entry.Peers.Where(other => other.Handle != peer)] });
            }
        }
    }

    /// <summary>Stops taking anything new; half-open handshakes are forgotten and their keys wiped.</summary>
    public void Close()
    {
        _closing = true;
        foreach (var handshake in _handshakes.Values.ToArray())
        {
            if (handshake.State is ResponderState.Deciding or ResponderState.Asking)
            {
                Drops.Add(DropReason.EndpointClosing);
            }

            Remove(handshake);
        }

        CloseNegotiations();
    }

    /// <summary>Polls the next datagram to send.</summary>
    /// <param name="buffer">Where it goes; at least <see cref="ImplementationLimits.HandshakeMessageSize"/> bytes.</param>
    /// <param name="transmit">Its length and path.</param>
    public bool TryPollTransmit(Span<byte> buffer, out Transmit transmit)
    {
        if (!_transmits.TryDequeue(out var next))
        {
            transmit = default;
            return false;
        }

        next.Packet.CopyTo(buffer);
        transmit = new(next.Path, next.Packet.Length, next.Packet.Length, 0);
        return true;
    }

    /// <summary>Polls what happened.</summary>
    /// <param name="endpointEvent">The event.</param>
    public bool TryPollEvent(out EndpointEvent? endpointEvent) => _events.TryDequeue(out endpointEvent);

    /// <summary>Polls cryptographic work; it is run on any thread and given back by <see cref="Complete"/>.</summary>
    /// <param name="work">The work.</param>
    public bool TryTakeWork(out HandshakeWork? work) => _work.TryDequeue(out work);

    /// <summary>Returns a digest of all state that a datagram could change.</summary>
    /// <param name="withHalfOpen">Whether half-open handshakes are part of it.</param>
    public byte[] StateDigest(bool withHalfOpen = true)
    {
        var digest = new StateDigestBuilder();
        digest.Add(_closing);
        digest.Add(_inbound);
        foreach (var (handle, peer) in _peers.OrderBy(peer => peer.Key.Value))
        {
            digest.Add(handle.Value);
            digest.Add(peer.Identity.Multihash);
            foreach (var remote in peer.Addresses.Keys.OrderBy(remote => remote.Address).ThenBy(remote => remote.Port))
            {
                digest.Add(remote);
            }
        }

        if (withHalfOpen)
        {
            digest.Add(_earlyBytes);
            foreach (var count in _workCounts)
            {
                digest.Add(count);
            }

            AddNegotiationsTo(digest);
            foreach (var responder in _stateless.Values)
            {
                responder.AddTo(digest);
            }

            foreach (var handshake in _handshakes.Values.OrderBy(handshake => handshake.Id))
            {
                digest.Add(handshake.Id);
                digest.Add((long)handshake.State);
                digest.Add(handshake.FirstMessage);
            }
        }

        return digest.ToDigest(_options.Crypto);
    }

    /// <summary>Wipes all keys.</summary>
    public void Dispose()
    {
        Close();
        _cookies.Dispose();
        foreach (var responder in _stateless.Values)
        {
            responder.Dispose();
        }

        while (_work.TryDequeue(out var work))
        {
            work.Dispose();
        }

        while (_events.TryDequeue(out var unpolled))
        {
            (unpolled as EndpointEvent.SessionEstablished)?.Session.Dispose();
        }
    }

    /// <summary>Asks for the place of an address, a datagram or two before <see cref="TryRoute"/>: a hint, which any thread may give at any time.</summary>
    internal void FetchRoute(in NetworkAddress remote) => _routes.Fetch(remote);

    private static Instant? Earlier(Instant? a, Instant? b) => a is null || b < a ? b : a;

    private PeerHandle AddPeer(PeerId peer, bool inbound)
    {
        var handle = new PeerHandle(++_lastHandle);
        _handles[peer] = handle;
        _peers[handle] = new(peer, inbound);
        _inbound += inbound ? 1 : 0;
        return handle;
    }

    private void SetRoute(in NetworkAddress remote, RouteEntry entry)
    {
        // Whoever wins reports the session a moment later: that none lives yet does not end what a win is remembered for.
        var lived = _routes.Find(remote)?.HasSession == true;
        _routes.Set(remote, entry.Peers.Length == 0 && !entry.HalfOpen ? null : entry);
        if (lived && !entry.HasSession)
        {
            ForgetWon(remote);
        }
    }

    private sealed class KnownPeer(PeerId identity, bool inbound)
    {
        public PeerId Identity => identity;

        public bool Inbound => inbound;

        /// <summary>Gets its addresses, and what it said of each.</summary>
        public Dictionary<NetworkAddress, PeerEvent.RouteChanged> Addresses { get; } = [];

        /// <summary>Gets the addresses where it has an attempt under way or waiting.</summary>
        public HashSet<NetworkAddress> Attempts { get; } = [];
    }

    /// <summary>What is half-open at one address.</summary>
    private sealed class AddressHandshakes(long id)
    {
        /// <summary>Gets a number that is never used again.</summary>
        public long Id => id;

        public List<ResponderHandshake> Handshakes { get; } = [];

        public EarlyData? Early { get; set; }

        public int EarlyBytes { get; set; }

        public int FinishesInWork { get; set; }
    }
}
