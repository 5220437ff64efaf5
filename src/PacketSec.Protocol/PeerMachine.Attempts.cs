using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Protocol;

/// <content>Handshakes of our own: dials in direct mode, rekeys, and what a negotiation asks for.</content>
public sealed partial class PeerMachine
{
    private static readonly TimeSpan MinFinishBurst = TimeSpan.FromMilliseconds(100);

    /// <summary>Gets the handshakes begun here that wait for an answer, or may take a further one.</summary>
    internal IReadOnlyList<Initiation> Attempts => _attempts;

    private Instant? HandshakeDeadline => Earliest(_attempts, attempt => attempt.AnswerBy) ?? _negotiating?.Deadline ?? Earliest(_finishings, finishing => finishing.Until);

    /// <summary>Carries <see cref="EndpointEvent.NegotiationReported"/> here.</summary>
    /// <param name="now">The time.</param>
    /// <param name="report">What the endpoint machine reports about the attempt of this peer.</param>
    public void HandleNegotiation(Instant now, NegotiationReport report)
    {
        if (_negotiating is { } negotiating && !IsClosing)
        {
            switch (report)
            {
                case NegotiationReport.Begin begin:
                    BeginHandshake(now, negotiating, begin);
                    break;
                case NegotiationReport.Repeat repeat:
                    _attempts.Find(attempt => repeat.Agreement.Equals(attempt.Agreement))?.Repeat(now, _options.Random, repeat.LeftOut);
                    break;
                case NegotiationReport.Over over:
                    OnNegotiationOver(now, over.Outcome);
                    break;
                default:
                    throw new ArgumentException("The report is of a kind that nobody handles.", nameof(report));
            }
        }

        Settle(now);
    }

    private void StartAttempt(Instant now, in PathAddress path, bool renews = false)
    {
        if (_attempts.Count > 0 || _negotiating is not null)
        {
            return;
        }

        if (_proposal is null)
        {
            StartHandshake(now, NewInitiation(now, _directScheme!, path, renews: renews));
        }
        else
        {
            _negotiating = new(path, now);
            Request(new NegotiationRequest.Propose(path, _proposal));
        }

        Settle(now);
    }

    private void Rekey(Instant now, in PathAddress path)
    {
        if (_newest?.Agreement is not { } agreement)
        {
            StartAttempt(now, path, renews: true);
            return;
        }

        StartHandshake(now, NewInitiation(now, _newest.Scheme, path, agreement, answerBy: now + SpecLimits.RekeyPatience, renews: true));
        Settle(now);
    }

    private Initiation NewInitiation(
        Instant now, Scheme scheme, in PathAddress path, Agreement? agreement = null, bool embed = false, Instant? deadline = null, Instant? answerBy = null,
        bool renews = false)
        => new(scheme, _context, _options.WallClock, RemotePeer, path, now, _rtt, ++_lastAttempt)
        {
            Agreement = agreement,
            Pass = renews ? null : _pass,
            IsRenewal = renews,
            Embedded = embed,
            Deadline = deadline ?? now + SpecLimits.DialDeadline,
            AnswerBy = answerBy ?? deadline ?? now + SpecLimits.DialDeadline,
        };

    //= spec/psec.md#newest
    private void BeginHandshake(Instant now, Negotiating negotiating, NegotiationReport.Begin begin)
    {
        for (var i = _attempts.Count - 1; i >= 0; i--)
        {
            if (_attempts[i].Agreement!.Case == begin.Agreement.Case)
            {
                _attempts[i].Dispose();
                _attempts.RemoveAt(i);
            }
        }

        var scheme = _options.Catalogue.Find(begin.Agreement.Scheme);
        StartHandshake(now, NewInitiation(now, scheme, negotiating.Path, begin.Agreement, begin.Embed, negotiating.Deadline));
    }

    private void StartHandshake(Instant now, Initiation attempt)
    {
        _attempts.Add(attempt);
        _work.Enqueue(attempt.BeginFirst(now));
    }

