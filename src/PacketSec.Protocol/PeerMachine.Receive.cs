using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Sessions;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol;

/// <content>The way in: headers, sessions, and the handshake messages that concern sessions of this peer.</content>
public sealed partial class PeerMachine
{
    private const int MaxPendingCopies = 4;

    /// <summary>Takes one datagram from an address that is this peer's.</summary>
    /// <param name="now">The time.</param>
    /// <param name="aead">The calling thread's ciphers.</param>
    /// <param name="path">Where it came from and to.</param>
    /// <param name="datagram">The datagram.</param>
    /// <param name="plaintext">Where the payload goes; at least as long as the datagram. Does not overlap it.</param>
    /// <returns>What became of it; the payload is a part of <paramref name="plaintext"/>.</returns>
    public Received HandleDatagram(
        Instant now, PacketAead aead, scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram, Span<byte> plaintext)
    {
        ArgumentNullException.ThrowIfNull(aead);
        if (_hasLetters && Letters.Leads(datagram))
        {
            return HandleLettered(now, aead, path, datagram, plaintext);
        }

        if (!PacketHeader.TryRead(datagram, out var header))
        {
            return TooShort(datagram);
        }

        if (header.Counter.Value < SpecLimits.FirstDataCounter)
        {
            return HandleHandshake(header, path, datagram);
        }

        return datagram.Length < SpecLimits.DatagramOverhead
            ? TooShort(datagram)
            : HandleTransport(now, aead, header, SpecLimits.HeaderSize, path, datagram, plaintext[..(datagram.Length - SpecLimits.DatagramOverhead)]);
    }

    /// <summary>Opens the next of the datagrams that came before their handshake was complete; call it after <see cref="Adopt"/> until false.</summary>
    /// <param name="now">The time.</param>
    /// <param name="aead">The calling thread's ciphers.</param>
    /// <param name="plaintext">Where the payload goes.</param>
    /// <param name="length">The payload's length.</param>
    //= spec/sessions.md#early-data-held
    public bool TryPollEarlyDatagram(Instant now, PacketAead aead, Span<byte> plaintext, out int length)
    {
        while (_early.TryPeek(out var early))
        {
            if (!early.Data.TryTake(out var datagram))
            {
                _early.Dequeue();
                continue;
            }

            var received = HandleDatagram(now, aead, early.Path, datagram, plaintext);
            if (received.Kind == ReceivedKind.Payload)
            {
                length = received.Payload.Length;
                return true;
            }

            if (received.Kind == ReceivedKind.Unclaimed)
            {
                Drops.Add(received.DropReason);
            }
        }

        length = 0;
        return false;
    }

    private Received Drop(DropReason reason)
    {
        Drops.Add(reason);
        return Received.Drop(reason);
    }

    //= spec/mychips.md#transport-layout
    private Received HandleLettered(
        Instant now, PacketAead aead, scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram, Span<byte> plaintext)
    {
        var step = _options.Catalogue.StepOf(datagram, out var scheme);
        if (step != HandshakeStep.None)
        {
            return HandleStep(step, scheme!, path, datagram);
        }

        var overhead = Letters.OverheadOf(Letters.HeaderSize);
        if (!Letters.TryReadTransport(datagram, out var header) || datagram.Length < overhead)
        {
            return Drop(DropReason.TooShort);
        }

        return header.Counter.Value < SpecLimits.FirstDataCounter
            ? Drop(DropReason.ReservedCounter)
            : HandleTransport(now, aead, header, Letters.HeaderSize, path, datagram, plaintext[..(datagram.Length - overhead)]);
    }

    // The endpoint machine knows what a frame of the negotiation is about.
    private Received TooShort(scoped ReadOnlySpan<byte> datagram)
        => PsecFrame.IsFrame(datagram) ? Received.NotMine(DropReason.TooShort) : Drop(DropReason.TooShort);

