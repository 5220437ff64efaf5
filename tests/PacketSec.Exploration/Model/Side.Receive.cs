using System.Globalization;
using System.Text;
using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;

namespace PacketSec.Exploration.Model;

/// <content>What packets do.</content>
internal sealed partial class Side
{
    private bool IsInverted => Weakness == Weakness.TieBreakInverted && Index == 0;

    private void Receive(Effects effects, Packet packet)
    {
        switch (packet.Kind)
        {
            case PacketKind.Proposal:
                HandleProposal(effects, packet);
                break;
            case PacketKind.Accept:
                HandleAccept(effects, packet);
                break;
            case PacketKind.Reject:
                _negotiator.HandleReject(Now);
                break;
            case PacketKind.First:
                HandleFirst(effects, packet.Keys);
                break;
            case PacketKind.Answer:
                HandleAnswer(effects, packet);
                break;
            case PacketKind.Finish:
                HandleFinish(effects, packet);
                break;
            case PacketKind.Confirm:
                HandleConfirm(effects, packet.Keys);
                break;
            case PacketKind.Closing:
                HandleClosing(packet.Keys);
                break;
        }

        Serve(effects);
    }

    /// <summary>The cookie of a proposal: a name that only this side can make.</summary>
    private string CookieOf(byte[] digest)
        => PsecFrame.RetryPrefix + Encoding.UTF8.GetString(RetryCookies.NameOf(digest)) + Mixer.Name((ulong)Index, Place.ReadName(digest), 3).ToString("x16", CultureInfo.InvariantCulture);

    private void HandleProposal(Effects effects, Packet packet)
    {
        WireMessage.TryRead<ProposalFrame>(packet.Frame, out var frame);
        var proposal = _negotiator.Look(frame);
        if (NeedsCookie(proposal))
        {
            if (proposal.TakesRetry)
            {
                effects.Send(Packet.OfFrame(ToAccept(CookieOf(proposal.Digest))));
            }

            return;
        }

        _negotiator.Take(Now, proposal, out var answer);
        if (answer.Length > 0 && !(proposal.Kind == ProposalKind.Copy && Weakness == Weakness.AcceptOnce))
        {
            effects.Send(Packet.OfFrame(answer));
        }

        if (IsInverted && proposal.Kind == ProposalKind.Simultaneous && !proposal.WeLead && _negotiator.Remotes is [.., var newest])
        {
            Begin(effects, newest.Agreement);
        }

        Serve(effects);
        if (!frame.FirstPacket.IsEmpty && FindAccepted(proposal) is { } accepted && NameOf(accepted.Agreement) == packet.Keys.Transcript)
        {
            HandleFirst(effects, packet.Keys);
        }
    }

    // spec/psec.md#live-rate
    // spec/psec.md#cookie-admission
    // spec/psec.md#hiding-cookie
    private bool NeedsCookie(ReceivedProposal proposal)
        => (_place.Party.IsBusy || _place.Party.Hidden) && proposal is { Kind: ProposalKind.Standard, Scheme: not null } && !Wants && _sessions.Length == 0
            && PsecFrame.RetryPrefix + Encoding.UTF8.GetString(proposal.Cookie) != CookieOf(proposal.Digest);

    // spec/psec.md#embed-use
    private RemoteProposal? FindAccepted(ReceivedProposal proposal)
    {
        foreach (var remote in _negotiator.Remotes)
        {
            if (remote.IsAccepted && remote.Agreement.Scheme == proposal.Schemes[0] && remote.Digest.AsSpan().SequenceEqual(proposal.Digest))
            {
                return remote;
            }
        }

        return null;
    }

    private static byte[] ToAccept(string text)
    {
        var accept = new AcceptFrame(PsecFrame.ToBytes(text));
        var frame = new byte[accept.EncodedLength];
        WireMessage.Write(accept, frame);
        return frame;
    }

    private void HandleAccept(Effects effects, Packet packet)
    {
        WireMessage.TryRead<AcceptFrame>(packet.Frame, out var frame);
        var retries = _negotiator.Own?.Retries;
        var reason = _negotiator.HandleAccept(Now, frame);
        if (_negotiator.Own is { } own && own.Retries != retries)
        {
            _cookie = Packet.OfFrame(packet.Frame).Hash;
        }
        else if (reason == DropReason.None && Weakness == Weakness.AcceptDecides)
        {
            _standardOnly = true;
            _waiting = Array.FindAll(_waiting, waiting => waiting.Agreement?.Case != NegotiationCase.Simultaneous);
        }

        Serve(effects);
    }

