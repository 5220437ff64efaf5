using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Routing;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol;

/// <content>Negotiations: one's own attempts, the proposals of others, and what admits them.</content>
public sealed partial class EndpointMachine
{
    private readonly NegotiatorContext _negotiation;
    private readonly RetryCookies _cookies;
    private readonly Dictionary<NetworkAddress, AddressNegotiation> _negotiations = [];
    private readonly SortedSet<(long At, long Id)> _due = [];
    private readonly Dictionary<long, AddressNegotiation> _byDue = [];
    private readonly PrefixLimiter _proposalLimiter = new();
    private readonly PrefixLimiter _validatedLimiter = new();
    private readonly PrefixLimiter _validatedProposalLimiter = new();
    private readonly int[] _proposalCounts = new int[Enum.GetValues<WorkClass>().Length];
    private long _lastNegotiation;

    /// <summary>Gets the retries sent instead of keeping a proposal.</summary>
    public long RetriesSent { get; private set; }

    /// <summary>Gets the addresses whose proposals are being served.</summary>
    public int ProposalsServed => _proposalCounts.Sum();

    /// <summary>Carries <see cref="PeerEvent.NegotiationRequested"/> here.</summary>
    /// <param name="now">The time.</param>
    /// <param name="peer">The peer that requests it.</param>
    /// <param name="request">What it requests.</param>
    public void HandleNegotiation(Instant now, PeerHandle peer, NegotiationRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!_peers.TryGetValue(peer, out var known))
        {
            return;
        }

