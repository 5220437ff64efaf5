using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Protocol;

/// <content>The way out: which session sends, what is queued, and what the driver polls.</content>
public sealed partial class PeerMachine
{
    private static readonly TimeSpan ClosingInterval = TimeSpan.FromMilliseconds(100);

    private Session? _lastSealed;

    private TimeSpan DeadAfter => MayBeReference ? SpecLimits.DeadAfterReference : SpecLimits.DeadAfter;

    private bool IsHandshaking => _negotiating is not null || _attempts.Count > 0 || _finishings.Exists(finishing => finishing.IsOpen);

    private NetworkAddress? AttemptAddress => _negotiating?.Path.Remote ?? (_attempts.Count > 0 ? _attempts[0].Path.Remote : null);

    /// <summary>Seals a datagram, or queues it until a session may send.</summary>
    /// <param name="now">The time.</param>
    /// <param name="aead">The calling thread's ciphers.</param>
    /// <param name="payload">At least one byte: an empty datagram is the protocol's own.</param>
    /// <param name="datagram">Where the datagram goes: <see cref="DatagramOverhead"/> bytes longer than the payload.</param>
    /// <param name="written">The datagram's length when sealed, otherwise 0.</param>
    /// <param name="path">Where to send it when sealed.</param>
    /// <exception cref="ArgumentException">The payload is empty.</exception>
    public SealResult TrySeal(
        Instant now, PacketAead aead, scoped ReadOnlySpan<byte> payload, Span<byte> datagram, out int written, out PathAddress path)
    {
        ArgumentNullException.ThrowIfNull(aead);
        written = 0;
        path = default;

        //= spec/sessions.md#empty-send
        if (payload.IsEmpty)
        {
            throw new ArgumentException("A datagram has at least one byte: an empty one is the protocol's own and is never delivered.", nameof(payload));
        }

        if (IsClosing)
        {
            return SealResult.Closed;
        }

        //= spec/sessions.md#too-large
        if (payload.Length > MaxPayload)
        {
            return SealResult.TooLarge;
        }

        var session = SelectSession(now, payload.Length + SpecLimits.DatagramOverhead);
        if (session is null)
        {
            return Enqueue(now, payload);
        }

        written = SealData(now, aead, session, payload, datagram);
        path = session.Path;
        return SealResult.Sealed;
    }

    /// <summary>Polls the next datagram to send: handshake messages, confirmations, receipts, closings, and what was queued.</summary>
    /// <param name="now">The time.</param>
    /// <param name="aead">The calling thread's ciphers.</param>
    /// <param name="buffer">Where it goes; as long as the longest datagram sent, and at least 1,280 bytes.</param>
    /// <param name="transmit">Its length and path.</param>
    public bool TryPollTransmit(Instant now, PacketAead aead, Span<byte> buffer, out Transmit transmit)
    {
        ArgumentNullException.ThrowIfNull(aead);
        foreach (var attempt in _attempts)
        {
            if (attempt.PendingFirst)
            {
                attempt.PendingFirst = false;
                transmit = Copy(attempt.FirstMessage, attempt.Path, buffer);
                return true;
            }
        }

        foreach (var session in _sessions.All)
        {
            if (TryPollSession(now, aead, session, buffer, out transmit))
            {
                return true;
            }
        }

        if (_queue.Count > 0 && !IsClosing && SelectSession(now, _queue.Peek().Length + SpecLimits.DatagramOverhead) is { } sender)
        {
            var length = SealData(now, aead, sender, _queue.Peek(), buffer);
            _queue.Remove();
            transmit = new(sender.Path, length, length, 0);
            return true;
        }

        transmit = default;
        return false;
    }

    /// <summary>
    /// Seals the receipt that is due, if one is: what <see cref="HandleTimeout"/> and <see cref="TryPollTransmit"/> would come to, for a driver that
    /// holds the peer anyway. Nothing is left to be polled, and no deadline comes nearer.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="aead">The calling thread's ciphers.</param>
    /// <param name="datagram">Where it goes; at least <see cref="SpecLimits.DatagramOverhead"/> bytes.</param>
    /// <param name="transmit">Its length and path.</param>
    //= spec/sessions.md#receipt
    internal bool TrySealReceipt(Instant now, PacketAead aead, Span<byte> datagram, out Transmit transmit)
    {
        transmit = default;
        if (!_liveness.IsReceiptDue(now) || !_timers.TryFire(PeerTimer.Acknowledge, now))
        {
            return false;
        }

        // With no session that may send there is no receipt; the next datagram asks for another.
        _liveness.OnReceiptSent(now);
        if (SelectSession(now, SpecLimits.DatagramOverhead) is not { } session || !session.MaySend(now))
        {
            return false;
        }

        var length = session.Seal(now, aead, default, datagram);
        transmit = new(session.Path, length, length, 0);
        return true;
    }

