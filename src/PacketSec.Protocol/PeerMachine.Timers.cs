using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Protocol;

/// <content>Time and handshakes: what each deadline does, and what completed work leads to.</content>
public sealed partial class PeerMachine
{
    private static readonly TimeSpan MinFinishBurst = TimeSpan.FromMilliseconds(100);

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
                case InitHelloWork hello when work.AttemptId == _attemptId && _attempt is not null:
                    _attempt.Install(now, hello, _options.Random);
                    _lastHello = now;
                    break;
                case RespHelloWork response:
                    OnChecked(now, response);
                    break;
                default:
                    break;
            }
        }

        Settle(now);
    }

    private void HandleOpenTimeout(Instant now)
    {
        if (_timers.TryFire(PeerTimer.Retransmit, now) && _attempt?.HandleTimeout(now, _options.Random) == true)
        {
            _work.Enqueue(_attempt.BeginHello(now, _attemptId));
        }

        if (_timers.TryFire(PeerTimer.DialDeadline, now) && _attempt is not null)
        {
            EndAttempt();
            OnAttemptFailed(now);
        }

        if (_timers.TryFire(PeerTimer.FinishRepeat, now) && _finishing is not null)
        {
            RepeatFinish(now, _finishing);
        }

        // While the retry of a failed handshake waits, that one renews the session.
        if (_timers.TryFire(PeerTimer.Rekey, now) && !IsHandshaking && !_timers.IsSet(PeerTimer.Retry) && _path is not null)
        {
            //= spec/sessions.md#rekey-start
            //= spec/sessions.md#rekey-other
            StartAttempt(now, _path.Value);
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

        if (_timers.TryFire(PeerTimer.Retry, now) && (_queue.Count > 0 || _sessions.AnyLive) && _path is not null)
        {
            _liveness.OnRecovering();
            StartAttempt(now, _path.Value);
        }

        if (_timers.TryFire(PeerTimer.Keepalive, now))
        {
            KeepAlive(now);
        }

        //= spec/sessions.md#idle-timeout
        if (_timers.TryFire(PeerTimer.Idle, now) && !_sessions.AnyConfirmed)
        {
            // A handshake that runs may yet succeed; its failure, due at the same time at the latest, comes first.
            if ((_attempt?.Deadline ?? _finishing?.Until) is { } deadline)
            {
                _timers.Set(PeerTimer.Idle, deadline);
            }
            else
            {
                End(CloseReason.IdleTimeout);
            }
        }
    }

    private void StartAttempt(Instant now, in PathAddress path)
    {
        if (_attempt is not null)
        {
            return;
        }

        _attempt = new P2pkeInitiator(_p2pke, _options.WallClock, path, now, _rtt);
        _work.Enqueue(_attempt.BeginHello(now, ++_attemptId));
        Settle(now);
    }

    private void EndAttempt()
    {
        _attempt?.Dispose();
        _attempt = null;
    }

    private void OnAttemptFailed(Instant now)
    {
        if (IsHandshaking)
        {
            // A dial to another address runs beside it, and may still succeed.
            return;
        }

        _ownAttemptFailed = true;
        _events.Enqueue(new PeerEvent.AttemptFailed());
        if (_peerClosed)
        {
            EndByPeer();
            return;
        }

        if (_state == ChannelState.Opening)
        {
            End(CloseReason.TimedOut);
            return;
        }

        //= spec/sessions.md#dead-backoff
        _timers.Set(PeerTimer.Retry, now + _liveness.OnFailure());
    }

    private void OnChecked(Instant now, RespHelloWork work)
    {
        if (IsClosing || _attempt is null || work.AttemptId != _attemptId || !_attempt.IsCurrent(work))
        {
            Drops.Add(DropReason.NoHandshake);
            return;
        }

        if (work.Outcome == DropReason.WrongIdentity)
        {
            OnMismatch(now, work);
            return;
        }

        //= spec/p2pke.md#resp-hello-unauthentic
        if (work.Outcome != DropReason.None)
        {
            Drops.Add(work.Outcome);
            return;
        }

        var session = AddSession(_attempt.ToSession(work));
        _rtt = now - _attempt.HelloSentAt!.Value;
        var deadline = _attempt.Deadline;
        EndAttempt();
        session.PendingFinish = 1;
        session.FinishCopies = 1;
        var burst = _rtt * 2 > MinFinishBurst ? _rtt.Value * 2 : MinFinishBurst;
        _finishing = new(session, work.RespHello, burst, deadline)
        {
            NextCopy = now + (MayBeReference ? burst / 2 : Jitter.Lengthen(P2pkeInitiator.FirstResend, _options.Random)),
        };
    }

    //= spec/p2pke.md#resp-hello-identity
    //= spec/sessions.md#identity-change
    private void OnMismatch(Instant now, RespHelloWork work)
    {
        Drops.Add(DropReason.WrongIdentity);
        _events.Enqueue(new PeerEvent.IdentityMismatch(work.RemotePeer!));
        EndAttempt();
        _mismatched = true;
        _ownAttemptFailed = true;

        //= spec/sessions.md#wrong-identity-end
        if (!_sessions.AnyLive)
        {
            End(CloseReason.WrongIdentity);
            return;
        }

        _timers.Set(PeerTimer.Retry, now + _liveness.OnFailure());
    }

    private void RepeatFinish(Instant now, Finishing finishing)
    {
        var session = finishing.Session;
        if (session.State is not (SessionState.Unconfirmed or SessionState.Presumed) || now >= finishing.Until)
        {
            _finishing = null;
            if (session.State == SessionState.Unconfirmed)
            {
                //= spec/p2pke.md#dial-deadline
                _sessions.End(session);
                _events.Enqueue(new PeerEvent.SessionEnded(session.Number));
                OnAttemptFailed(now);
            }

            return;
        }

        session.PendingFinish = Math.Max(session.PendingFinish, 1);
        session.FinishCopies++;

        //= spec/p2pke.md#direct-hold
        if (MayBeReference && session.FinishCopies == 3 && session.Apply(SessionEvent.FinishRepeated))
        {
            session.ConfirmedAt = now;
            OnUsable(now, session);
        }

        finishing.NextCopy = now + (MayBeReference && session.FinishCopies < 3
            ? finishing.Burst / 2
            : Jitter.Lengthen(P2pkeInitiator.Resend, _options.Random));
    }

    private void AgeSessions(Instant now)
    {
        _ended.Clear();
        _sessions.HandleTimeout(now, _ended);
        foreach (var session in _ended)
        {
            _events.Enqueue(new PeerEvent.SessionEnded(session.Number));
            if (_lastOpened == session)
            {
                _lastOpened = null;
            }

            if (_finishing?.Session == session)
            {
                _finishing = null;
            }
        }

        if (_state == ChannelState.ClosingByPeer && _sessions.All.Count == 0)
        {
            End();
        }
        else if (!IsClosing && _mismatched && !_sessions.AnyLive)
        {
            End(CloseReason.WrongIdentity);
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

    /// <summary>The repetition of a finish until something confirms it.</summary>
    private sealed class Finishing(Session session, byte[] respHello, TimeSpan burst, Instant until)
    {
        public Session Session => session;

        public ReadOnlySpan<byte> RespHello => respHello;

        /// <summary>Gets the time over which a peer that may be the reference gets three copies.</summary>
        public TimeSpan Burst => burst;

        public Instant Until => until;

        public Instant NextCopy { get; set; }
    }
}
