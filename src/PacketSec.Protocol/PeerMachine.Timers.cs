using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Protocol;

/// <content>Time and handshakes: what each deadline does, and what completed work leads to.</content>
public sealed partial class PeerMachine
{
    /// <summary>Does what is due.</summary>
    /// <param name="now">The time.</param>
    public void HandleTimeout(Instant now)
    {
        if (_timers.TryFire(PeerTimer.CloseRepeat, now))
        {
            RepeatClosing(now);
        }

        if (_state == ChannelState.Closed)
        {
            return;
        }

        if (_timers.TryFire(PeerTimer.Session, now))
        {
            AgeSessions(now);
        }

        if (!IsClosing)
        {
            HandleOpenTimeout(now);
        }

        Settle(now);
    }

    /// <summary>Takes completed work back.</summary>
    /// <param name="now">The time.</param>
    /// <param name="work">Work that <see cref="TryTakeWork"/> gave out and that has run.</param>
    public void Complete(Instant now, HandshakeWork work)
    {
        ArgumentNullException.ThrowIfNull(work);
        using (work)
        {
            switch (work)
            {
                case FirstMessageWork first when _attempts.Find(attempt => attempt.Id == work.AttemptId) is { } attempt:
                    attempt.Install(now, first, _options.Random);
                    _lastFirst = now;
                    OfferFirstPacket(attempt);
                    break;
                case AnswerCheckWork check:
                    OnChecked(now, check);
                    break;
                default:
                    break;
            }
        }

        Settle(now);
    }

    private void HandleOpenTimeout(Instant now)
    {
        if (_timers.TryFire(PeerTimer.Retransmit, now))
        {
            foreach (var attempt in _attempts)
            {
                if (attempt.HandleTimeout(now, _options.Random))
                {
                    _work.Enqueue(attempt.BeginFirst(now));
                }
            }
        }

        if (_timers.TryFire(PeerTimer.DialDeadline, now) && _attempts.Count > 0)
        {
            OnUnanswered(now, _attempts[0]);
        }

        if (_timers.TryFire(PeerTimer.FinishRepeat, now))
        {
            foreach (var finishing in _finishings.ToArray())
            {
                RepeatFinish(now, finishing);
            }
        }

        // While the retry of a failed handshake waits, that one renews the session.
        if (_timers.TryFire(PeerTimer.Rekey, now) && !IsHandshaking && !_timers.IsSet(PeerTimer.Retry) && _path is not null)
        {
            //= spec/sessions.md#rekey-start
            //= spec/sessions.md#rekey-other
            Rekey(now, _path.Value);
        }

        //= spec/sessions.md#receipt
        if (_timers.TryFire(PeerTimer.Acknowledge, now))
        {
            if (SelectSession(now, SpecLimits.DatagramOverhead) is { } session)
            {
                session.PendingEmpty = true;
            }

            // With no session that may send there is no receipt; the next datagram asks for another.
            _liveness.OnReceiptSent(now);
        }

        //= spec/sessions.md#dead-session
        if (_timers.TryFire(PeerTimer.DeadSession, now) && _path is not null)
        {
            _liveness.OnRecovering();
            StartAttempt(now, _path.Value);
        }

        if (_timers.TryFire(PeerTimer.Retry, now) && (HasToSend || _sessions.AnyLive) && _path is not null)
        {
            _liveness.OnRecovering();
            StartAttempt(now, _path.Value);
        }

        if (_timers.TryFire(PeerTimer.Keepalive, now))
        {
            KeepAlive(now);
        }

        if (_timers.TryFire(PeerTimer.Idle, now))
        {
            OnIdle(now);
        }
    }

    /// <summary>When an open channel is idle, if nothing happens before; null where it never is, or not yet.</summary>
    //= spec/mychips.md#idle-responder
    //= spec/mychips.md#idle-initiator
    private Instant? IdleUntil(Instant now)
        => _closesIdle ? _lastData + _options.SiteIdleTimeout!.Value
            : _opener == SessionRole.Initiator || _sessions.AnyLive ? null
            : now + _options.IdleTimeout;

