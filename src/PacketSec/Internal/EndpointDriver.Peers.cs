using PacketSec.Diagnostics;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.P2pke;

namespace PacketSec.Internal;

/// <content>What machines report is carried between them, and to the application.</content>
internal sealed partial class EndpointDriver
{
    //= spec/sessions.md#redial
    private static readonly TimeSpan HeardLately = TimeSpan.FromSeconds(10);

    private void Connect(Instant now, Dial dial)
    {
        if (dial.Outcome.IsCompleted)
        {
            return;
        }

        if (_closingUntil is not null)
        {
            dial.Fail(PacketSecChannel.ToException(PacketSecError.EndpointClosed, string.Empty));
            return;
        }

        bool opened;
        PeerHandle handle;
        lock (_gate)
        {
            opened = _machine.TryOpenPeer(dial.Peer, dial.Remote, out handle);
        }

        if (!opened)
        {
            dial.Fail(new(
                PacketSecError.Refused,
                $"{ImplementationLimits.PeersPerAddress} other identities have channels at {dial.Remote} already: close one of them first."));
            return;
        }

        if (!_peers.TryGetValue(handle, out var peer))
        {
            peer = AddPeer(handle, dial.Peer);
        }

        bool heard, closing;
        Instant? deadline;
        lock (peer.Gate)
        {
            closing = peer.Machine.IsClosing;
            heard = peer.Machine.HeardWithin(now, HeardLately);
            if (!heard)
            {
                peer.Machine.Connect(now, new PathAddress(default, dial.Remote), dial.Proposal, dial.DirectScheme, dial.Ticket);
            }

            _peerOutbox.Collect(now, peer.Machine, _aead);
            deadline = peer.Machine.NextDeadline;
        }

        if (closing)
        {
            // Its peer has closed it just now, which is news still. When that is settled the identity is free for a new channel.
            Settle(now, peer, deadline);
            Post(new DriverMessage.Connect(dial));
            return;
        }

        if (heard)
        {
            peer.IsOwned |= dial.TrySucceed(peer.Channel);
        }
        else
        {
            dial.Target = peer;
            peer.Dials.Add(dial);
        }

        Settle(now, peer, deadline);
    }

    private void CancelConnect(Instant now, Dial dial)
    {
        if (dial.Target is not { } peer || !peer.Dials.Remove(dial) || peer.Dials.Count > 0)
        {
            return;
        }

        Instant? deadline;
        lock (peer.Gate)
        {
            peer.Machine.CancelConnect(now);
            if (!peer.IsOwned)
            {
                peer.Machine.Close(now);
            }

            _peerOutbox.Collect(now, peer.Machine, _aead);
            deadline = peer.Machine.NextDeadline;
        }

        Settle(now, peer, deadline);
    }

    private void CloseChannel(Instant now, PeerDriver peer)
    {
        if (!_peers.ContainsKey(peer.Handle) || peer.IsRetired)
        {
            // Over already, or closing at the peer's wish: what is left to do is to wait for its late datagrams, which nobody wants any more.
            peer.Channel.CompleteDisposal();
            return;
        }

        ClosePeer(now, peer);
    }

    private void ClosePeer(Instant now, PeerDriver peer)
    {
        Instant? deadline;
        lock (peer.Gate)
        {
            peer.Machine.Close(now);
            _peerOutbox.Collect(now, peer.Machine, _aead);
            while (Options.ClosesAtOnce && peer.Machine.NextDeadline is { } next)
            {
                peer.Machine.HandleTimeout(next);
                _peerOutbox.Collect(next, peer.Machine, _aead);
            }

            deadline = peer.Machine.NextDeadline;
        }

        Settle(now, peer, deadline);
    }

    private void Decide(Instant now, DecisionId id, bool allow)
    {
        lock (_gate)
        {
            _machine.Decide(now, id, allow && HasRoom());
            _endpointOutbox.Collect(_machine);
        }

        SettleEndpoint(now);
    }

    private void Complete(Instant now, HandshakeJob job)
    {
        if (job.Owner is { } peer)
        {
            if (!_peers.ContainsKey(peer.Handle))
            {
                job.Work.Dispose();
                return;
            }

            Instant? deadline;
            lock (peer.Gate)
            {
                peer.Machine.Complete(now, job.Work);
                _peerOutbox.Collect(now, peer.Machine, _aead);
                deadline = peer.Machine.NextDeadline;
            }

            Settle(now, peer, deadline);
            return;
        }

        lock (_gate)
        {
            _machine.Complete(now, job.Work);
            _endpointOutbox.Collect(_machine);
        }

        SettleEndpoint(now);
    }

    private void Drain(Instant now, PeerDriver peer)
    {
        if (!_peers.ContainsKey(peer.Handle))
        {
            return;
        }

        Instant? deadline;
        lock (peer.Gate)
        {
            _peerOutbox.Collect(now, peer.Machine, _aead);
            deadline = peer.Machine.NextDeadline;
        }

        Settle(now, peer, deadline);
    }

