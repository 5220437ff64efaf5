using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;

namespace PacketSec.Examples.Tests;

/// <summary>A driver of the core without sockets of ours: whatever carries datagrams sits behind <see cref="Send"/>.</summary>
internal sealed class OwnDriver : IDisposable
{
    private static readonly ProposalOptions Proposal = new() { Schemes = ["p2pke-1"] };

    private readonly IdentityKey _identity;
    private readonly WallClock _wallClock;
    private readonly EndpointMachine _endpoint;
    private readonly Dictionary<PeerHandle, PeerMachine> _peers = [];
    private readonly PacketAead _aead = new(CryptoProvider.Default);
    private readonly byte[] _datagram = new byte[ImplementationLimits.HandshakeMessageSize];
    private readonly byte[] _plaintext = new byte[ImplementationLimits.MaxUdpPayload];

    public OwnDriver(IdentityKey identity, WallClock wallClock)
    {
        _identity = identity;
        _wallClock = wallClock;
        _endpoint = new(new() { Crypto = CryptoProvider.Default, Random = new SystemRandom(), Identity = identity, Schemes = Proposal.Schemes });
    }

    public required Action<PathAddress, byte[]> Send { get; init; }

    public required Action<PeerId, byte[]> Received { get; init; }

    public Instant? NextDeadline => _peers.Values.Select(peer => peer.NextDeadline).Append(_endpoint.NextDeadline).Min();

    public PeerMachine Connect(Instant now, PeerId identity, PathAddress path)
    {
        if (!_endpoint.TryOpenPeer(identity, path.Remote, out var handle))
        {
            throw new InvalidOperationException("Too many peers share that address.");
        }

        var peer = Peer(handle, identity);
        peer.Connect(now, path, Proposal);
        Drain(now, handle, peer);
        return peer;
    }

    public SealResult TrySend(Instant now, PeerMachine peer, ReadOnlySpan<byte> payload)
    {
        var result = peer.TrySeal(now, _aead, payload, _datagram, out var written, out var path);
        if (result == SealResult.Sealed)
        {
            Send(path, _datagram[..written]);
        }

        Drain(now, _peers.First(pair => pair.Value == peer).Key, peer);
        return result;
    }

    // <example:core-receive>
    public void OnDatagram(Instant now, PathAddress path, ReadOnlySpan<byte> datagram)
    {
        // Each peer of the address is offered the datagram; what none claims goes to the endpoint, which counts or answers it.
        _endpoint.TryRoute(path.Remote, out var route);
        for (var i = 0; i < route.Count; i++)
        {
            var peer = _peers[route[i]];
            var received = peer.HandleDatagram(now, _aead, path, datagram, _plaintext);
            if (received.Kind == ReceivedKind.Payload)
            {
                Received(peer.RemotePeer, received.Payload.ToArray());
            }

            if (received.Kind != ReceivedKind.Unclaimed)
            {
                Drain(now, route[i], peer);
                return;
            }
        }

        _endpoint.HandleDatagram(now, path, datagram);
        Drain(now);
    }

    // </example>
    // <example:core-drain>
    // After each call that changes a peer: take its work, its events and its datagrams before the next such call.
    private void Drain(Instant now, PeerHandle handle, PeerMachine peer)
    {
        var works = new List<HandshakeWork>();
        while (peer.TryTakeWork(out var work))
        {
            works.Add(work!);
        }

        var requests = new List<NegotiationRequest>();
        while (peer.TryPollEvent(out var what))
        {
            switch (what)
            {
                case PeerEvent.RouteChanged changed:
                    _endpoint.HandleRouteChange(handle, changed);
                    break;
                case PeerEvent.NegotiationRequested requested:
                    requests.Add(requested.Request);
                    break;
                case PeerEvent.Closed:
                    _endpoint.ClosePeer(handle);
                    break;
            }
        }

        if (peer.IsClosing)
        {
            _endpoint.RetirePeer(handle);
        }

        while (peer.TryPollTransmit(now, _aead, _datagram, out var transmit))
        {
            Send(transmit.Path, _datagram[..transmit.Length]);
        }

        // The endpoint negotiates for its peers; what it has to tell them comes back as an event.
        foreach (var request in requests)
        {
            _endpoint.HandleNegotiation(now, handle, request);
            Drain(now);
        }

        // Handshake cryptography is a value: run it here, or on any other thread, and give it back.
        foreach (var work in works)
        {
            work.Run();
            peer.Complete(now, work);
            Drain(now, handle, peer);
        }
    }

    // </example>
    public void OnTimer(Instant now)
    {
        foreach (var (handle, peer) in _peers.Where(pair => pair.Value.NextDeadline <= now).ToArray())
        {
            peer.HandleTimeout(now);
            Drain(now, handle, peer);
        }

        _endpoint.HandleTimeout(now);
        Drain(now);
    }

    public void Dispose()
    {
        foreach (var peer in _peers.Values)
        {
            peer.Dispose();
        }

        _endpoint.Dispose();
        _aead.Dispose();
    }

    private void Drain(Instant now)
    {
        var works = new List<HandshakeWork>();
        while (_endpoint.TryTakeWork(out var work))
        {
            works.Add(work!);
        }

        while (_endpoint.TryPollTransmit(_datagram, out var transmit))
        {
            Send(transmit.Path, _datagram[..transmit.Length]);
        }

        var events = new List<EndpointEvent>();
        while (_endpoint.TryPollEvent(out var what))
        {
            events.Add(what!);
        }

        foreach (var happened in events)
        {
            if (happened is EndpointEvent.SessionEstablished established)
            {
                Adopt(now, established);
            }
            else if (happened is EndpointEvent.NegotiationReported reported && _peers.TryGetValue(reported.Peer, out var peer))
            {
                peer.HandleNegotiation(now, reported.Report);
                Drain(now, reported.Peer, peer);
            }
        }

        foreach (var work in works)
        {
            work.Run();
            _endpoint.Complete(now, work);
            Drain(now);
        }
    }

    private void Adopt(Instant now, EndpointEvent.SessionEstablished established)
    {
        var peer = Peer(established.Peer, established.Session.RemotePeer);
        peer.Adopt(now, established.Session);
        while (peer.TryPollEarlyDatagram(now, _aead, _plaintext, out var length))
        {
            Received(peer.RemotePeer, _plaintext[..length]);
        }

        Drain(now, established.Peer, peer);
    }

    private PeerMachine Peer(PeerHandle handle, PeerId identity)
    {
        if (!_peers.TryGetValue(handle, out var peer))
        {
            peer = _peers[handle] = new PeerMachine(new()
            {
                Crypto = CryptoProvider.Default,
                Random = new SystemRandom(),
                Identity = _identity,
                RemotePeer = identity,
                WallClock = _wallClock,
            });
        }

        return peer;
    }

    private sealed class SystemRandom : IRandomSource
    {
        public void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);
    }
}