    private void OfferFirstPacket(Initiation attempt)
    {
        if (attempt is { Embedded: true, Agreement: { } agreement })
        {
            Request(new NegotiationRequest.FirstPacketMade(attempt.Path.Remote, agreement, attempt.FirstMessage.ToArray()));
        }
    }

    private void Request(NegotiationRequest request) => _events.Enqueue(new PeerEvent.NegotiationRequested(request));

    /// <summary>Gives up what waits for an answer. A session whose finish was sent stays: the other side may have it.</summary>
    private void EndAttempt()
    {
        if (_negotiating is { } negotiating)
        {
            Request(new NegotiationRequest.Withdraw(negotiating.Path.Remote));
        }

        EndHandshakes();
    }

    private void EndHandshakes()
    {
        foreach (var attempt in _attempts)
        {
            attempt.Dispose();
        }

        _attempts.Clear();
        _negotiating = null;
    }

    /// <summary>No answer came in time: a negotiated channel starts over, for the other side may have lost what the rekey is bound to.</summary>
    //= spec/psec.md#start-over
    private void OnUnanswered(Instant now, Initiation attempt)
    {
        EndHandshakes();
        if (attempt.Agreement is null)
        {
            OnAttemptFailed(now);
        }
        else
        {
            StartAttempt(now, attempt.Path);
        }
    }

    //= spec/psec.md#one-wins
    private void OnWon(Session session)
    {
        EndOtherAnswers();
        if (_negotiating is { } negotiating)
        {
            Request(new NegotiationRequest.Won(negotiating.Path.Remote, session.Agreement!));
            EndHandshakes();
        }

        SilenceFinishes();
    }

    private void OnNegotiationOver(Instant now, NegotiationOutcome outcome)
    {
        EndHandshakes();
        if (outcome == NegotiationOutcome.WonByPeer)
        {
            SilenceFinishes();
            return;
        }

        foreach (var finishing in _finishings.Where(finishing => finishing.OfNegotiation).ToArray())
        {
            GiveUp(finishing);
        }

        OnAttemptFailed(now, outcome == NegotiationOutcome.NoCommonScheme ? CloseReason.NoCommonScheme : CloseReason.TimedOut);
    }

    /// <summary>Stops repeating finishes: the attempt is won, but who got one of them may believe in its session.</summary>
    private void SilenceFinishes()
    {
        foreach (var finishing in _finishings.Where(finishing => finishing.OfNegotiation && finishing.Session.Role == SessionRole.Initiator))
        {
            finishing.NextCopy = null;
            finishing.Session.PendingFinish = 0;
        }
    }

    /// <summary>Ends what was made of other answers, where their responder believes in none before the first packet on it.</summary>
    //= spec/secret-handshake.md#kept-alone
    private void EndOtherAnswers()
    {
        for (var i = _finishings.Count - 1; i >= 0; i--)
        {
            if (_finishings[i].Session is { Role: SessionRole.Initiator, Scheme.FinishLeavesOpen: true })
            {
                GiveUp(_finishings[i]);
            }
        }
    }

    private void OnChecked(Instant now, AnswerCheckWork work)
    {
        foreach (var candidate in work.Candidates)
        {
            _attempts.Find(attempt => attempt.Id == candidate.AttemptId)?.EndCheck(candidate.Generation);
        }

        var isMatched = work.Matched.Noise is not null;
        var attempt = isMatched ? Find(work.Matched) : work.Candidates.Select(Find).FirstOrDefault(found => found is not null);
        if (IsClosing || attempt is null || (isMatched && attempt.HasAccepted(work.Answer)))
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

        //= spec/psec.md#claimed-id
        if (attempt.Agreement?.ClaimedPeer is { } claimed && !claimed.Equals(work.RemotePeer))
        {
            Drops.Add(DropReason.KeyMismatch);
            return;
        }

        var isOfNegotiation = _negotiating is not null;
        var session = AddSession(attempt.ToSession(now, work, _options.Random));
        _rtt = now - attempt.FirstSentAt!.Value;
        if (attempt.Scheme.AnswerProves)
        {
            if (isOfNegotiation)
            {
                Request(new NegotiationRequest.Answered(attempt.Path.Remote, attempt.Agreement!));
            }
            else
            {
                EndHandshakes();
            }
        }

        // One that only repeats itself for a session presumed confirmed has had its time.
        _finishings.RemoveAll(finishing => finishing is { IsOpen: false, OfNegotiation: false, Session.Role: SessionRole.Initiator });
        session.PendingFinish = 1;
        session.FinishCopies = 1;
        var burst = _rtt * 2 > MinFinishBurst ? _rtt.Value * 2 : MinFinishBurst;
        _finishings.Add(new(session, work.Answer, burst, attempt.Deadline, isOfNegotiation)
        {
            NextCopy = now + (MayBeReference ? burst / 2 : Jitter.Lengthen(Initiation.FirstResend, _options.Random)),
        });
        if (session.Scheme.AnswerConfirms && session.Apply(SessionEvent.AnswerConfirmed))
        {
            OnConfirmed(now, session);
        }
    }