    /// <summary>Does what a peer's machine wants done: events first, so that routes are there before an answer to what is sent can come.</summary>
    private void Settle(Instant now, PeerDriver peer, Instant? deadline)
    {
        Schedule(peer, deadline);
        var isUsable = false;
        var concernsStreams = false;
        foreach (var peerEvent in _peerOutbox.PeerEvents)
        {
            Carry(peer, peerEvent);
            isUsable |= peerEvent is PeerEvent.SessionConfirmed;
            concernsStreams |= peerEvent is PeerEvent.SessionConfirmed or PeerEvent.AddressChanged or PeerEvent.AttemptFailed;
        }

        if (peer.Machine.IsClosing && !peer.IsRetired)
        {
            peer.IsRetired = true;
            lock (_gate)
            {
                _machine.RetirePeer(peer.Handle);
            }
        }

        foreach (var item in _peerOutbox.Transmits)
        {
            Transmit(peer.Shard, item.Transmit.Path, _peerOutbox.BytesOf(item), peer);
        }

        if (isUsable)
        {
            // What the application sends on the session comes behind what completes its handshake.
            _control.Flush();
        }

        if (concernsStreams)
        {
            peer.Channel.OnPathChanged();
        }

        foreach (var work in _peerOutbox.Work)
        {
            _workers.Add(new(work, peer));
        }

        _peerOutbox.Clear();
    }

    private void Schedule(PeerDriver peer, Instant? deadline)
    {
        if (deadline is { } at)
        {
            _wheel.Schedule(peer, at);
        }
    }

    private void SettleEndpoint(Instant now)
    {
        // Deciding and adopting below makes no work and no datagram of the endpoint machine; deciding makes further events, which are collected in turn.
        for (var i = 0; i < _endpointOutbox.EndpointEvents.Count; i++)
        {
            switch (_endpointOutbox.EndpointEvents[i])
            {
                case EndpointEvent.SessionEstablished established:
                    Adopt(now, established);
                    break;
                case EndpointEvent.DecisionRequested question:
                    Ask(now, question);
                    break;
                case EndpointEvent.NegotiationReported reported:
                    _reports.Enqueue((reported.Peer, reported.Report));
                    break;
                default:
                    throw new InvalidOperationException("The endpoint machine reports something that nobody handles.");
            }
        }

        foreach (var item in _endpointOutbox.Transmits)
        {
            Transmit(_shards[0], item.Transmit.Path, _endpointOutbox.BytesOf(item), null);
        }

        foreach (var work in _endpointOutbox.Work)
        {
            _workers.Add(new(work, null));
        }

        _endpointOutbox.Clear();
        Instant? deadline;
        lock (_gate)
        {
            deadline = _machine.NextDeadline;
        }

        if (deadline is { } at)
        {
            _wheel.Schedule(_endpointEntry, at);
        }
    }

    private void Adopt(Instant now, EndpointEvent.SessionEstablished established)
    {
        var isNew = !_peers.TryGetValue(established.Peer, out var peer);
        if (isNew)
        {
            peer = AddPeer(established.Peer, established.Session.RemotePeer);
            (peer.IsOwned, peer.IsToBeOffered) = (true, true);
            _toBeOffered++;
        }

        Instant? deadline;
        var path = established.Session.Path;
        lock (peer!.Gate)
        {
            peer.Machine.Adopt(now, established.Session);
            _peerOutbox.Collect(now, peer.Machine, _aead);
            deadline = peer.Machine.NextDeadline;
        }

        Settle(now, peer, deadline);
        while (TryPollEarly(now, peer, out var length, out var session))
        {
            Deliver(now, peer, path, _plaintext.AsSpan(0, length), session);
        }

        Drain(now, peer);
    }

    private bool TryPollEarly(Instant now, PeerDriver peer, out int length, out long session)
    {
        lock (peer.Gate)
        {
            var any = peer.Machine.TryPollEarlyDatagram(now, _aead, _plaintext, out length);
            session = peer.Machine.OpenedOn;
            return any;
        }
    }

    private PeerDriver AddPeer(PeerHandle handle, PeerId identity)
    {
        var peer = new PeerDriver(this, _shards[handle.Value % _shards.Length], handle, new PeerMachine(new()
        {
            Crypto = _crypto,
            Random = SystemRandomSource.Instance,
            Identity = Options.Identity.Key,
            NetworkKey = Options.NetworkKey,
            RemotePeer = identity,
            WallClock = Clock.ReadCalendar(),
            Lifetimes = Options.SessionLifetimes,
            IdleTimeout = Options.IdleTimeout,
            SiteIdleTimeout = Options.SiteIdleTimeout,
            Keepalive = Options.Keepalive,
            Catalogue = Options.Catalogue,
            Proposal = Options.DefaultProposal ?? new() { Schemes = [P2pkeScheme.SchemeName] },
            MaxDatagramSize = Options.MaxUdpPayload,
            SiteId = Options.SiteId,
            Certificate = Options.Certificate,
            CertificateWithTicket = Options.CertificateWithTicket,
        }));
        _peers[handle] = peer;
        return peer;
    }

