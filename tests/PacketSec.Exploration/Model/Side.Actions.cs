using PacketSec.Protocol.Negotiation;

namespace PacketSec.Exploration.Model;

/// <content>What the application and the clock do, and what the negotiator asks for.</content>
internal sealed partial class Side
{
    private const int SessionsKept = 3;

    /// <summary>Takes what happens.</summary>
    public void Take(Effects effects, Move move)
    {
        // The source of randomness, which all states share, learns whose draw comes next.
        _place.Draw(_attempts + (move.Kind == StepKind.Connect ? 1 : 0));
        switch (move.Kind)
        {
            case StepKind.Deliver:
                Receive(effects, move.Packet!);
                break;
            case StepKind.Timer:
                Advance(effects, move.Intervals);
                break;
            case StepKind.Connect:
                Connect(effects);
                break;
            default:
                Cancel(effects);
                break;
        }
    }

    /// <summary>Begins an attempt.</summary>
    private void Connect(Effects effects)
    {
        _attempts++;
        if (_place.Party.DialsDirect)
        {
            _dialsDirect = true;
            Begin(effects, null);
            return;
        }

        _negotiator.Propose(Now, _place.Path, _place.Peer, _place.Options, Now + _place.Attempt);
        Serve(effects);
    }

    /// <summary>Gives the attempt up.</summary>
    // spec/psec.md#cancel
    private void Cancel(Effects effects)
    {
        _negotiator.Withdraw();
        foreach (var session in _unconfirmed)
        {
            effects.Send(Packet.OfTerm(PacketKind.Closing, session.Keys));
        }

        _unconfirmed = [];
        _waiting = [];
        _dialsDirect = false;
        EndAttempt();
        Serve(effects);
    }

    /// <summary>Lets time pass on this side, and does what is due.</summary>
    private void Advance(Effects effects, long intervals)
    {
        _clock += intervals;
        for (var i = 0; _negotiator.NextDeadline <= Now; i++)
        {
            if (i == 10)
            {
                throw new InvalidOperationException("A deadline of the negotiator does not move on.");
            }

            _negotiator.HandleTimeout(Now);
            Serve(effects);
        }

        if (Array.Exists(_waiting, waiting => waiting.Agreement is null && waiting.Deadline <= _clock))
        {
            _waiting = Array.FindAll(_waiting, waiting => waiting.Agreement is not null);
            FailDirect(effects);
        }

        _pending = Array.FindAll(_pending, pending => pending.ForgetAt > _clock);
        if (Array.Exists(_unconfirmed, session => session.Deadline <= _clock))
        {
            FailDirect(effects);
            _unconfirmed = Array.FindAll(_unconfirmed, session => session.Deadline > _clock);
        }

        foreach (var waiting in _waiting)
        {
            if (waiting.IsDue && waiting.ResendAt <= _clock)
            {
                Replace(ref _waiting, waiting, waiting with { ResendAt = _clock + 1 });
                if (Weakness != Weakness.FirstOnce)
                {
                    effects.Send(Packet.OfTerm(PacketKind.First, waiting.Keys));
                }
            }
        }

        foreach (var session in _unconfirmed)
        {
            if (session.Repeats && session.ResendAt <= _clock)
            {
                Replace(ref _unconfirmed, session, session with { ResendAt = _clock + 1 });
                if (Weakness != Weakness.FinishOnce)
                {
                    effects.Send(Packet.OfTerm(PacketKind.Finish, session.Keys, Index));
                }
            }
        }
    }

    private static void Replace<T>(ref T[] array, T old, T @new)
        where T : class
    {
        array = Array.ConvertAll(array, element => ReferenceEquals(element, old) ? @new : element);
    }

    /// <summary>Does what the negotiator asks for until it asks for nothing more.</summary>
    private void Serve(Effects effects)
    {
        while (true)
        {
            if (_negotiator.TryPollFrame(out var frame))
            {
                effects.Send(Packet.OfFrame(frame));
            }
            else if (_negotiator.TryPollReport(out var report))
            {
                Serve(effects, report);
            }
            else
            {
                return;
            }
        }
    }

