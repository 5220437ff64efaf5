using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Protocol.Channels;

/// <summary>
/// The sessions of a channel, of those that count as confirmed at most three per role: previous, current and next. Decides which one sends, and when each is over.
/// </summary>
internal sealed class SessionSet : IDisposable
{
    private static readonly TimeSpan FallbackAfter = TimeSpan.FromSeconds(3);

    // Oldest first: there are few, so a list that is walked beats any index.
    private readonly List<Session> _sessions = [];

    public List<Session> All => _sessions;

    public bool AnyLive => _sessions.Exists(session => session.IsLive);

    /// <summary>Gets a value indicating whether a session lives that counted as confirmed.</summary>
    public bool AnyConfirmed => _sessions.Exists(session => session.IsLive && session.State != SessionState.Unconfirmed);

    /// <summary>Gets the number of sessions of ours that wait for the first packet from the other side.</summary>
    public int Unconfirmed => _sessions.Count(session => session is { State: SessionState.Unconfirmed, Role: SessionRole.Initiator });

    /// <summary>Gets the oldest responder's session that waits for the initiator's first packet, where there are more than may; otherwise null.</summary>
    //= spec/sessions.md#trial-unproven
    public Session? SurplusUnproven => _sessions.Count(session => session.IsUnproven) > ImplementationLimits.AnswersPerFirstMessage
        ? _sessions.Find(session => session.IsUnproven)
        : null;

    public void Add(Session session)
    {
        _sessions.Add(session);
        CountOut();
    }

    /// <summary>Ends the oldest session of a role that has more than it may; those that are not confirmed yet are bounded by who makes them.</summary>
    /// <returns>The session that ended, or null.</returns>
    public Session? Trim()
    {
        foreach (var role in (ReadOnlySpan<SessionRole>)[SessionRole.Initiator, SessionRole.Responder])
        {
            if (_sessions.Count(session => session.Role == role && session.State != SessionState.Unconfirmed) > ImplementationLimits.SessionsPerRole)
            {
                var oldest = _sessions.Find(session => session.Role == role && session.State != SessionState.Unconfirmed)!;
                End(oldest);
                return oldest;
            }
        }

        return null;
    }

    /// <summary>Ends a session whose handshake came to nothing.</summary>
    public void End(Session session)
    {
        session.Apply(SessionEvent.Superseded);
        _sessions.Remove(session);
        CountOut();
    }

    /// <summary>Returns the newest session of a role that counts as confirmed and may send.</summary>
    public Session? NewestSendable(Instant now, SessionRole role)
    {
        Session? newest = null;
        foreach (var session in _sessions)
        {
            if (session.Role == role && session.MaySend(now) && (newest is null || session.ConfirmedAt >= newest.ConfirmedAt))
            {
                newest = session;
            }
        }

        return newest;
    }

    /// <summary>Returns the session that data goes out on: the one confirmed last, unless nothing comes back on it.</summary>
    //= spec/sessions.md#send-newest
    //= spec/sessions.md#send-fallback
    public Session? NewestSendable(Instant now)
    {
        Session? newest = null;
        Session? answered = null;
        foreach (var session in _sessions)
        {
            if (!session.MaySend(now))
            {
                continue;
            }

            if (ComesBefore(session, newest))
            {
                newest = session;
            }

            if (!IsUnanswered(session, now) && ComesBefore(session, answered))
            {
                answered = session;
            }
        }

        return answered ?? newest;
    }

    /// <summary>Returns an unconfirmed session of ours whose early allowance covers a packet.</summary>
    public Session? NewestEarly(Instant now, int packetLength)
    {
        for (var i = _sessions.Count - 1; i >= 0; i--)
        {
            if (_sessions[i].MaySendEarly(now, packetLength))
            {
                return _sessions[i];
            }
        }

        return null;
    }

    /// <summary>Whether a session lives that was created after another, and counted as confirmed.</summary>
    public bool AnyNewerConfirmed(Session session)
        => _sessions.Exists(other => other.Number > session.Number && other.IsLive && other.State != SessionState.Unconfirmed);

    /// <summary>
    /// Finds the session that the other side began by a dial while this one was begun here, or the other way round: neither was confirmed when the later
    /// one began.
    /// </summary>
    public Session? FindCrossing(Session latest) => latest.IsRenewal ? null : _sessions.Find(other => other.Role != latest.Role && !other.IsRenewal
        && other.IsLive && other.ConfirmedAt >= latest.Begun && other.Path.Remote == latest.Path.Remote && other.Scheme == latest.Scheme
        && other.Agreement is null && latest.Agreement is null);

    /// <summary>Schedules the end of what a session replaces, when something authenticates on it; tells whether there was anything.</summary>
    //= spec/sessions.md#retire
    public bool ScheduleRetirement(Session newer, Instant now)
    {
        var any = false;
        foreach (var session in _sessions)
        {
            if (session.Role != newer.Role || session.Number >= newer.Number || session.RetireAt is not null)
            {
                continue;
            }

            if (session.Path.Remote == newer.Path.Remote || newer.FirstPacketSent < now)
            {
                session.RetireAt = now + SpecLimits.RetireAfter;
                any = true;
            }
        }

        return any;
    }

    /// <summary>Returns when the next session changes by its age.</summary>
    public Instant? NextDeadline()
    {
        Instant? next = null;
        foreach (var session in _sessions)
        {
            Earlier(ref next, session.RetireAt);
            Earlier(ref next, session.LingerUntil);
            // Exactly at its age a session still receives.
            Earlier(ref next, new Instant(session.ReceiveUntil.Nanoseconds + 1));
            if (session.State is SessionState.Unconfirmed or SessionState.Presumed or SessionState.Confirmed)
            {
                Earlier(ref next, session.SendUntil);
            }
        }

        return next;
    }

    /// <summary>Applies what is due, and removes what has ended.</summary>
    public void HandleTimeout(Instant now, List<Session> ended)
    {
        for (var i = _sessions.Count - 1; i >= 0; i--)
        {
            var session = _sessions[i];
            if (now >= session.SendUntil)
            {
                session.Apply(SessionEvent.SendLifetimeOver);
            }

            if (session.RetireAt <= now)
            {
                session.Apply(SessionEvent.Superseded);
            }

            if (session.LingerUntil <= now)
            {
                session.Apply(SessionEvent.LingerOver);
            }

            if (now > session.ReceiveUntil)
            {
                session.Apply(SessionEvent.LifetimeOver);
            }

            if (session.State == SessionState.Ended)
            {
                _sessions.RemoveAt(i);
                ended.Add(session);
            }
        }

        CountOut();
    }

    public void Dispose()
    {
        foreach (var session in _sessions)
        {
            session.Dispose();
        }

        _sessions.Clear();
    }

    public void AddTo(StateDigestBuilder digest)
    {
        foreach (var session in _sessions)
        {
            session.AddTo(digest);
        }
    }

    // A packet finds it at its session, and need not come here.
    private void CountOut()
    {
        foreach (var session in _sessions)
        {
            session.IsOneOfMany = _sessions.Count > 1;
        }
    }

    private static bool ComesBefore(Session session, Session? other)
        => other is null || (session.Yields == other.Yields ? session.ConfirmedAt >= other.ConfirmedAt : other.Yields);

    private static bool IsUnanswered(Session session, Instant now)
        => session.FirstSent is { } sent && now - sent > FallbackAfter && (session.LastAuthentic is null || session.LastAuthentic < sent);

    private static void Earlier(ref Instant? next, Instant? candidate)
    {
        if (candidate is { } at && (next is null || at < next))
        {
            next = at;
        }
    }
}
