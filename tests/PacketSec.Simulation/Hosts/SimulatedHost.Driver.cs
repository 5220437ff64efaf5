using PacketSec.Protocol;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Wire;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Hosts;

/// <content>The driver's part: datagrams in, polled values out, and the books about both.</content>
public sealed partial class SimulatedHost
{
    private readonly long[] _dropsBefore = new long[Enum.GetValues<DropReason>().Length];
    private readonly long[] _received = new long[Enum.GetValues<ReceivedKind>().Length];

    /// <summary>Gets the number of datagrams that the network delivered.</summary>
    public long DatagramsReceived { get; private set; }

    /// <summary>Gets the number of payloads that were delivered from early data.</summary>
    public long EarlyDelivered { get; private set; }

    /// <summary>Returns how many datagrams came to a certain end at once.</summary>
    public long Received(ReceivedKind kind) => _received[(int)kind];

    /// <summary>Returns how often something was dropped for a reason, in all machines that this host ever had.</summary>
    public long Drops(DropReason reason)
    {
        var drops = _dropsBefore[(int)reason];
        if (_alive)
        {
            drops += _endpoint.Drops[reason];
            foreach (var peer in _peers.Values)
            {
                drops += peer.Machine.Drops[reason];
            }
        }

        return drops;
    }

    /// <summary>Returns the drops for reasons other than the allowed, as text; empty when there are none.</summary>
    public string DropsBut(params DropReason[] allowed)
        => string.Join(", ", Enum.GetValues<DropReason>().Where(reason => !allowed.Contains(reason) && Drops(reason) > 0).Select(reason => $"{Name} {reason} {Drops(reason)}"));

    /// <summary>Returns all state that a datagram could change, of all machines, as text.</summary>
    /// <param name="withHalfOpen">Whether half-open handshakes are part of it.</param>
    public string StateDigest(bool withHalfOpen = true)
        => string.Join(' ', _peers.Values.Select(peer => Convert.ToHexString(peer.Machine.StateDigest())).Prepend(Convert.ToHexString(_endpoint.StateDigest(withHalfOpen))));

    public void OnDatagram(Instant now, in PathAddress path, ReadOnlySpan<byte> datagram)
    {
        DatagramsReceived++;
        var reason = DropReason.None;
        SimulatedPeer? last = null;
        if (_endpoint.TryRoute(path.Remote, out var route))
        {
            for (var i = 0; i < route.Count; i++)
            {
                if (!_peers.TryGetValue(route[i].Value, out var peer))
                {
                    continue;
                }

                var received = peer.Machine.HandleDatagram(now, _aead, path, datagram, _plaintext);
                if (received.Kind != ReceivedKind.Unclaimed)
                {
                    Count(received.Kind);
                    Settle(peer, received);
                    return;
                }

                last = peer;
                reason = received.DropReason;
            }
        }

        // What others began is the endpoint's: first messages and finishes, and data where such a handshake is half-open.
        var isTheirs = (!Header.FromResponder(datagram) && (route.HasHalfOpen || Header.Counter(datagram) < Header.FirstData)) || PsecFrame.IsFrame(datagram)
            || Letters.LeadsFirst(datagram) || (Letters.TryReadTransport(datagram, out var header) && header.Counter.Value < Header.FirstData);
        if (last is not null && !isTheirs)
        {
            last.Machine.CountDrop(reason);
            Count(ReceivedKind.Dropped);
            return;
        }

        var answer = _endpoint.HandleDatagram(now, path, datagram);
        Count(answer.Kind);
        if (!answer.NothingPending)
        {
            DrainEndpoint();
        }
    }

    private void Count(ReceivedKind kind) => _received[(int)kind]++;

    private void Settle(SimulatedPeer peer, in Received received)
    {
        if (received.Kind == ReceivedKind.Payload)
        {
            PayloadReceived?.Invoke(peer.Identity, received.Payload);
        }

        if (!received.NothingPending)
        {
            Drain(peer);
        }
    }

    private void Drain(SimulatedPeer peer)
    {
        bool again;
        do
        {
            List<HandshakeWork>? works = null;
            while (peer.Machine.TryTakeWork(out var work))
            {
                (works ??= []).Add(work!);
            }

            List<PeerEvent>? events = null;
            while (peer.Machine.TryPollEvent(out var polled))
            {
                (events ??= []).Add(polled!);
            }

            while (peer.Machine.TryPollTransmit(_world.Now, _aead, _datagram, out var transmit))
            {
                Transmit(transmit.Path, _datagram.AsSpan(0, transmit.Length));
            }

            again = false;
            foreach (var carried in events ?? [])
            {
                Carry(peer, carried);
            }

            if (peer is { Machine.IsClosing: true, IsRetired: false })
            {
                // A dial from here on gets a channel of its own.
                peer.IsRetired = true;
                _endpoint.RetirePeer(peer.Handle);
            }

            foreach (var work in works ?? [])
            {
                again |= Run(work, () => Complete(peer, work));
            }
        }
        while (again && !peer.IsRemoved);

        if (peer is { IsClosed: true, IsRemoved: false })
        {
            peer.IsRemoved = true;
            _peers.Remove(peer.Handle.Value);
            Remember(peer.Machine.Drops);
            peer.Machine.Dispose();
        }
    }