    private void Carry(PeerDriver peer, PeerEvent peerEvent)
    {
        var channel = peer.Channel;
        switch (peerEvent)
        {
            case PeerEvent.RouteChanged route:
                lock (_gate)
                {
                    _machine.HandleRouteChange(peer.Handle, route, peer);
                }

                break;
            case PeerEvent.NegotiationRequested requested:
                _requests.Enqueue((peer.Handle, requested.Request));
                break;
            case PeerEvent.SessionConfirmed session:
                var remote = session.Path.Remote.ToEndPoint();
                Log.SessionConfirmed(session.Number, channel.RemotePeerId, remote);
                channel.OnConfirmed(session, remote);
                foreach (var dial in peer.Dials)
                {
                    peer.IsOwned |= dial.TrySucceed(channel);
                }

                // Dials that were cancelled meanwhile stay: their cancellation is on its way and closes a channel that nobody has.
                peer.Dials.RemoveAll(dial => dial.Outcome.IsCompletedSuccessfully);
                break;
            case PeerEvent.Opened:
                if (TakeOffer(peer) && !_accepted.Writer.TryWrite(channel))
                {
                    // There was room when the channel was decided on, before its handshake was over, and others have taken it: nobody would ever get it.
                    Post(new DriverMessage.CloseChannel(peer));
                }

                break;
            case PeerEvent.SessionEnded session:
                //= spec/sessions.md#key-erasure
                _aead.ForgetKeys();
                SendContexts.ForgetKeys();
                Array.ForEach(_shards, shard => shard.ForgetKeys());
                channel.Report(new PacketSecChannelEvent.SessionEnded(session.Number));
                break;
            case PeerEvent.AddressChanged changed:
                var address = changed.Path.Remote.ToEndPoint();
                Log.AddressChanged(channel.RemotePeerId, address);
                channel.OnAddressChanged(address);
                break;
            case PeerEvent.IdentityMismatch mismatch:
                Log.IdentityMismatch(channel.RemotePeerId, mismatch.Proven);
                channel.Report(new PacketSecChannelEvent.IdentityMismatch(mismatch.Proven));
                FailDials(peer, PacketSecError.WrongIdentity);
                break;
            case PeerEvent.AttemptFailed failed:
                Log.AttemptFailed(channel.RemotePeerId, failed.Reason);
                channel.Report(new PacketSecChannelEvent.AttemptFailed());
                FailDials(peer, failed.Reason == CloseReason.NoCommonScheme ? PacketSecError.NoCommonScheme : PacketSecError.TimedOut);
                break;
            case PeerEvent.Closed closed:
                OnClosed(peer, closed.Reason);
                break;
            default:
                throw new InvalidOperationException("A peer machine reports something that nobody handles.");
        }
    }

    private void OnClosed(PeerDriver peer, CloseReason reason)
    {
        PacketSecError? error = reason switch
        {
            CloseReason.Local => _closingUntil is null ? null : EndOf(peer),
            CloseReason.PeerClosed => PacketSecError.PeerClosed,
            CloseReason.Refused => PacketSecError.Refused,
            CloseReason.TimedOut => PacketSecError.TimedOut,
            CloseReason.WrongIdentity => PacketSecError.WrongIdentity,
            CloseReason.IdleTimeout => PacketSecError.IdleTimeout,
            CloseReason.NoCommonScheme => PacketSecError.NoCommonScheme,
        };
        if (peer.IsOwned)
        {
            Log.ChannelClosed(peer.Channel.RemotePeerId, reason);
        }

        if (error is { } failure)
        {
            FailDials(peer, failure);
        }

        TakeOffer(peer);
        Forget(peer, error);

        // Another part of the application disposed the channel that these dials shared: they get one of their own.
        foreach (var dial in peer.Dials)
        {
            Post(new DriverMessage.Connect(dial));
        }
    }

    private static void FailDials(PeerDriver peer, PacketSecError error)
    {
        foreach (var dial in peer.Dials)
        {
            var exception = PacketSecChannel.ToException(error, dial.Peer.ToString());
            dial.Fail(error == PacketSecError.TimedOut && peer.Unreachable
                ? new(error, $"{dial.Remote} cannot be reached from this machine: check the address, its family, and this machine's routes.")
                : exception);
        }

        peer.Dials.Clear();
    }

    private void Forget(PeerDriver peer, PacketSecError? error)
    {
        _wheel.Cancel(peer);
        lock (_gate)
        {
            _machine.ClosePeer(peer.Handle);
        }

        peer.Dispose();
        lock (_totalsGate)
        {
            if (_peers.TryRemove(peer.Handle, out _))
            {
                _past.Add(peer.Machine);
            }
        }

        peer.Channel.OnClosed(error);

        // Another dial may have waited for this peer's attempt to end.
        _endpointChanged = true;
    }
}