    private void Serve(Effects effects, NegotiationReport report)
    {
        switch (report)
        {
            case NegotiationReport.Begin { Agreement: var agreement, Embed: true }:
                var keys = Begin(effects, agreement, isSent: false);
                _embedded = keys.Initiator;
                _negotiator.TakeFirstPacket(Now, agreement, Packet.ToFirstPacket(keys));
                break;
            case NegotiationReport.Begin { Agreement: var agreement }:
                if (agreement.Case == NegotiationCase.Standard || !(_standardOnly || IsInverted))
                {
                    Begin(effects, agreement);
                }

                break;
            case NegotiationReport.Repeat { Agreement: var agreement } when Weakness != Weakness.NoRepeat:
                Repeat(effects, agreement);
                break;
            case NegotiationReport.Over { Outcome: NegotiationOutcome.WonByPeer }:
                EndAttempt();
                break;
            case NegotiationReport.Over:
                Fail(effects);
                break;
        }
    }

    // spec/psec.md#newest
    private Keys Begin(Effects effects, Agreement? agreement, bool isSent = true)
    {
        var name = NameOf(agreement);
        var keys = new Keys(Mixed(name), effects.Fresh(Mixer.Name((ulong)Index, name, 1)), 0);
        _waiting =
        [
            .. Array.FindAll(_waiting, waiting => waiting.Agreement?.Case != agreement?.Case),
            new(agreement, keys, isSent, _clock + 1, 0, agreement is null ? _clock + _place.Configuration.Attempt : ToUnits(_negotiator.Own!.Deadline)),
        ];
        if (Weakness == Weakness.FinishTakenBack)
        {
            _unconfirmed = Array.FindAll(_unconfirmed, session => session.Agreement?.Case != agreement?.Case);
        }

        if (isSent)
        {
            effects.Send(Packet.OfTerm(PacketKind.First, keys));
        }

        return keys;
    }

    private void Repeat(Effects effects, Agreement agreement)
    {
        if (Array.Find(_waiting, waiting => agreement.Equals(waiting.Agreement)) is not { } found)
        {
            return;
        }

        if (!found.IsSent)
        {
            Replace(ref _waiting, found, found with { IsSent = true, ResendAt = _clock + 1 });
        }
        else if (found.Answers > 0 || agreement.Case == NegotiationCase.Simultaneous)
        {
            effects.Send(Packet.OfTerm(PacketKind.First, found.Keys));
        }
    }

    private void Fail(Effects effects)
    {
        effects.Expired = true;
        effects.Failed = true;
        _unconfirmed = Array.FindAll(_unconfirmed, session => session.Agreement is null);
        EndAttempt();
    }

    private void FailDirect(Effects effects)
    {
        effects.Expired = true;
        effects.Failed |= _dialsDirect;
        _dialsDirect = false;
    }

    /// <summary>What waits for an answer ends; a session whose finish was sent can still receive. Direct mode has no part in it.</summary>
    private void EndAttempt()
    {
        _waiting = Array.FindAll(_waiting, waiting => waiting.Agreement is null);
        _embedded = 0;
        _cookie = 0;
        _standardOnly = false;
        _unconfirmed = Weakness == Weakness.FinishTakenBack
            ? []
            : Array.ConvertAll(_unconfirmed, session => session is { Repeats: true, Agreement: not null } ? session with { Repeats = false } : session);
    }

    // spec/psec.md#one-wins
    private void Win(Effects effects, Established session)
    {
        _dialsDirect = false;
        _sessions = [.. _sessions.Length < SessionsKept ? _sessions : _sessions[1..], session];
        _unconfirmed = Array.FindAll(_unconfirmed, other => other.Keys != session.Keys);
        if (session.Agreement is not { } agreement)
        {
            return;
        }

        if (session.IsInitiator)
        {
            if (_negotiator.Own is not null)
            {
                _pending = Array.FindAll(_pending, pending => pending.Agreement is null);
                _negotiator.OnWonAsInitiator(Now, agreement);
            }

            EndAttempt();
        }
        else if (_negotiator.Knows(agreement))
        {
            _pending = Array.FindAll(_pending, pending => pending.Agreement is null);
            _negotiator.OnWonAsResponder(Now, agreement, _place.Peer);
        }

        Serve(effects);
    }

    private ulong NameOf(Agreement? agreement) => agreement is null ? _place.Direct : Place.ReadName(agreement.Transcript);

    private ulong Mixed(ulong transcript) => Weakness == Weakness.NoTranscript ? 0 : transcript;
}
