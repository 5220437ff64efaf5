using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;

namespace PacketSec.Protocol;

/// <content>Schemes whose responder keeps nothing until the finish has verified.</content>
public sealed partial class EndpointMachine
{
    // Filled and read within one call: what a stranger sends beyond his rate, or with a wrong cookie, is to cost nothing.
    private readonly List<Agreement?> _agreements = [];

    /// <summary>For tests: what is full or empty there.</summary>
    internal IEnumerable<StatelessResponder> StatelessResponders => _stateless.Values;

    private Outcome AnswerWithoutState(
        Instant now, scoped in PathAddress path, scoped ReadOnlySpan<byte> first, StatelessResponder responder, Agreement? agreement, WorkClass workClass)
    {
        var reason = responder.CheckFirst(first);
        if (reason == DropReason.None)
        {
            //= spec/secret-handshake.md#answer-rate
            reason = TryRate(now, path.Remote, workClass);
        }

        if (reason != DropReason.None)
        {
            return reason;
        }

        _workCounts[(int)workClass]++;
        _work.Enqueue(responder.BeginAnswer(now, path, first, agreement, workClass));
        if (agreement is not null)
        {
            OnFirstPacket(now, path.Remote, agreement);
        }

        return ReceivedKind.Handshake;
    }

    private Outcome FinishWithoutState(Instant now, scoped in PathAddress path, scoped ReadOnlySpan<byte> finish)
    {
        if (_closing)
        {
            return DropReason.EndpointClosing;
        }

        HandleTimeout(now);
        var route = _routes.Find(path.Remote);
        foreach (var (scheme, responder) in _stateless)
        {
            _agreements.Clear();
            if (scheme.StepOf(finish) == HandshakeStep.Finish)
            {
                CollectAgreements(path.Remote, route, scheme, _agreements);
            }

            if (_agreements.Count == 0)
            {
                continue;
            }

            var workClass = ClassOf(route?.HasSession == true, _negotiations.GetValueOrDefault(path.Remote));
            var reason = responder.TryBeginFinish(now, path, finish, _agreements, workClass, out var work);
            if (reason == DropReason.None)
            {
                reason = TryRate(now, path.Remote, workClass);
            }

            if (reason != DropReason.None)
            {
                work?.Dispose();
                return reason;
            }

            _workCounts[(int)workClass]++;
            _work.Enqueue(work!);
            return ReceivedKind.Handshake;
        }

        return DropReason.NoHandshake;
    }

    /// <summary>Spends a place of work and the network's rate.</summary>
    private DropReason TryRate(Instant now, in NetworkAddress remote, WorkClass workClass)
    {
        if (IsWorkFull(workClass))
        {
            return DropReason.WorkFull;
        }

        var isAdmitted = workClass == WorkClass.Channel ? TryChannelRate(now, remote) : LimiterOf(workClass).TryWork(remote, now);
        return isAdmitted ? DropReason.None : DropReason.PrefixRate;
    }

    private void OnAnswer(StatelessAnswerWork work)
    {
        if (work.Outcome != DropReason.None)
        {
            Drops.Add(work.Outcome);
        }
        else if (TrySpend(work.Path.Remote, work.Agreement, work.Answer.Length))
        {
            HandshakesBegun++;
            _transmits.Enqueue((work.Path, work.Answer));
        }
        else
        {
            Drops.Add(DropReason.Amplification);
        }
    }

    private void OnFinish(Instant now, StatelessFinishWork work)
    {
        var reason = work.Outcome;
        var peer = reason == DropReason.None ? PeerId.FromPublicKey(work.RemoteKey!, _options.Crypto) : null;
        if (reason == DropReason.None && work.Agreement?.ClaimedPeer is { } claimed && !claimed.Equals(peer))
        {
            reason = DropReason.KeyMismatch;
        }

        if (reason == DropReason.None && _closing)
        {
            reason = DropReason.EndpointClosing;
        }

        var remote = work.Path.Remote;
        var ticket = default(Routing.PrefixLimiter.Ticket);
        if (reason == DropReason.None)
        {
            reason = TryPlaceFinished(now, remote, work.WorkClass, out ticket);
        }

        if (reason == DropReason.None && (reason = _stateless[work.Scheme].TryReserve(now, work.Ticket)) != DropReason.None)
        {
            ticket.Return();
        }

        if (reason != DropReason.None)
        {
            Drops.Add(reason);
            return;
        }

        var handshake = Open(work.Scheme, work.Path, [], now, work.WorkClass, ticket);
        handshake.OnVerified(work, peer!);
        Judge(now, handshake, _options.AskApplication);
    }

    private DropReason TryPlaceFinished(Instant now, in NetworkAddress remote, WorkClass workClass, out Routing.PrefixLimiter.Ticket ticket)
    {
        ticket = default;
        if (_halfOpen.TryGetValue(remote, out var address) && address.Handshakes.Count >= ImplementationLimits.HandshakesPerAddress)
        {
            return DropReason.AddressHandshakesFull;
        }

        if (workClass == WorkClass.Channel)
        {
            return DropReason.None;
        }

        return _handshakeCounts[(int)workClass] >= ImplementationLimits.Handshakes ? DropReason.HandshakesFull
            : LimiterOf(workClass).TryOpen(remote, now, out ticket) ? DropReason.None : DropReason.PrefixHandshakesFull;
    }
}
