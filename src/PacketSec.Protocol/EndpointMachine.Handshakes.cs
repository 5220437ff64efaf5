using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Routing;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol;

/// <content>Strangers: first messages, finishes, early data, and the decision.</content>
public sealed partial class EndpointMachine
{
    private const int MaxWaitingCopies = 4;

    private readonly Dictionary<long, PrefixLimiter.Ticket> _tickets = [];
    private readonly Dictionary<NetworkAddress, (long Second, int Count)> _channelRates = [];
    private readonly int[] _workCounts = new int[Enum.GetValues<WorkClass>().Length];
    private readonly int[] _handshakeCounts = new int[Enum.GetValues<WorkClass>().Length];

    /// <summary>Takes a datagram that no peer claimed: handshake messages, early data, and what strangers send.</summary>
    /// <param name="now">The time.</param>
    /// <param name="path">Where it came from and to.</param>
    /// <param name="datagram">The datagram.</param>
    public Received HandleDatagram(Instant now, scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram)
    {
        if (TryHandleFrame(now, path, datagram, out var outcome))
        {
            return Count(outcome);
        }

        if (!PacketHeader.TryRead(datagram, out var header))
        {
            return Drop(DropReason.TooShort);
        }

        if (header.Counter.Value >= SpecLimits.FirstDataCounter)
        {
            return HandleTransport(header, path, datagram);
        }

        var word = header.Word;
        if (!P2pkeScheme.IsHandshake(word))
        {
            return Drop(P2pkeScheme.ReasonFor(header.Counter));
        }

        if (P2pkeScheme.CheckLength(word, datagram.Length) is var length && length != DropReason.None)
        {
            return Drop(length);
        }

        return word switch
        {
            P2pkeScheme.InitHelloWord => Count(HandleInitHello(now, path, datagram, datagram.Length)),
            P2pkeScheme.InitDoneWord => HandleInitDone(path, datagram),
            _ => Drop(DropReason.NoHandshake),
        };
    }

    /// <summary>Forgets handshakes that came to nothing.</summary>
    /// <param name="now">The time.</param>
    public void HandleTimeout(Instant now)
    {
        while (_byAge.First?.Value is { } oldest && now >= oldest.ForgottenAt)
        {
            if (oldest.State == ResponderState.Deciding)
            {
                Refuse(oldest);
            }

            Remove(oldest);
        }

        HandleNegotiationTimeouts(now);
    }

    /// <summary>Takes completed work back.</summary>
    /// <param name="now">The time.</param>
    /// <param name="work">Work that <see cref="TryTakeWork"/> gave out and that has run.</param>
    public void Complete(Instant now, HandshakeWork work)
    {
        ArgumentNullException.ThrowIfNull(work);
        _workCounts[(int)work.WorkClass]--;
        using (work)
        {
            switch (work)
            {
                case InitHelloResponse response:
                    OnResponse(response);
                    break;
                case InitDoneWork finish:
                    OnFinish(now, finish);
                    break;
                default:
                    throw new ArgumentException("The work is not this machine's.", nameof(work));
            }
        }

        HandleTimeout(now);
    }

    private Received Drop(DropReason reason)
    {
        Drops.Add(reason);

        // A reject answers what is dropped, and what was due by time may have been done on the way.
        return Received.Drop(reason, nothingPending: _work.Count == 0 && _events.Count == 0 && _transmits.Count == 0);
    }

    private Received Count(Outcome outcome)
    {
        if (outcome.Reason != DropReason.None)
        {
            return Drop(outcome.Reason);
        }

        NegotiationFrames += outcome.Kind == ReceivedKind.Negotiation ? 1 : 0;
        return Received.Of(outcome.Kind);
    }

    //= spec/sessions.md#early-data-held
    private Received HandleTransport(PacketHeader header, scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < SpecLimits.DatagramOverhead)
        {
            return Drop(DropReason.TooShort);
        }

        if (!_halfOpen.TryGetValue(path.Remote, out var address) || header.Direction != Direction.InitiatorToResponder)
        {
            return Drop(_routes.Find(path.Remote) is null ? DropReason.UnknownAddress : DropReason.NotAuthentic);
        }

        address.Early ??= new EarlyData();
        if (_earlyBytes + datagram.Length > ImplementationLimits.EarlyBytesTotal || !address.Early.TryAdd(datagram))
        {
            return Drop(DropReason.EarlyDataFull);
        }