    private void Carry(SimulatedPeer peer, PeerEvent carried)
    {
        _events.Add(new(_world.Now, peer.Identity, carried));
        switch (carried)
        {
            case PeerEvent.RouteChanged changed:
                _endpoint.HandleRouteChange(peer.Handle, changed);
                DrainEndpoint();
                break;
            case PeerEvent.NegotiationRequested requested:
                _endpoint.HandleNegotiation(_world.Now, peer.Handle, requested.Request);
                DrainEndpoint();
                break;
            case PeerEvent.SessionEnded:
                _aead.ForgetKeys();
                break;
            case PeerEvent.Closed:
                _endpoint.ClosePeer(peer.Handle);
                DrainEndpoint();
                peer.IsClosed = true;
                break;
            default:
                break;
        }
    }

    private void DrainEndpoint()
    {
        bool again;
        do
        {
            List<HandshakeWork>? works = null;
            while (_endpoint.TryTakeWork(out var work))
            {
                (works ??= []).Add(work!);
            }

            List<EndpointEvent>? events = null;
            while (_endpoint.TryPollEvent(out var polled))
            {
                (events ??= []).Add(polled!);
            }

            while (_endpoint.TryPollTransmit(_datagram, out var transmit))
            {
                Transmit(transmit.Path, _datagram.AsSpan(0, transmit.Length));
            }

            again = false;
            foreach (var carried in events ?? [])
            {
                Carry(carried);
            }

            var endpoint = _endpoint;
            foreach (var work in works ?? [])
            {
                again |= Run(work, () => Complete(endpoint, work));
            }
        }
        while (again);
    }

    private void Carry(EndpointEvent carried)
    {
        _events.Add(new(_world.Now, null, carried));
        switch (carried)
        {
            case EndpointEvent.SessionEstablished established:
                Adopt(established);
                break;
            case EndpointEvent.DecisionRequested requested:
                Decide(_endpoint, requested);
                break;
            case EndpointEvent.NegotiationReported reported when _peers.TryGetValue(reported.Peer.Value, out var peer):
                peer.Machine.HandleNegotiation(_world.Now, reported.Report);
                Drain(peer);
                break;
            default:
                break;
        }
    }

    private void Adopt(EndpointEvent.SessionEstablished established)
    {
        var peer = PeerOf(established.Peer, established.Session.RemotePeer);
        peer.Machine.Adopt(_world.Now, established.Session);
        Drain(peer);
        while (peer.Machine.TryPollEarlyDatagram(_world.Now, _aead, _plaintext, out var length))
        {
            EarlyDelivered++;
            PayloadReceived?.Invoke(peer.Identity, _plaintext.AsSpan(0, length));
            Drain(peer);
        }

        Drain(peer);
    }

    private void Decide(EndpointMachine endpoint, EndpointEvent.DecisionRequested requested)
    {
        if (requested.Ticket is { } ticket)
        {
            var outcome = Ask(() => _options.Tickets?.Invoke(requested.Identity, ticket)) ?? TicketOutcome.Unknown;
            Answer(endpoint, () => endpoint.DecideTicket(_world.Now, requested.Id, outcome));
            return;
        }

        var verdict = Ask(() => _options.Application?.Invoke(requested.Identity)) ?? Verdict.Refuse;
        if (verdict != Verdict.Silent)
        {
            Answer(endpoint, () => endpoint.Decide(_world.Now, requested.Id, verdict == Verdict.Allow));
        }
    }

    private static T? Ask<T>(Func<T?> application)
        where T : struct
    {
        try
        {
            return application();
        }
        catch (ApplicationFailedException)
        {
            return null;
        }
    }

    private void Answer(EndpointMachine endpoint, Action decide) => _world.After(_options.DecisionLatency, () =>
    {
        if (_alive && endpoint == _endpoint)
        {
            decide();
            DrainEndpoint();
        }
    });

    /// <summary>Runs work now, or lets it take its time.</summary>
    /// <returns>Whether it is complete.</returns>
    private bool Run(HandshakeWork work, Action complete)
    {
        var latency = _random.NextDuration(_options.WorkLatency);
        if (latency == TimeSpan.Zero)
        {
            work.Run();
            complete();
            return true;
        }

        _world.After(latency, () =>
        {
            work.Run();
            complete();
        });
        return false;
    }

    private void Complete(SimulatedPeer peer, HandshakeWork work)
    {
        if (_peers.GetValueOrDefault(peer.Handle.Value) != peer)
        {
            work.Dispose();
            return;
        }

        peer.Machine.Complete(_world.Now, work);
        if (_options.WorkLatency > TimeSpan.Zero)
        {
            Drain(peer);
        }
    }

    private void Complete(EndpointMachine endpoint, HandshakeWork work)
    {
        if (!_alive || endpoint != _endpoint)
        {
            work.Dispose();
            return;
        }

        endpoint.Complete(_world.Now, work);
        if (_options.WorkLatency > TimeSpan.Zero)
        {
            DrainEndpoint();
        }
    }

    private void Transmit(in PathAddress path, ReadOnlySpan<byte> datagram)
    {
        // A source address that the host no longer has is given up, as the sockets do; there is only the present one.
        _world.Network.Send(Address, path.Remote, datagram);
    }

    private void Remember(DropCounters drops)
    {
        foreach (var reason in Enum.GetValues<DropReason>())
        {
            _dropsBefore[(int)reason] += drops[reason];
        }
    }
}