    //= spec/sessions.md#idle-timeout
    private void OnIdle(Instant now)
    {
        if (_closesIdle ? IdleUntil(now) > now : _sessions.AnyConfirmed)
        {
            return;
        }

        // A handshake that runs may yet succeed; its failure, due at the same time at the latest, comes first.
        if (HandshakeDeadline is { } deadline)
        {
            _timers.Set(PeerTimer.Idle, deadline);
        }
        else if (_closesIdle)
        {
            Close(now, CloseReason.IdleTimeout);
        }
        else
        {
            End(CloseReason.IdleTimeout);
        }
    }

    private void OnAttemptFailed(Instant now, CloseReason reason = CloseReason.TimedOut)
    {
        if (IsHandshaking)
        {
            // A dial to another address runs beside it, and may still succeed.
            return;
        }

        _ownAttemptFailed = true;
        _events.Enqueue(new PeerEvent.AttemptFailed(reason));
        if (_peerClosed)
        {
            EndByPeer();
            return;
        }

        if (_state == ChannelState.Opening)
        {
            End(reason);
            return;
        }

        //= spec/sessions.md#dead-backoff
        _timers.Set(PeerTimer.Retry, now + _liveness.OnFailure());
    }

    private void AgeSessions(Instant now)
    {
        var waited = IsHandshaking;
        _ended.Clear();
        _sessions.HandleTimeout(now, _ended);
        foreach (var session in _ended)
        {
            _events.Enqueue(new PeerEvent.SessionEnded(session.Number));
            _lastOpened = _lastOpened == session ? null : _lastOpened;
            _lastSealed = _lastSealed == session ? null : _lastSealed;
            _finishings.RemoveAll(finishing => finishing.Session == session);
        }

        if (_state == ChannelState.ClosingByPeer && _sessions.All.Count == 0)
        {
            End();
        }
        else if (!IsClosing && _mismatched && !_sessions.AnyLive)
        {
            End(CloseReason.WrongIdentity);
        }
        else if (!IsClosing && waited && !IsHandshaking)
        {
            // Sessions may live shorter than a dial may wait: then the life of the one that nothing confirmed is the end of its dial.
            OnAttemptFailed(now);
        }
        else if (!IsClosing)
        {
            OnUnproven();
        }
    }

    private void RepeatClosing(Instant now)
    {
        if (_closeCopies == 0)
        {
            End();
            return;
        }

        _closeCopies--;
        foreach (var session in _sessions.All)
        {
            session.PendingClosing = session.ClosingMessage is not null;
        }

        _timers.Set(PeerTimer.CloseRepeat, now + ClosingInterval);
    }

    private void KeepAlive(Instant now)
    {
        if (_options.Keepalive is not { } interval || !_sessions.AnyLive)
        {
            // The next session sets the timer again.
            return;
        }

        var due = _liveness.LastSent + interval;
        if (due is null || due <= now)
        {
            // A possible reference gets no empty packets: the timer runs on until it is known.
            if (!MayBeReference && SelectSession(now, SpecLimits.DatagramOverhead) is { } session)
            {
                session.PendingEmpty = true;
            }

            due = now + interval;
        }

        _timers.Set(PeerTimer.Keepalive, due.Value);
    }

    private void ScheduleRekey(Session session)
    {
        session.RekeyScheduled = true;
        if (session != _newest && !(MayBeReference && session.Role == SessionRole.Initiator))
        {
            return;
        }

        var lifetimes = _options.Lifetimes;
        var at = session.Role == SessionRole.Initiator
            ? session.Begun + lifetimes.Rekey - Jitter.Fraction(lifetimes.Rekey / 15, _options.Random)
            : session.Begun + lifetimes.RekeyStepIn;
        _timers.SetEarlier(PeerTimer.Rekey, at);
    }
}
