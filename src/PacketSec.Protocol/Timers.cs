using System.Runtime.CompilerServices;

namespace PacketSec.Protocol;

/// <summary>The deadlines of a peer, each with its reason to wake up.</summary>
public enum PeerTimer
{
    /// <summary>A first message is sent again, or made afresh.</summary>
    Retransmit,

    /// <summary>An attempt is given up.</summary>
    DialDeadline,

    /// <summary>A finish is repeated until something confirms it.</summary>
    FinishRepeat,

    /// <summary>A session that carried data is renewed.</summary>
    Rekey,

    /// <summary>Data received have gone unacknowledged for long enough.</summary>
    Acknowledge,

    /// <summary>Data sent have gone unanswered for too long.</summary>
    DeadSession,

    /// <summary>A failed attempt is tried again.</summary>
    Retry,

    /// <summary>A session retires, expires or ends its linger.</summary>
    Session,

    /// <summary>A closing message is repeated.</summary>
    CloseRepeat,

    /// <summary>An idle path is kept open.</summary>
    Keepalive,

    /// <summary>A channel without a live session ends.</summary>
    Idle,
}

/// <summary>One optional deadline per <see cref="PeerTimer"/>.</summary>
internal sealed class Timers
{
    private const long Unset = long.MaxValue;
    private const int Count = (int)PeerTimer.Idle + 1;

    private Deadlines _deadlines;

    public Timers() => ClearAll();

    public bool IsSet(PeerTimer timer) => _deadlines[(int)timer] != Unset;

    public Instant? this[PeerTimer timer] => _deadlines[(int)timer] is var at && at == Unset ? null : new Instant(at);

    public void Set(PeerTimer timer, Instant at) => _deadlines[(int)timer] = at.Nanoseconds;

    public void SetEarlier(PeerTimer timer, Instant at) => _deadlines[(int)timer] = Math.Min(_deadlines[(int)timer], at.Nanoseconds);

    public void Clear(PeerTimer timer) => _deadlines[(int)timer] = Unset;

    public void ClearAll() => ((Span<long>)_deadlines).Fill(Unset);

    /// <summary>Clears a timer that is due and says so.</summary>
    public bool TryFire(PeerTimer timer, Instant now)
    {
        if (_deadlines[(int)timer] > now.Nanoseconds)
        {
            return false;
        }

        _deadlines[(int)timer] = Unset;
        return true;
    }

    /// <summary>Returns the earliest deadline and its name.</summary>
    public (Instant At, PeerTimer Timer)? Next()
    {
        var best = 0;
        for (var i = 1; i < Count; i++)
        {
            if (_deadlines[i] < _deadlines[best])
            {
                best = i;
            }
        }

        return _deadlines[best] == Unset ? null : (new Instant(_deadlines[best]), (PeerTimer)best);
    }

    /// <summary>Asks for what every call reads.</summary>
    public static void Fetch(Timers timers) => CacheLines.Fetch(timers, sizeof(long), (Count + 1) * sizeof(long));

    public void AddTo(StateDigestBuilder digest)
    {
        foreach (var deadline in _deadlines)
        {
            digest.Add(deadline);
        }
    }

    /// <summary>In the object itself, so that it takes one step to reach one.</summary>
    [InlineArray(Count)]
    private struct Deadlines
    {
        private long _first;
    }
}