    /// <summary>Finds the attempt whose latest first message a candidate is.</summary>
    private Initiation? Find(AnswerCandidate candidate)
        => _attempts.Find(attempt => attempt.Id == candidate.AttemptId && attempt.Generation == candidate.Generation);

    //= spec/p2pke.md#resp-hello-identity
    //= spec/sessions.md#identity-change
    private void OnMismatch(Instant now, AnswerCheckWork work)
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
            var wasOpen = finishing.IsOpen;
            GiveUp(finishing);
            if (session.Role == SessionRole.Responder)
            {
                OnUnproven();
            }
            else if (wasOpen)
            {
                //= spec/p2pke.md#dial-deadline
                OnAttemptFailed(now);
            }

            return;
        }

        if (finishing.NextCopy is null || now < finishing.NextCopy)
        {
            return;
        }

        session.FinishCopies++;
        if (session.Role == SessionRole.Responder)
        {
            session.PendingEmpty = true;
            finishing.NextCopy = now + Jitter.Lengthen(Initiation.Resend, _options.Random);
            return;
        }

        session.PendingFinish = Math.Max(session.PendingFinish, 1);

        //= spec/p2pke.md#direct-hold
        if (MayBeReference && session.FinishCopies == 3 && session.Apply(SessionEvent.FinishRepeated))
        {
            OnConfirmed(now, session);
        }

        finishing.NextCopy = now + (MayBeReference && session.FinishCopies < 3
            ? finishing.Burst / 2
            : Jitter.Lengthen(Initiation.Resend, _options.Random));
    }

    /// <summary>Ends the repetition, and the session where nothing confirmed it.</summary>
    private void GiveUp(Finishing finishing)
    {
        _finishings.Remove(finishing);
        if (finishing.Session.State == SessionState.Unconfirmed)
        {
            _sessions.End(finishing.Session);
            _events.Enqueue(new PeerEvent.SessionEnded(finishing.Session.Number));
        }
    }

    /// <summary>A negotiation of ours, which the endpoint machine carries on.</summary>
    private sealed record Negotiating(PathAddress Path, Instant Started)
    {
        public Instant Deadline => Started + SpecLimits.DialDeadline;
    }

    /// <summary>The repetition of a finish, or of a responder's empty packet, until something confirms it.</summary>
    private sealed class Finishing(Session session, byte[] answer, TimeSpan burst, Instant until, bool ofNegotiation)
    {
        public Session Session => session;

        public ReadOnlySpan<byte> Answer => answer;

        /// <summary>Gets the time over which a peer that may be the reference gets three copies.</summary>
        public TimeSpan Burst => burst;

        public Instant Until => until;

        /// <summary>Gets a value indicating whether its confirmation wins a negotiation.</summary>
        public bool OfNegotiation => ofNegotiation;

        /// <summary>Gets a value indicating whether the handshake is still to be confirmed by the peer.</summary>
        public bool IsOpen => session is { State: SessionState.Unconfirmed, Role: SessionRole.Initiator } && NextCopy is not null;

        /// <summary>Gets or sets when the finish is sent again; null when it is not.</summary>
        public Instant? NextCopy { get; set; }
    }
}
