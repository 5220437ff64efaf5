using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips;

namespace PacketSec.Protocol;

/// <content>Answers to strangers, and their finishes.</content>
public sealed partial class EndpointMachine
{
    private static readonly List<ResponderHandshake> None = [];

    private Received HandleFinish(Instant now, scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram)
    {
        _halfOpen.TryGetValue(path.Remote, out var address);
        List<(long Id, PendingKeys Keys)>? candidates = null;
        Scheme? scheme = null;
        foreach (var handshake in address?.Handshakes ?? None)
        {
            if (handshake.State == ResponderState.Refused && datagram.SequenceEqual(handshake.Finish))
            {
                //= spec/sessions.md#refusal
                CachedAnswers++;
                _transmits.Enqueue((handshake.Path, handshake.Refusal));
                return Received.Of(ReceivedKind.CachedAnswer);
            }

            if (handshake.State == ResponderState.Answered && handshake.Scheme.StepOf(datagram) == HandshakeStep.Finish
                && scheme?.SharesFormWith(handshake.Scheme) != false)
            {
                scheme = handshake.Scheme;
                (candidates ??= []).Add((handshake.Id, handshake.Keys));
            }
        }

        if (candidates is null)
        {
            return Count(FinishWithoutState(now, path, datagram));
        }

        var workClass = ClassOf(_routes.Find(path.Remote)?.HasSession == true, _negotiations.GetValueOrDefault(path.Remote));
        if (IsWorkFull(workClass) || address!.FinishesInWork >= ImplementationLimits.HandshakesPerAddress)
        {
            return Drop(DropReason.WorkFull);
        }

        address.FinishesInWork++;
        _workCounts[(int)workClass]++;
        var keys = candidates.Select(candidate => (candidate.Id, candidate.Keys.Copy())).ToArray();
        _work.Enqueue(scheme!.BeginFinish(_context, path, datagram.ToArray(), keys, address.Id, workClass));
        return Received.Of(ReceivedKind.Handshake);
    }

    private void OnAnswer(Instant now, AnswerWork work)
    {
        if (!_handshakes.TryGetValue(work.AttemptId, out var handshake))
        {
            Drops.Add(DropReason.NoHandshake);
            return;
        }

        if (work.Outcome != DropReason.None)
        {
            Drops.Add(work.Outcome);
            handshake.Apply(SiteEvent.Unverified);
            Remove(handshake);
            return;
        }

        HandshakesBegun++;
        handshake.OnAnswered(work, work.RemoteKey is null ? null : PeerId.FromPublicKey(work.RemoteKey, _options.Crypto));
        if (handshake.Scheme.AsksBeforeAnswer)
        {
            OnVerifiedFirst(now, handshake);
        }
        else
        {
            SendAnswers(handshake);
        }
    }

    private void SendAnswers(ResponderHandshake handshake)
    {
        //= spec/sessions.md#unvalidated-answer
        for (var i = 0; i <= handshake.WaitingCopies; i++)
        {
            if (TrySpend(handshake.Path.Remote, handshake.Agreement, handshake.Answer.Length))
            {
                _transmits.Enqueue((handshake.Path, handshake.Answer));
            }
            else
            {
                Drops.Add(DropReason.Amplification);
            }
        }
    }

    private void OnFinish(Instant now, FinishWork work)
    {
        // The address may have become another entry since, with a count of its own.
        if (_halfOpen.TryGetValue(work.Path.Remote, out var address) && address.Id == work.AttemptId)
        {
            address.FinishesInWork--;
        }

        var handshake = _handshakes.GetValueOrDefault(work.MatchedId);
        if (work.Outcome != DropReason.None)
        {
            //= spec/p2pke.md#init-done-tag
            Drops.Add(work.Outcome);
            if (handshake is { State: ResponderState.Answered })
            {
                Remove(handshake);
            }

            return;
        }

        if (handshake is not { State: ResponderState.Answered } || !handshake.Apply(SiteEvent.TransportOpened))
        {
            Drops.Add(DropReason.NoHandshake);
            return;
        }

        var peer = PeerId.FromPublicKey(work.RemoteKey!, _options.Crypto);

        //= spec/psec.md#claimed-id
        if (handshake.Agreement?.ClaimedPeer is { } claimed && !claimed.Equals(peer))
        {
            Drops.Add(DropReason.KeyMismatch);
            Remove(handshake);
            return;
        }

        handshake.OnVerified(work, peer);
        OnFirstTransport(now, handshake);
        Judge(now, handshake, _options.AskApplication);
    }
}
