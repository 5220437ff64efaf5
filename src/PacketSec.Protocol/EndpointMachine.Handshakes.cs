using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Routing;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips;
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

        if (Letters.Leads(datagram) && SpeaksLetters(path.Remote))
        {
            return HandleLettered(now, path, datagram);
        }

        if (!PacketHeader.TryRead(datagram, out var header))
        {
            return Drop(DropReason.TooShort);
        }

        if (header.Counter.Value >= SpecLimits.FirstDataCounter)
        {
            return HandleTransport(header, SpecLimits.HeaderSize, path, datagram);
        }

        var step = _options.Catalogue.StepOf(datagram, out var scheme);
        if (step == HandshakeStep.None)
        {
            return Drop(_options.Catalogue.ReasonFor(header.Counter));
        }

        return HandleStep(now, path, datagram, step, scheme!);
    }

    private Received HandleStep(Instant now, scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram, HandshakeStep step, Scheme scheme)
    {
        if (scheme.CheckLength(step, datagram.Length) is var length && length != DropReason.None)
        {
            return Drop(length);
        }

        return step switch
        {
            HandshakeStep.First => Count(HandleFirst(now, path, datagram, datagram.Length)),
            HandshakeStep.Finish => HandleFinish(now, path, datagram),
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
            else if (oldest.State == ResponderState.Asking)
            {
                Drops.Add(DropReason.Refused);
            }

            Remove(oldest);
        }

        foreach (var responder in _stateless.Values)
        {
            responder.HandleTimeout(now);
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
                case AnswerWork answer:
                    OnAnswer(now, answer);
                    break;
                case StatelessAnswerWork answer:
                    OnAnswer(answer);
                    break;
                case StatelessFinishWork finish:
                    OnFinish(now, finish);
                    break;
                case FinishWork finish:
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
    private Received HandleTransport(PacketHeader header, int headerSize, scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < Letters.OverheadOf(headerSize))
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

    private Outcome HandleFirst(Instant now, scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram, int bytes)
    {
        if (_closing)
        {
            return DropReason.EndpointClosing;
        }

        var route = _routes.Find(path.Remote);
        var reason = FindScheme(now, path.Remote, route, datagram, out var scheme, out var agreement);
        if (reason != DropReason.None)
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
        var workClass = ClassOf(isLive, negotiation);
        if (_stateless.TryGetValue(scheme!, out var stateless))
        {
            return AnswerWithoutState(now, path, datagram, stateless, agreement, workClass);
        }

        reason = isLive ? CheckClaimant(scheme!, route!, datagram) : DropReason.None;
        PrefixLimiter.Ticket ticket = default;
        if (reason == DropReason.None)
        {
            reason = Admit(now, path.Remote, address, workClass, out ticket);
        }

        if (reason != DropReason.None)
        {
            return reason;
        }

        var handshake = Open(scheme!, path, datagram.ToArray(), now, workClass, ticket);
        handshake.Agreement = agreement;
        _workCounts[(int)workClass]++;
        IReadOnlyList<Agreement?> agreements = scheme!.TagsFirst ? [agreement] : FindAgreements(path.Remote, route, scheme);
        var identities = scheme.AsksBeforeAnswer ? KnownAt(route) : [];
        _work.Enqueue(scheme.BeginAnswer(_context, new(handshake.Id, handshake.FirstMessage, agreements, workClass) { Known = identities }));
        if (agreement is not null)
        {
            OnFirstPacket(now, path.Remote, agreement);
        }

        return ReceivedKind.Handshake;
    }

    private ResponderHandshake Open(
        Scheme scheme, in PathAddress path, byte[] firstMessage, Instant begun, WorkClass workClass, PrefixLimiter.Ticket ticket)
    {
        if (!_halfOpen.TryGetValue(path.Remote, out var address))
        {
            address = _halfOpen[path.Remote] = new AddressHandshakes(++_lastHandshake);
            SetRoute(path.Remote, (_routes.Find(path.Remote) ?? new RouteEntry([], true)) with { HalfOpen = true });
        }

        var handshake = new ResponderHandshake(scheme, ++_lastHandshake, path, firstMessage, begun, workClass);
        address.Handshakes.Add(handshake);
        _handshakes[handshake.Id] = handshake;
        _handshakeCounts[(int)workClass]++;
        _tickets[handshake.Id] = ticket;
        _byAge.AddLast(handshake.ByAge);
        return handshake;
    }

    /// <summary>Finds the scheme of a first message, and by its tag what it is bound to; a message of direct mode must be served here.</summary>
    //= spec/psec.md#first-packet-tag
    private DropReason FindScheme(
        Instant now, in NetworkAddress remote, RouteEntry? route, ReadOnlySpan<byte> first, out Scheme? scheme, out Agreement? agreement)
    {
        agreement = null;
        scheme = FindDirectScheme(remote, route, first, HandshakeStep.First);
        _options.Catalogue.StepOf(first, out var form);
        if ((scheme ?? form)!.IsDirect(_options.Crypto, first))
        {
            return scheme is null ? DropReason.NoDirectScheme : DropReason.None;
        }

        HandleNegotiationTimeouts(now);
        if (form!.TagsFirst)
        {
            agreement = FindAgreement(remote, route, form.ReadTag(first));
            scheme = agreement is null ? null : _options.Catalogue.Find(agreement.Scheme);
            return scheme?.StepOf(first) == HandshakeStep.First ? DropReason.None : DropReason.UnknownTranscript;
        }

        scheme = HasAgreements(remote, route, form) ? form : null;
        return scheme is null ? DropReason.NoDirectScheme : DropReason.None;
    }

    private static ResponderHandshake? Find(AddressHandshakes? address, ReadOnlySpan<byte> first)
    {
        if (address is not null)
        {
            foreach (var handshake in address.Handshakes)
            {
                if (first.SequenceEqual(handshake.FirstMessage))
                {
                    return handshake;
                }
            }
        }

        return null;
    }

    private Outcome Repeat(ResponderHandshake handshake)
    {
        if (!handshake.Apply(SiteEvent.CopyCame))
        {
            return DropReason.NoHandshake;
        }

        switch (handshake.State)
        {
            case ResponderState.Answered:
                return Answer(handshake) ? ReceivedKind.CachedAnswer : DropReason.Amplification;
            case ResponderState.Working or ResponderState.Asking when handshake.WaitingCopies < MaxWaitingCopies:
                CachedAnswers++;
                handshake.WaitingCopies++;
                return ReceivedKind.CachedAnswer;
            default:
                return DropReason.NoHandshake;
        }
    }

    private bool Answer(ResponderHandshake handshake)
    {
        if (!TrySpend(handshake.Path.Remote, handshake.Agreement, handshake.Answer.Length))
        {
            return false;
        }

        CachedAnswers++;
        _transmits.Enqueue((handshake.Path, handshake.Answer));
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
        ResponderHandshake? displaced = null;
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
    private DropReason CheckClaimant(Scheme scheme, RouteEntry route, ReadOnlySpan<byte> first)
    {
        var reason = scheme.ReadClaim(_context, first, out var key);
        return reason == DropReason.None && key is not null && route.IsHeldByAnother(PeerId.FromPublicKey(key, _options.Crypto))
            ? DropReason.AddressHeldByAnother
            : reason;
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
}