    //= spec/sessions.md#address-bound
    //= spec/sessions.md#trial-bound
    private Received HandleTransport(
        Instant now, PacketAead aead, PacketHeader header, int headerSize, scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram, Span<byte> payload)
    {
        if (_state is ChannelState.ClosingLocally or ChannelState.Closed)
        {
            return Received.NotMine(DropReason.ChannelClosed);
        }

        var reason = DropReason.None;
        var last = _lastOpened;
        if (last is not null && TryOpen(now, aead, last, header, headerSize, path, datagram, payload, ref reason))
        {
            return OnAuthentic(now, last, header.Counter, payload);
        }

        var sessions = _sessions.All;
        for (var i = sessions.Count - 1; i >= 0; i--)
        {
            var session = sessions[i];
            if (session != last && TryOpen(now, aead, session, header, headerSize, path, datagram, payload, ref reason))
            {
                _lastOpened = session;
                return OnAuthentic(now, session, header.Counter, payload);
            }
        }

        return Received.NotMine(reason == DropReason.None ? DropReason.NotAuthentic : reason);
    }

    private static bool TryOpen(
        Instant now, PacketAead aead, Session session, PacketHeader header, int headerSize, scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram,
        Span<byte> payload, ref DropReason reason)
    {
        if (session.ReceiveDirection != header.Direction || session.HeaderSize != headerSize || session.Path.Remote != path.Remote)
        {
            return false;
        }

        var outcome = session.TryOpen(now, aead, header.Counter, datagram, payload);

        // A failed tag says more than what the window of another session says.
        reason = reason == DropReason.NotAuthentic ? reason : outcome;
        return outcome == DropReason.None;
    }

    private Received OnAuthentic(Instant now, Session session, PacketCounter counter, Span<byte> payload)
    {
        if (counter.Value == SpecLimits.ClosingCounter)
        {
            OnPeerClosed(now, session);
            Settle(now);
            return Received.Of(ReceivedKind.Control);
        }

        var isData = !payload.IsEmpty;
        var waited = _liveness.IsWaiting;
        _liveness.OnAuthentic(now, isData);
        if (waited)
        {
            _timers.Clear(PeerTimer.DeadSession);
        }

        var settled = true;
        if (session.State is SessionState.Unconfirmed or SessionState.Presumed)
        {
            Confirm(now, session);
            settled = false;
        }

        if (session.IsOneOfMany && _sessions.ScheduleRetirement(session, now))
        {
            settled = false;
        }

        if (!isData)
        {
            if (!OnEmpty(now, session) && settled)
            {
                return Received.Nothing(ReceivedKind.Control);
            }

            Settle(now);
            return Received.Of(ReceivedKind.Control);
        }

        _statistics.AddReceived(payload.Length);
        if (_closesIdle)
        {
            _lastData = now;
        }

        var deadlineMoved = false;
        if (!session.RekeyScheduled && session.IsLive)
        {
            deadlineMoved = true;
            ScheduleRekey(session);
        }

        if (!MayBeReference && !_liveness.OwesReceipt && _state == ChannelState.Open)
        {
            deadlineMoved = true;
            _timers.Set(PeerTimer.Acknowledge, _liveness.ScheduleReceipt(now));
        }

        if (!settled)
        {
            Settle(now);
        }

        return Received.Deliver(payload, nothingPending: settled, deadlineMoved);
    }

    //= spec/p2pke.md#initiator-confirmed
    private void Confirm(Instant now, Session session)
    {
        var wasPresumed = session.State == SessionState.Presumed;
        session.Apply(SessionEvent.Authenticated);
        session.PendingFinish = 0;
        if (session is { Role: SessionRole.Initiator, Scheme.NeedsIntroduction: true })
        {
            _pass?.Dispose();
            _pass = null;
        }

        if (_finishings.Find(finishing => finishing.Session == session) is { } finished)
        {
            _finishings.Remove(finished);
            if (finished.OfNegotiation)
            {
                OnWon(session);
            }
            else if (session is { Role: SessionRole.Initiator, Scheme.AnswerProves: false })
            {
                // Other answers were taken beside this one, and each made a session that nobody has.
                EndHandshakes();
                EndOtherAnswers();
            }
        }

        if (!wasPresumed)
        {
            OnConfirmed(now, session);
        }
    }

