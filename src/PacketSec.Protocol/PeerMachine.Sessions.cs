using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Sessions;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol;

/// <content>What becomes of sessions: those that come, those that count as confirmed, and those that wait for a proof.</content>
public sealed partial class PeerMachine
{
    private Session AddSession(EstablishedSession established)
    {
        var session = new Session(established, ++_sessionNumber, _options.Lifetimes);
        MayBeReference &= session.Agreement is null && session.Scheme.HasReference;
        if (session.Agreement is not null)
        {
            //= spec/psec.md#start-over
            _proposal ??= _options.Proposal;
        }
        else if (_proposal is null)
        {
            _directScheme ??= session.Scheme;
        }

        if (session.Scheme.HasLetters)
        {
            UseLetters();
        }

        _sessions.Add(session);
        TrimSessions();
        return session;
    }

    /// <summary>From here on packets that begin with letters are looked for, and all payloads leave room for one.</summary>
    private void UseLetters()
    {
        if (_hasLetters)
        {
            return;
        }

        _hasLetters = true;
        DatagramOverhead = Letters.OverheadOf(Letters.HeaderSize);
        MaxPayload = _options.MaxDatagramSize - DatagramOverhead;
        for (var i = _queue.RemoveLongerThan(MaxPayload); i > 0; i--)
        {
            Drops.Add(DropReason.TooLong);
        }
    }

    private void TrimSessions()
    {
        while (_sessions.Trim() is { } evicted)
        {
            _events.Enqueue(new PeerEvent.SessionEnded(evicted.Number));
        }
    }

    /// <summary>A session counts as confirmed: data goes out on it from here on.</summary>
    private void OnUsable(Instant now, Session session)
    {
        (_mismatched, _peerClosed) = (false, false);
        _events.Enqueue(new PeerEvent.SessionConfirmed(session.Number, session.Role, session.Path)
        {
            Agreement = session.Agreement,
            Scheme = session.Scheme.Name,
        });
        if (_state == ChannelState.Opening)
        {
            _state = ChannelState.Open;
            _events.Enqueue(new PeerEvent.Opened());
        }

        if (session.Role == SessionRole.Initiator)
        {
            _ownAttemptFailed = false;
        }

        if (session.Scheme.NeedsIntroduction)
        {
            OnSiteSession(now, session);
        }

        _statistics.AddSession();
        _newest = session.Yields ? _newest : session;
        //= spec/sessions.md#dead-session
        _liveness.OnRecovering();
        _timers.Clear(PeerTimer.Idle);
        if (!session.Yields && (!MayBeReference || session.Role == SessionRole.Initiator))
        {
            _timers.Clear(PeerTimer.Rekey);
        }

        session.RekeyScheduled = false;
        if (session.CarriedData)
        {
            ScheduleRekey(session);
        }

        if (_path is null || _path.Value.Remote != session.Path.Remote)
        {
            var moved = _path is not null;
            _path = session.Path;
            if (moved)
            {
                _events.Enqueue(new PeerEvent.AddressChanged(session.Path));
            }
        }

        if (_options.Keepalive is { } keepalive)
        {
            _timers.SetEarlier(PeerTimer.Keepalive, now + keepalive);
        }
    }

    /// <summary>A session between sites counts as confirmed: who closes for idleness, and which of two that were begun at once is sent on.</summary>
    private void OnSiteSession(Instant now, Session session)
    {
        if (_statistics.SessionsConfirmed == 0)
        {
            (_opener, _lastData) = (session.Role, now);
        }

        //= spec/mychips.md#both-kept
        //= spec/mychips.md#at-once
        if (_sessions.FindCrossing(session) is { } other && RemotePeer.TryGetPublicKey(out var remote))
        {
            var preferred = session.Scheme.PrefersOwn(_context, remote) ? SessionRole.Initiator : SessionRole.Responder;
            session.Yields = session.Role != preferred;
            other.Yields = other.Role != preferred;
            _opener = _statistics.SessionsConfirmed == 1 ? preferred : _opener;
        }

        _closesIdle = _opener == SessionRole.Responder && _options.SiteIdleTimeout is not null;
    }

    private void OnConfirmed(Instant now, Session session)
    {
        session.ConfirmedAt = now;
        TrimSessions();
        OnUsable(now, session);
    }

    /// <summary>Asks by empty packets for the first packet of the initiator: before it, nobody knows whether the initiator knows this side.</summary>
    private void AwaitProof(Instant now, Session session)
    {
        if (_sessions.SurplusUnproven is { } surplus)
        {
            GiveUp(_finishings.Find(finishing => finishing.Session == surplus)!);
        }

        _finishings.Add(new(session, [], TimeSpan.Zero, session.Begun + SpecLimits.DialDeadline, ofNegotiation: false)
        {
            NextCopy = now + Jitter.Lengthen(Initiation.Resend, _options.Random),
        });
    }

    /// <summary>An initiator never showed that it knows this side: a channel that waited for nothing else is over.</summary>
    private void OnUnproven()
    {
        if (_state == ChannelState.Opening && !IsHandshaking && !_sessions.AnyLive)
        {
            End(CloseReason.TimedOut);
        }
    }
}