    private void HandleFirst(Effects effects, Keys keys)
    {
        // spec/p2pke.md#init-hello-completed
        if (Array.Exists(_sessions, session => !session.IsInitiator && session.Keys.Initiator == keys.Initiator))
        {
            return;
        }

        var remote = FindResponder(keys.Transcript);
        if (remote is not null)
        {
            _negotiator.OnProgress(Now, remote);
        }

        // spec/p2pke.md#init-hello-repeat
        if (Array.Find(_pending, pending => pending.Keys.Initiator == keys.Initiator) is { } known)
        {
            if (Weakness != Weakness.AnswerOnce)
            {
                effects.Send(Packet.OfTerm(PacketKind.Answer, known.Keys, Index));
            }

            return;
        }

        var channel = Array.Find(_sessions, session => session.Keys.Transcript == keys.Transcript);
        if (remote is null && channel is null && !(_place.Party.ServesDirect && keys.Transcript == _place.Direct))
        {
            return;
        }

        var agreement = remote?.Agreement ?? channel?.Agreement;
        var complete = keys with { Responder = effects.Fresh(Mixer.Name((ulong)Index, keys.Initiator, 2, keys.Transcript)) };
        _pending =
        [
            .. _pending.Length < ImplementationLimits.HandshakesPerAddress ? _pending : _pending[1..],
            new(agreement, complete, _clock + _place.Forget, false),
        ];
        effects.Send(Packet.OfTerm(PacketKind.Answer, complete, Index));
    }

    private RemoteProposal? FindResponder(ulong tag)
    {
        foreach (var remote in _negotiator.Remotes)
        {
            var serves = remote.IsSimultaneous ? !_standardOnly && remote.WeLead == IsInverted : remote.IsAccepted;
            if (serves && Mixed(NameOf(remote.Agreement)) == tag)
            {
                return remote;
            }
        }

        return null;
    }

    private void HandleAnswer(Effects effects, Packet packet)
    {
        if (packet.By == Index)
        {
            return;
        }

        // spec/p2pke.md#resp-hello-repeat
        if (Array.Find(_unconfirmed, session => session.Keys == packet.Keys) is { } known)
        {
            if (known.Repeats && Weakness != Weakness.FinishOnce)
            {
                effects.Send(Packet.OfTerm(PacketKind.Finish, known.Keys, Index));
            }

            return;
        }

        var most = Weakness == Weakness.OneAnswer ? 1 : ImplementationLimits.AnswersPerFirstMessage;
        if (Array.Find(_waiting, waiting => waiting.Keys == packet.Keys with { Responder = 0 }) is not { } found || found.Answers == most)
        {
            return;
        }

        // spec/sessions.md#trial-bound
        if (_unconfirmed.Length >= ImplementationLimits.AnswersPerFirstMessage)
        {
            effects.Refused = true;
            return;
        }

        if (found.Agreement is null)
        {
            _waiting = Array.FindAll(_waiting, waiting => waiting != found);
        }
        else
        {
            Replace(ref _waiting, found, found with { Answers = found.Answers + 1 });
        }

        _unconfirmed = [.. _unconfirmed, new(found.Agreement, packet.Keys, true, _clock + 1, found.Deadline)];
        effects.Send(Packet.OfTerm(PacketKind.Finish, packet.Keys, Index));
        if (found.Agreement is not null)
        {
            _negotiator.OnAnswered(found.Agreement);
        }
    }

    private void HandleFinish(Effects effects, Packet packet)
    {
        // spec/p2pke.md#init-done-repeat
        if (Array.Exists(_sessions, session => !session.IsInitiator && session.Keys == packet.Keys))
        {
            if (Weakness != Weakness.ConfirmOnce)
            {
                effects.Send(Packet.OfTerm(PacketKind.Confirm, packet.Keys));
            }

            return;
        }

        if (Array.Find(_pending, pending => pending.Keys == packet.Keys) is not { } found)
        {
            return;
        }

        Win(effects, new(found.Agreement, found.Keys, IsInitiator: false));
        effects.Completed = true;
        effects.Send(Packet.OfTerm(PacketKind.Confirm, found.Keys));
        if (found.IsClosed)
        {
            HandleClosing(found.Keys);
        }
    }

    // spec/p2pke.md#initiator-confirmed
    private void HandleConfirm(Effects effects, Keys keys)
    {
        if (Array.Find(_unconfirmed, session => session.Keys == keys) is { } found)
        {
            Win(effects, new(found.Agreement, keys, IsInitiator: true));
        }
    }

    private void HandleClosing(Keys keys)
    {
        // Before the finish it is held as early data.
        if (Array.Find(_pending, pending => pending.Keys == keys) is { } pending)
        {
            Replace(ref _pending, pending, pending with { IsClosed = true });
        }
        else if (Array.Exists(_sessions, session => !session.IsInitiator && session.Keys == keys))
        {
            _sessions = Array.FindAll(_sessions, session => session.Keys != keys);
            if (_sessions.Length == 0)
            {
                _negotiator.ForgetWon();
            }
        }
    }
}