    private static Transmit Copy(ReadOnlySpan<byte> packet, in PathAddress path, Span<byte> buffer)
    {
        packet.CopyTo(buffer);
        return new(path, packet.Length, packet.Length, 0);
    }

    private bool TryPollSession(Instant now, PacketAead aead, Session session, Span<byte> buffer, out Transmit transmit)
    {
        if (session.PendingFinish > 0)
        {
            session.PendingFinish--;
            transmit = Copy(session.Finish, session.Path, buffer);
            return true;
        }

        if (session.PendingConfirmation > 0)
        {
            session.PendingConfirmation--;
            session.OnPacketSent(now);
            transmit = Copy(session.Confirmation, session.Path, buffer);
            return true;
        }

        if (session.PendingClosing)
        {
            session.PendingClosing = false;
            transmit = Copy(session.SealClosing(aead), session.Path, buffer);
            return true;
        }

        if (session.PendingEmpty)
        {
            session.PendingEmpty = false;
            if (session.MaySendEmpty(now))
            {
                var length = session.Seal(now, aead, default, buffer);
                _liveness.OnReceiptSent(now);
                _timers.Clear(PeerTimer.Acknowledge);
                transmit = new(session.Path, length, length, 0);
                return true;
            }
        }

        transmit = default;
        return false;
    }

    //= spec/sessions.md#queue
    //= spec/sessions.md#send-starts
    private SealResult Enqueue(Instant now, ReadOnlySpan<byte> payload)
    {
        if (!_queue.TryAdd(payload))
        {
            return SealResult.QueueFull;
        }

        if (!IsHandshaking && _path is { } path && !_timers.IsSet(PeerTimer.Retry))
        {
            StartAttempt(now, path);
        }

        return SealResult.Queued;
    }

    private int SealData(Instant now, PacketAead aead, Session session, ReadOnlySpan<byte> payload, Span<byte> datagram)
    {
        var length = session.Seal(now, aead, payload, datagram);
        _lastSealed = session;
        _statistics.AddSent(payload.Length);
        if (!_liveness.IsWaiting && !IsHandshaking && !_timers.IsSet(PeerTimer.Retry))
        {
            _timers.Set(PeerTimer.DeadSession, now + DeadAfter);
        }

        if (_liveness.OwesReceipt)
        {
            _timers.Clear(PeerTimer.Acknowledge);
        }

        _liveness.OnDataSent(now);
        if (_closesIdle)
        {
            _lastData = now;
        }

        if (!session.RekeyScheduled)
        {
            ScheduleRekey(session);
        }
        else if (session.WantsRekeyByCount && !IsHandshaking)
        {
            _timers.SetEarlier(PeerTimer.Rekey, now);
        }

        return length;
    }

    /// <summary>
    /// Whether a first message of ours followed the one of a session that we initiated: where it came to nothing, the reference has thrown that
    /// session away all the same, and a packet on it would harm it.
    /// </summary>
    private bool MayBeReset(Session session) => session.Role == SessionRole.Initiator && session.Begun < _lastFirst;

    private Session? SelectSession(Instant now, int packetLength)
    {
        if (!MayBeReference)
        {
            // Where there is but one, it is the newest, and the set need not be looked at.
            if (_lastSealed is { IsOneOfMany: false } only && only.MaySend(now))
            {
                return only;
            }

            return _sessions.NewestSendable(now) ?? _sessions.NewestEarly(now, packetLength);
        }

        //= spec/p2pke.md#direct-hold
        if (!IsHandshaking && _sessions.NewestSendable(now, SessionRole.Initiator) is { } own && !MayBeReset(own))
        {
            return own;
        }

        // A session that the peer initiated may be older there than here, and over: it serves only when our own handshake has failed.
        //= spec/p2pke.md#direct-prefer-own
        //= spec/p2pke.md#direct-first-send
        return _ownAttemptFailed ? _sessions.NewestSendable(now, SessionRole.Responder) : null;
    }
}