        switch (request)
        {
            case NegotiationRequest.Propose propose:
                Propose(now, peer, known, propose);
                break;
            case NegotiationRequest.Withdraw:
                Withdraw(peer, request.Remote);
                break;
            default:
                if (_negotiations.TryGetValue(request.Remote, out var negotiation) && negotiation.Peer == peer)
                {
                    Carry(now, negotiation, request);
                }

                break;
        }
    }

    private void Carry(Instant now, AddressNegotiation negotiation, NegotiationRequest request)
    {
        switch (request)
        {
            case NegotiationRequest.FirstPacketMade made:
                negotiation.Negotiator.TakeFirstPacket(now, made.Agreement, made.Packet);
                Pump(negotiation);
                break;
            case NegotiationRequest.Answered answered:
                negotiation.Negotiator.OnAnswered(answered.Agreement);
                Pump(negotiation);
                break;
            case NegotiationRequest.Won won:
                var over = FindNegotiated(negotiation, null);
                negotiation.Negotiator.OnWonAsInitiator(now, won.Agreement);
                over.ForEach(Remove);
                EndOwn(now, negotiation);
                break;
            default:
                throw new ArgumentException("The request is of a kind that nobody handles.", nameof(request));
        }
    }

    private void Propose(Instant now, PeerHandle peer, KnownPeer known, NegotiationRequest.Propose request)
    {
        var negotiation = GetNegotiation(request.Remote);
        known.Attempts.Add(request.Remote);
        negotiation.Waiting.Enqueue(new(peer, known.Identity, request, now + SpecLimits.DialDeadline));
        if (negotiation.Negotiator.Own is null)
        {
            StartNext(now, negotiation);
        }

        Schedule(negotiation);
    }

    private void StartNext(Instant now, AddressNegotiation negotiation)
    {
        while (negotiation.Waiting.TryDequeue(out var next))
        {
            if (now < next.Deadline && !_closing)
            {
                negotiation.Peer = next.Peer;
                negotiation.Negotiator.Propose(now, next.Request.Path, next.Identity, next.Request.Options, next.Deadline);
                break;
            }

            Report(next.Peer, negotiation.Remote, new NegotiationReport.Over(NegotiationOutcome.TimedOut));
        }

        Pump(negotiation);
    }

    private void Withdraw(PeerHandle peer, in NetworkAddress remote)
    {
        if (_peers.TryGetValue(peer, out var known))
        {
            known.Attempts.Remove(remote);
        }

        if (!_negotiations.TryGetValue(remote, out var negotiation))
        {
            return;
        }

        if (negotiation.Peer != peer)
        {
            negotiation.Waiting = new(negotiation.Waiting.Where(waiting => waiting.Peer != peer));
            Pump(negotiation);
            return;
        }

        negotiation.Negotiator.Withdraw();
        negotiation.Peer = null;
        Pump(negotiation);
    }

    private bool TryHandleFrame(Instant now, scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram, out Outcome outcome)
    {
        outcome = default;
        if (datagram.IsEmpty)
        {
            return false;
        }

        if (PsecFrame.LooksLikeProposal(datagram))
        {
            if (WireMessage.TryRead<ProposalFrame>(datagram, out var proposal))
            {
                outcome = HandleProposal(now, path, datagram.Length, proposal);
                return true;
            }

            // Where nothing is known of the address, it can be nothing else.
            outcome = datagram.Length > PsecFrame.MaxProposal ? DropReason.TooLong : DropReason.Malformed;
            return _routes.Find(path.Remote) is null;
        }

        if (datagram[0] == (byte)PsecFrameType.Accept && WireMessage.TryRead<AcceptFrame>(datagram, out var accept))
        {
            outcome = HandleAccept(now, path, accept);
            return true;
        }

        if (datagram.SequenceEqual(PsecFrame.Reject))
        {
            outcome = HandleReject(now, path);
            return true;
        }

        return false;
    }

    private Outcome HandleAccept(Instant now, in PathAddress path, in AcceptFrame accept)
    {
        HandleTimeout(now);
        return _negotiations.TryGetValue(path.Remote, out var negotiation)
            ? Pumped(negotiation, negotiation.Negotiator.HandleAccept(now, accept))
            : DropReason.NoProposal;
    }

    private Outcome HandleReject(Instant now, in PathAddress path)
    {
        HandleTimeout(now);
        return _negotiations.TryGetValue(path.Remote, out var negotiation)
            ? Pumped(negotiation, negotiation.Negotiator.HandleReject(now))
            : DropReason.NoProposal;
    }

    private Outcome Pumped(AddressNegotiation negotiation, DropReason reason)
    {
        Pump(negotiation);
        return reason == DropReason.None ? ReceivedKind.Negotiation : reason;
    }

    private Outcome HandleProposal(Instant now, in PathAddress path, int length, in ProposalFrame frame)
    {
        if (length > PsecFrame.MaxProposal)
        {
            return DropReason.TooLong;
        }

        if (_closing)
        {
            return DropReason.EndpointClosing;
        }

        HandleTimeout(now);
        var isKnown = _negotiations.TryGetValue(path.Remote, out var negotiation);
        negotiation ??= NewNegotiation(path.Remote);
        negotiation.BytesReceived += length;
        var proposal = negotiation.Negotiator.Look(frame);
        var admitted = Admit(now, path, length, negotiation, proposal);
        if (admitted.IsOver)
        {
            if (isKnown)
            {
                Pump(negotiation);
            }

            return admitted.Outcome;
        }

        var reason = negotiation.Negotiator.Take(now, proposal, out var answer);
        var isServed = reason == DropReason.None && (proposal.Kind == ProposalKind.Standard || proposal.Known?.IsAccepted == true);
        if (!isKnown && reason == DropReason.None)
        {
            Keep(negotiation);
        }

        if (answer.Length > 0 && TrySpend(negotiation, answer.Length))
        {
            _transmits.Enqueue((path, answer));
        }

        Outcome outcome = reason != DropReason.None ? reason : proposal.Kind == ProposalKind.Copy ? ReceivedKind.CachedAnswer : ReceivedKind.Negotiation;
        if (isServed)
        {
            outcome = HandleEmbedded(now, path, frame, proposal, outcome);
        }

        if (isKnown || reason == DropReason.None)
        {
            Pump(negotiation);
        }

        return outcome;
    }

    /// <summary>Serves the first packet inside a proposal, if the scheme accepted is the one that it is for.</summary>
    //= spec/psec.md#embed-use
    private Outcome HandleEmbedded(Instant now, in PathAddress path, in ProposalFrame frame, ReceivedProposal proposal, Outcome outcome)
    {
        var scheme = (proposal.Known?.Agreement.Scheme ?? proposal.Scheme)!;
        var packet = frame.FirstPacket;
        if (packet.IsEmpty || proposal.Schemes[0] != scheme || !PacketHeader.TryRead(packet, out var header)
            || header.Word != P2pkeScheme.InitHelloWord || P2pkeScheme.CheckLength(header.Word, packet.Length) != DropReason.None
            || InitHelloResponse.ReadTag(packet).IsEmpty)
        {
            return outcome;
        }

        // Its bytes came with the proposal and are counted already; what becomes of it is counted when its work completes.
        var served = HandleInitHello(now, path, packet, bytes: 0);
        return served.Kind == ReceivedKind.Handshake && served.Reason == DropReason.None ? served : outcome;
    }

    /// <summary>Decides whether a proposal is kept, answered by a retry or a reject, or dropped.</summary>
    //= spec/psec.md#admission
    private (bool IsOver, Outcome Outcome) Admit(Instant now, in PathAddress path, int length, AddressNegotiation negotiation, ReceivedProposal proposal)
    {
        var isLive = _routes.Find(path.Remote)?.HasSession == true;
        switch (proposal.Kind)
        {
            case ProposalKind.Reflected:
                return (true, DropReason.Reflected);
            case ProposalKind.Standard when proposal.Scheme is null:
                return (false, default);

            //= spec/psec.md#live-rate
            case ProposalKind.Copy when negotiation.Negotiator.Reinstates(proposal.Known!):
                return TryChannelRate(now, path.Remote) ? (false, default) : (true, DropReason.PrefixRate);

            // One that was accepted, and nothing came of it, may yet have to prove its address.
            case ProposalKind.Copy when proposal.Known!.State != RemoteProposalState.Accepted || negotiation.PlaceClass != WorkClass.Stranger
                || _halfOpen.ContainsKey(path.Remote) || !AreStrangersFull(now, path.Remote):
                return (false, default);
            case ProposalKind.Standard or ProposalKind.Simultaneous when isLive || negotiation.Negotiator.Own is not null:
                return TryChannelRate(now, path.Remote) ? (false, default) : (true, DropReason.PrefixRate);
            default:
                return AdmitStranger(now, path, length, negotiation, proposal);
        }
    }

    private (bool IsOver, Outcome Outcome) AdmitStranger(
        Instant now, in PathAddress path, int length, AddressNegotiation negotiation, ReceivedProposal proposal)
    {
        var reason = DropReason.WorkFull;
        if (!AreStrangersFull(now, path.Remote))
        {
            reason = negotiation.PlaceClass is null ? TryPlace(now, negotiation, WorkClass.Stranger) : DropReason.None;
        }

        //= spec/psec.md#cookie-admission
        if (reason != DropReason.None && proposal.Cookie.Length > 0 && _cookies.IsValid(now, path.Remote, proposal.Digest, proposal.Cookie))
        {
            reason = negotiation.PlaceClass == WorkClass.Validated ? DropReason.None : TryPlace(now, negotiation, WorkClass.Validated);
            return reason == DropReason.None ? (false, default) : (true, reason);
        }

        if (reason == DropReason.None || !proposal.TakesRetry)
        {
            return reason == DropReason.None ? (false, default) : (true, reason);
        }

        var retry = _cookies.MakeRetry(now, path.Remote, proposal.Digest);
        if (retry.Length > length)
        {
            return (true, DropReason.Amplification);
        }

        RetriesSent++;
        _transmits.Enqueue((path, retry));
        negotiation.BytesSent += retry.Length;
        return (true, ReceivedKind.Negotiation);
    }

    private bool AreStrangersFull(Instant now, in NetworkAddress remote)
        => IsWorkFull(WorkClass.Stranger) || _handshakeCounts[(int)WorkClass.Stranger] >= ImplementationLimits.Handshakes || _limiter.IsSpent(remote, now);

    private DropReason TryPlace(Instant now, AddressNegotiation negotiation, WorkClass placeClass)
    {
        if (_proposalCounts[(int)placeClass] >= ImplementationLimits.Proposals)
        {
            return DropReason.ProposalsFull;
        }

        var limiter = placeClass == WorkClass.Validated ? _validatedProposalLimiter : _proposalLimiter;
        if (!limiter.TryOpen(negotiation.Remote, now, out var ticket))
        {
            return DropReason.PrefixProposalsFull;
        }

        ReturnPlace(negotiation);
        (negotiation.PlaceClass, negotiation.Place) = (placeClass, ticket);
        _proposalCounts[(int)placeClass]++;
        return DropReason.None;
    }

    private void ReturnPlace(AddressNegotiation negotiation)
    {
        if (negotiation.PlaceClass is { } held)
        {
            _proposalCounts[(int)held]--;
            negotiation.Place.Return();
            negotiation.PlaceClass = null;
        }
    }

    private static WorkClass ClassOf(bool isLive, AddressNegotiation? negotiation)
        => isLive || negotiation?.Negotiator.Own is not null ? WorkClass.Channel : negotiation?.PlaceClass ?? WorkClass.Stranger;

    /// <summary>Whether an answer may go to an address: at most the bytes that came from it, unless it is validated or dialled.</summary>
    //= spec/psec.md#amplification
    private bool TrySpend(in NetworkAddress remote, Agreement? agreement, int length)
        => agreement is null || !_negotiations.TryGetValue(remote, out var negotiation) || TrySpend(negotiation, length);

    private bool TrySpend(AddressNegotiation negotiation, int length)
    {
        if (negotiation.Negotiator.Own is null && negotiation.PlaceClass != WorkClass.Validated && _routes.Find(negotiation.Remote)?.HasSession != true
            && negotiation.BytesSent + length > negotiation.BytesReceived)
        {
            return false;
        }

        negotiation.BytesSent += length;
        return true;
    }

    private Agreement? FindAgreement(in NetworkAddress remote, RouteEntry? route, ReadOnlySpan<byte> tag)
    {
        if (_negotiations.TryGetValue(remote, out var negotiation) && negotiation.Negotiator.FindResponder(tag) is { } proposal)
        {
            return proposal.Agreement;
        }

        foreach (var peer in route?.Peers ?? [])
        {
            foreach (var agreement in _peers[peer.Handle].Addresses[remote].Agreements)
            {
                if (agreement.Tag.SequenceEqual(tag))
                {
                    return agreement;
                }
            }
        }

        return null;
    }

    private bool HasDirectPeer(in NetworkAddress remote, RouteEntry? route)
    {
        foreach (var peer in route?.Peers ?? [])
        {
            if (_peers[peer.Handle].Addresses[remote].IsDirect)
            {
                return true;
            }
        }

        return false;
    }

    private void OnFirstPacket(Instant now, in NetworkAddress remote, Agreement agreement)
    {
        if (_negotiations.TryGetValue(remote, out var negotiation) && negotiation.Negotiator.FindResponder(agreement.Tag) is { } proposal)
        {
            negotiation.Negotiator.OnProgress(now, proposal);
            Schedule(negotiation);
        }
    }

    private void OnWonByPeer(Instant now, in NetworkAddress remote, Agreement agreement, PeerId peer)
    {
        if (!_negotiations.TryGetValue(remote, out var negotiation) || !negotiation.Negotiator.Knows(agreement))
        {
            return;
        }

        var endsAll = negotiation.Negotiator.Own is not { } own || own.Peer.Equals(peer);
        var over = FindNegotiated(negotiation, endsAll ? null : agreement);
        negotiation.Negotiator.OnWonAsResponder(now, agreement, peer);
        over.ForEach(Remove);
        Pump(negotiation);
    }

    /// <summary>Finds the half-open handshakes of an attempt, to be wiped when it is won; rekeys and direct ones are not of it.</summary>
    //= spec/psec.md#one-wins
    private List<P2pkeResponder> FindNegotiated(AddressNegotiation negotiation, Agreement? only)
        => _halfOpen.TryGetValue(negotiation.Remote, out var address)
            ? address.Handshakes.FindAll(handshake => handshake.State is ResponderState.Working or ResponderState.Answered
                && handshake.Agreement is { } agreement && negotiation.Negotiator.Knows(agreement) && (only is null || only.Equals(agreement)))
            : [];

    private void HandleNegotiationTimeouts(Instant now)
    {
        _cookies.Rotate(now);
        while (_due.Count > 0 && _due.Min.At <= now.Nanoseconds)
        {
            var negotiation = _byDue[_due.Min.Id];
            negotiation.Negotiator.HandleTimeout(now);
            foreach (var late in negotiation.Waiting.Where(waiting => waiting.Deadline <= now).ToArray())
            {
                Report(late.Peer, negotiation.Remote, new NegotiationReport.Over(NegotiationOutcome.TimedOut));
            }

            negotiation.Waiting = new(negotiation.Waiting.Where(waiting => waiting.Deadline > now));
            if (negotiation.Negotiator.Own is null)
            {
                EndOwn(now, negotiation);
            }
            else
            {
                Pump(negotiation);
            }
        }
    }

    private void EndOwn(Instant now, AddressNegotiation negotiation)
    {
        Pump(negotiation);
        if (negotiation.Peer is { } peer && negotiation.Negotiator.Own is null)
        {
            if (_peers.TryGetValue(peer, out var known))
            {
                known.Attempts.Remove(negotiation.Remote);
            }

            negotiation.Peer = null;
        }

        if (negotiation.Waiting.Count > 0 && negotiation.Negotiator.Own is null)
        {
            StartNext(now, negotiation);
        }
    }

    /// <summary>Takes what a negotiator wants sent and told, and forgets one that knows nothing any more.</summary>
    private void Pump(AddressNegotiation negotiation)
    {
        var negotiator = negotiation.Negotiator;
        while (negotiator.TryPollReport(out var report))
        {
            if (negotiation.Peer is { } peer)
            {
                Report(peer, negotiation.Remote, report);
            }
        }

        while (negotiator.TryPollFrame(out var frame))
        {
            if (negotiator.Own is { } own)
            {
                _transmits.Enqueue((own.Path, frame));
            }
        }

        if (!negotiator.Serves)
        {
            ReturnPlace(negotiation);
        }

        Schedule(negotiation);
    }

    private void Report(PeerHandle peer, in NetworkAddress remote, NegotiationReport report)
    {
        if (report is NegotiationReport.Over && _peers.TryGetValue(peer, out var known))
        {
            known.Attempts.Remove(remote);
        }

        _events.Enqueue(new EndpointEvent.NegotiationReported(peer, report));
    }

    private AddressNegotiation NewNegotiation(in NetworkAddress remote)
        => new(++_lastNegotiation, remote, new Negotiator(_negotiation, _options.MaxDatagramSize));

    private AddressNegotiation GetNegotiation(in NetworkAddress remote)
    {
        if (!_negotiations.TryGetValue(remote, out var negotiation))
        {
            negotiation = NewNegotiation(remote);
            Keep(negotiation);
        }

        return negotiation;
    }

    private void Keep(AddressNegotiation negotiation) => _negotiations[negotiation.Remote] = _byDue[negotiation.Id] = negotiation;

    private void Schedule(AddressNegotiation negotiation)
    {
        if (negotiation.DueAt is { } before)
        {
            _due.Remove((before, negotiation.Id));
            negotiation.DueAt = null;
        }

        if (negotiation.Negotiator.IsEmpty && negotiation.Waiting.Count == 0 && !_halfOpen.ContainsKey(negotiation.Remote))
        {
            ReturnPlace(negotiation);
            _negotiations.Remove(negotiation.Remote);
            _byDue.Remove(negotiation.Id);
            return;
        }

        // A dial whose turn has come is begun with the next look at the time.
        var next = negotiation.Waiting.Count > 0 && negotiation.Negotiator.Own is null ? 0 : negotiation.Negotiator.NextDeadline?.Nanoseconds ?? long.MaxValue;
        foreach (var waiting in negotiation.Waiting)
        {
            next = Math.Min(next, waiting.Deadline.Nanoseconds);
        }

        if (next != long.MaxValue)
        {
            negotiation.DueAt = next;
            _due.Add((next, negotiation.Id));
        }
    }

    private void ForgetWon(in NetworkAddress remote)
    {
        if (_negotiations.TryGetValue(remote, out var negotiation))
        {
            negotiation.Negotiator.ForgetWon();
            Schedule(negotiation);
        }
    }

    private void CloseNegotiations()
    {
        foreach (var negotiation in _negotiations.Values.ToArray())
        {
            ReturnPlace(negotiation);
        }

        _negotiations.Clear();
        _byDue.Clear();
        _due.Clear();
    }

    private void AddNegotiationsTo(StateDigestBuilder digest)
    {
        foreach (var negotiation in _negotiations.Values.OrderBy(negotiation => negotiation.Id))
        {
            digest.Add(negotiation.Remote);
            digest.Add((long?)negotiation.PlaceClass ?? -1);
            digest.Add(negotiation.Waiting.Count);
            negotiation.Negotiator.AddTo(digest);
        }
    }

    /// <summary>What became of a datagram: a kind, or a drop reason that is not counted yet.</summary>
    private readonly record struct Outcome(ReceivedKind Kind, DropReason Reason)
    {
        public static implicit operator Outcome(ReceivedKind kind) => new(kind, DropReason.None);

        public static implicit operator Outcome(DropReason reason) => new(ReceivedKind.Dropped, reason);
    }

    /// <summary>A dial that waits for its turn at an address.</summary>
    private sealed record WaitingDial(PeerHandle Peer, PeerId Identity, NegotiationRequest.Propose Request, Instant Deadline);

    /// <summary>The negotiations at one address, with the books of admission.</summary>
    private sealed class AddressNegotiation(long id, NetworkAddress remote, Negotiator negotiator)
    {
        public long Id => id;

        public NetworkAddress Remote => remote;

        public Negotiator Negotiator => negotiator;

        /// <summary>Gets or sets whose attempt the own proposal is.</summary>
        public PeerHandle? Peer { get; set; }

        public Queue<WaitingDial> Waiting { get; set; } = new();

        /// <summary>Gets or sets whose place the proposals that are served take.</summary>
        public WorkClass? PlaceClass { get; set; }

        public PrefixLimiter.Ticket Place { get; set; }

        public long BytesReceived { get; set; }

        public long BytesSent { get; set; }

        public long? DueAt { get; set; }
    }
}