        address.EarlyBytes += datagram.Length;
        _earlyBytes += datagram.Length;
        return Received.Of(ReceivedKind.EarlyData);
    }

    private Outcome HandleInitHello(Instant now, scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram, int bytes)
    {
        if (_closing)
        {
            return DropReason.EndpointClosing;
        }

        var route = _routes.Find(path.Remote);
        if (!TryFindAgreement(now, path.Remote, route, datagram, out var agreement, out var reason))
        {
            return reason;
        }

        HandleTimeout(now);
        _halfOpen.TryGetValue(path.Remote, out var address);
        _negotiations.TryGetValue(path.Remote, out var negotiation);
        negotiation?.BytesReceived += bytes;

        //= spec/p2pke.md#init-hello-repeat
        if (Find(address, datagram) is { } known)
        {
            return Repeat(known);
        }

        route = _routes.Find(path.Remote);
        var isLive = route?.HasSession == true;
        reason = isLive ? CheckClaimant(route!, datagram) : DropReason.None;
        var workClass = ClassOf(isLive, negotiation);
        PrefixLimiter.Ticket ticket = default;
        if (reason == DropReason.None)
        {
            reason = Admit(now, path.Remote, address, workClass, out ticket);
        }

        if (reason != DropReason.None)
        {
            return reason;
        }

        if (!_halfOpen.TryGetValue(path.Remote, out address))
        {
            address = _halfOpen[path.Remote] = new AddressHandshakes(++_lastHandshake);
            SetRoute(path.Remote, (_routes.Find(path.Remote) ?? new RouteEntry([], true)) with { HalfOpen = true });
        }

        var handshake = new P2pkeResponder(++_lastHandshake, path, datagram.ToArray(), now, agreement, workClass);
        address.Handshakes.Add(handshake);
        _handshakes[handshake.Id] = handshake;
        _handshakeCounts[(int)workClass]++;
        _tickets[handshake.Id] = ticket;
        _byAge.AddLast(handshake.ByAge);
        _workCounts[(int)workClass]++;
        _work.Enqueue(new InitHelloResponse(_p2pke, handshake.InitHello, agreement) { AttemptId = handshake.Id, WorkClass = workClass });
        if (agreement is not null)
        {
            OnFirstPacket(now, path.Remote, agreement);
        }

        return ReceivedKind.Handshake;
    }

    /// <summary>Finds what a first message is bound to, by its tag; without one it is a message of direct mode, which must be served here.</summary>
    //= spec/psec.md#first-packet-tag
    private bool TryFindAgreement(
        Instant now, in NetworkAddress remote, RouteEntry? route, ReadOnlySpan<byte> initHello, out Agreement? agreement, out DropReason reason)
    {
        agreement = null;
        reason = DropReason.None;
        var tag = InitHelloResponse.ReadTag(initHello);
        if (!tag.IsEmpty)
        {
            HandleNegotiationTimeouts(now);
            agreement = FindAgreement(remote, route, tag);
            reason = agreement is null ? DropReason.UnknownTranscript : DropReason.None;
        }
        else if (_options.DirectScheme is null && !HasDirectPeer(remote, route))
        {
            reason = DropReason.NoDirectScheme;
        }

        return reason == DropReason.None;
    }

    private static P2pkeResponder? Find(AddressHandshakes? address, ReadOnlySpan<byte> initHello)
    {
        if (address is not null)
        {
            foreach (var handshake in address.Handshakes)
            {
                if (initHello.SequenceEqual(handshake.InitHello))
                {
                    return handshake;
                }
            }
        }

        return null;
    }

    private Outcome Repeat(P2pkeResponder handshake)
    {
        switch (handshake.State)
        {
            case ResponderState.Answered:
                return Answer(handshake) ? ReceivedKind.CachedAnswer : DropReason.Amplification;
            case ResponderState.Working when handshake.WaitingCopies < MaxWaitingCopies:
                CachedAnswers++;
                handshake.WaitingCopies++;
                return ReceivedKind.CachedAnswer;
            default:
                return DropReason.NoHandshake;
        }
    }

    private bool Answer(P2pkeResponder handshake)
    {
        if (!TrySpend(handshake.Path.Remote, handshake.Agreement, handshake.RespHello.Length))
        {
            return false;
        }

        CachedAnswers++;
        _transmits.Enqueue((handshake.Path, handshake.RespHello));
        return true;
    }

    //= spec/sessions.md#admission
    private DropReason Admit(Instant now, in NetworkAddress remote, AddressHandshakes? address, WorkClass workClass, out PrefixLimiter.Ticket ticket)
    {
        ticket = default;
        if (IsWorkFull(workClass))
        {
            return DropReason.WorkFull;
        }

        //= spec/sessions.md#limit-pending-address
        P2pkeResponder? displaced = null;
        if (address?.Handshakes.Count >= ImplementationLimits.HandshakesPerAddress)
        {
            displaced = address.Handshakes.Find(handshake => handshake.State is ResponderState.Answered or ResponderState.Refused);
            if (displaced is null)
            {
                return DropReason.AddressHandshakesFull;
            }
        }

        //= spec/sessions.md#rekey-admission
        if (workClass == WorkClass.Channel)
        {
            if (!TryChannelRate(now, remote))
            {
                return DropReason.PrefixRate;
            }
        }
        else if (_handshakeCounts[(int)workClass] - (displaced?.WorkClass == workClass ? 1 : 0) >= ImplementationLimits.Handshakes)
        {
            return DropReason.HandshakesFull;
        }
        else if (!LimiterOf(workClass).TryWork(remote, now))
        {
            return DropReason.PrefixRate;
        }
        else if (displaced?.WorkClass != workClass && !LimiterOf(workClass).TryOpen(remote, now, out ticket))
        {
            return DropReason.PrefixHandshakesFull;
        }

        if (displaced is not null)
        {
            if (workClass != WorkClass.Channel && displaced.WorkClass == workClass)
            {
                // The newcomer takes over the place among the network's handshakes.
                _tickets.Remove(displaced.Id, out ticket);
            }

            Remove(displaced);
        }

        return DropReason.None;
    }

    /// <summary>
    /// Looks at the claim of a first message from the address of a live session, before it counts: who does not even know the channel's
    /// identity cannot use up its allowance.
    /// </summary>
    //= spec/sessions.md#identity-address
    private DropReason CheckClaimant(RouteEntry route, ReadOnlySpan<byte> initHello)
    {
        var reason = InitHelloResponse.CheckForm(_p2pke, initHello[P2pkeScheme.MinInitHello..], out _, out var key);
        return reason == DropReason.None && route.IsHeldByAnother(PeerId.FromPublicKey(key!, _options.Crypto)) ? DropReason.AddressHeldByAnother : reason;
    }

    // Each class has as many places, so that a flood of the ones' work does not keep the others from renewing their sessions.
    private bool IsWorkFull(WorkClass workClass) => _workCounts[(int)workClass] >= ImplementationLimits.EndpointWork;

    private PrefixLimiter LimiterOf(WorkClass workClass) => workClass == WorkClass.Validated ? _validatedLimiter : _limiter;

    private bool TryChannelRate(Instant now, in NetworkAddress remote)
    {
        var second = now.Nanoseconds / 1_000_000_000;
        var rate = _channelRates.GetValueOrDefault(remote);
        rate = rate.Second == second ? rate : (second, 0);
        if (rate.Count >= ImplementationLimits.WorkPerChannelPerSecond)
        {
            return false;
        }

        if (_channelRates.Count >= ImplementationLimits.TrackedPrefixes)
        {
            // Only addresses with a live session are in it; a stale second says nothing any more.
            foreach (var (stale, _) in _channelRates.Where(entry => entry.Value.Second != second).ToArray())
            {
                _channelRates.Remove(stale);
            }
        }

        _channelRates[remote] = (second, rate.Count + 1);
        return true;
    }

    private Received HandleInitDone(scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram)
    {
        if (!_halfOpen.TryGetValue(path.Remote, out var address))
        {
            return Drop(DropReason.NoHandshake);
        }

        List<(long Id, ResponderKeys Keys)>? candidates = null;
        foreach (var handshake in address.Handshakes)
        {
            if (handshake.State == ResponderState.Refused && datagram.SequenceEqual(handshake.InitDone))
            {
                //= spec/sessions.md#refusal
                CachedAnswers++;
                _transmits.Enqueue((handshake.Path, handshake.Refusal));
                return Received.Of(ReceivedKind.CachedAnswer);
            }

            if (handshake.State == ResponderState.Answered)
            {
                (candidates ??= []).Add((handshake.Id, handshake.Keys));
            }
        }

        if (candidates is null)
        {
            return Drop(DropReason.NoHandshake);
        }

        var workClass = ClassOf(_routes.Find(path.Remote)?.HasSession == true, _negotiations.GetValueOrDefault(path.Remote));
        if (IsWorkFull(workClass) || address.FinishesInWork >= ImplementationLimits.HandshakesPerAddress)
        {
            return Drop(DropReason.WorkFull);
        }

        address.FinishesInWork++;
        _workCounts[(int)workClass]++;
        var keys = candidates.Select(candidate => (candidate.Id, candidate.Keys.Copy())).ToArray();
        _work.Enqueue(new InitDoneWork(_p2pke, path, datagram.ToArray(), keys) { AttemptId = address.Id, WorkClass = workClass });
        return Received.Of(ReceivedKind.Handshake);
    }

    private void OnResponse(InitHelloResponse work)
    {
        if (!_handshakes.TryGetValue(work.AttemptId, out var handshake))
        {
            Drops.Add(DropReason.NoHandshake);
            return;
        }

        if (work.Outcome != DropReason.None)
        {
            Drops.Add(work.Outcome);
            Remove(handshake);
            return;
        }

        HandshakesBegun++;
        handshake.OnAnswered(work);

        //= spec/sessions.md#unvalidated-answer
        for (var i = 0; i <= handshake.WaitingCopies; i++)
        {
            if (TrySpend(handshake.Path.Remote, handshake.Agreement, handshake.RespHello.Length))
            {
                _transmits.Enqueue((handshake.Path, handshake.RespHello));
            }
            else
            {
                Drops.Add(DropReason.Amplification);
            }
        }
    }

    private void OnFinish(Instant now, InitDoneWork work)
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

        if (handshake is not { State: ResponderState.Answered })
        {
            Drops.Add(DropReason.NoHandshake);
            return;
        }

        var peer = PeerId.FromPublicKey(handshake.Keys.ClaimedKey, _options.Crypto);

        //= spec/psec.md#claimed-id
        if (handshake.Agreement?.ClaimedPeer is { } claimed && !claimed.Equals(peer))
        {
            Drops.Add(DropReason.KeyMismatch);
            Remove(handshake);
            return;
        }

        handshake.OnVerified(work, peer);
        Judge(now, handshake, _options.AskApplication);
    }
}
