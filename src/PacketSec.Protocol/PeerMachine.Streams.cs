using PacketSec.Protocol.Sessions;

namespace PacketSec.Protocol;

/// <content>For streams, whose packets are built for the session that seals them, so that none of them ever waits in the queue.</content>
public sealed partial class PeerMachine
{
    private bool _wantsSession;

    /// <summary>Gets the number of the session that the last payload came on.</summary>
    internal long OpenedOn => _lastOpened?.Number ?? 0;

    private bool HasToSend => _queue.Count > 0 || _wantsSession;

    /// <summary>Finds the session that a packet is to go on now.</summary>
    /// <param name="now">The time.</param>
    /// <param name="length">The packet's length at most, sealed.</param>
    /// <returns>The session; null while none can seal.</returns>
    internal Session? SelectCarrier(Instant now, int length)
    {
        if (IsClosing || SelectSession(now, length) is not { } session)
        {
            return null;
        }

        _wantsSession = false;
        return session;
    }

    /// <summary>Seals a packet on a session that was just selected for it.</summary>
    /// <returns>The datagram's length.</returns>
    internal int SealOn(Instant now, PacketAead aead, Session session, ReadOnlySpan<byte> payload, Span<byte> datagram)
        => SealData(now, aead, session, payload, datagram);

    /// <summary>Sees to it that there will be a session to send on, as a datagram in the queue does.</summary>
    //= spec/sessions.md#send-starts
    internal void WantSession(Instant now)
    {
        if (IsClosing)
        {
            return;
        }

        _wantsSession = true;
        if (!IsHandshaking && _path is { } path && !_timers.IsSet(PeerTimer.Retry))
        {
            StartAttempt(now, path);
        }
    }
}