    /// <returns>False when it changed nothing: it was a receipt.</returns>
    //= spec/sessions.md#empty-is-control
    private bool OnEmpty(Instant now, Session session)
    {
        var isNews = MayBeReference;
        MayBeReference = false;
        if (session is { Role: SessionRole.Initiator, Scheme.FinishLeavesOpen: true } && _queue.Count == 0 && now < session.Begun + SpecLimits.DialDeadline)
        {
            session.PendingEmpty = true;
            isNews = true;
        }

        //= spec/p2pke.md#initiator-empty
        if (session is { Role: SessionRole.Initiator, EmptyAnswered: false, Agreement: null, Scheme.HasReference: true })
        {
            session.EmptyAnswered = true;
            session.PendingEmpty = true;
            isNews = true;
        }

        return isNews;
    }

    private Received HandleHandshake(PacketHeader header, scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram)
    {
        var step = _options.Catalogue.StepOf(datagram, out var scheme);
        if (step == HandshakeStep.None)
        {
            return Drop(_options.Catalogue.ReasonFor(header.Counter));
        }

        return HandleStep(step, scheme!, path, datagram);
    }

    private Received HandleStep(HandshakeStep step, Scheme scheme, scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram)
    {
        if (scheme.CheckLength(step, datagram.Length) is var length && length != DropReason.None)
        {
            return Drop(length);
        }

        return step switch
        {
            HandshakeStep.Answer => HandleAnswer(path, datagram),
            HandshakeStep.First => HandleFirst(path, datagram),
            _ => HandleFinish(path, datagram),
        };
    }

    private Received HandleAnswer(scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram)
    {
        //= spec/p2pke.md#resp-hello-repeat
        foreach (var finishing in _finishings)
        {
            if (finishing is { IsOpen: true, NextCopy: not null } && finishing.Session.Path.Remote == path.Remote && datagram.SequenceEqual(finishing.Answer))
            {
                finishing.Session.PendingFinish = Math.Min(finishing.Session.PendingFinish + 1, MaxPendingCopies);
                _statistics.AddCachedAnswer();
                return Received.Of(ReceivedKind.CachedAnswer);
            }
        }

        List<AnswerCandidate>? candidates = null;
        Scheme? scheme = null;
        var reason = DropReason.NoHandshake;
        if (_sessions.Unconfirmed < ImplementationLimits.AnswersPerFirstMessage)
        {
            foreach (var attempt in _attempts)
            {
                if (attempt.Path.Remote != path.Remote || attempt.Scheme.StepOf(datagram) != HandshakeStep.Answer || scheme?.SharesFormWith(attempt.Scheme) == false)
                {
                    continue;
                }

                // One whose first message is being made waits for nothing yet.
                reason = attempt.FirstSentAt is null ? DropReason.NoHandshake : attempt.Scheme.CheckAnswer(_context, attempt.FirstMessage, datagram);
                if (reason != DropReason.None)
                {
                    continue;
                }

                reason = attempt.TryBeginCheck(datagram, out var candidate);
                if (reason == DropReason.None)
                {
                    scheme = attempt.Scheme;
                    (candidates ??= []).Add(candidate);
                }
            }
        }

        if (candidates is null)
        {
            return Received.NotMine(reason);
        }

        _work.Enqueue(scheme!.BeginCheck(_context, candidates, datagram.ToArray(), path, _options.RemotePeer));
        return Received.Of(ReceivedKind.Handshake);
    }

    //= spec/p2pke.md#init-hello-completed
    private Received HandleFirst(scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram)
    {
        foreach (var session in _sessions.All)
        {
            if (session.Role == SessionRole.Responder && session.Path.Remote == path.Remote && datagram.SequenceEqual(session.FirstMessage))
            {
                return Drop(DropReason.NoHandshake);
            }
        }

        return Received.NotMine(DropReason.NoHandshake);
    }

    //= spec/p2pke.md#init-done-repeat
    private Received HandleFinish(scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram)
    {
        foreach (var session in _sessions.All)
        {
            if (session.Role == SessionRole.Responder && session.Path.Remote == path.Remote && session.IsLive && datagram.SequenceEqual(session.Finish))
            {
                session.PendingConfirmation = Math.Min(session.PendingConfirmation + 1, MaxPendingCopies);
                _statistics.AddCachedAnswer();
                return Received.Of(ReceivedKind.CachedAnswer);
            }
        }

        return Received.NotMine(DropReason.NoHandshake);
    }
}
