using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Routing;
using PacketSec.Protocol.Schemes;

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

    /// <summary>Gets the proposals, accepts and rejects that were taken, copies not counted.</summary>
    public long NegotiationFrames { get; private set; }

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

    /// <summary>Whether what something was agreed on is over at an address, and not yet that of a channel there.</summary>
    //= spec/secret-handshake.md#won-unconfirmed
    private bool IsOver(in NetworkAddress remote, Agreement agreement)
        => _negotiations.TryGetValue(remote, out var negotiation) && negotiation.Negotiator.HasWon(agreement)
            && FindAgreement(remote, _routes.Find(remote), agreement.Tag) is null;

    /// <summary>Finds the half-open handshakes of an attempt, to be wiped when it is won; rekeys and direct ones are not of it.</summary>
    //= spec/psec.md#one-wins
    private List<ResponderHandshake> FindNegotiated(AddressNegotiation negotiation, Agreement? only)
        => _halfOpen.TryGetValue(negotiation.Remote, out var address)
            ? address.Handshakes.FindAll(handshake => handshake.State is ResponderState.Working or ResponderState.Asking or ResponderState.Answered
                && handshake.Agreement is { } agreement && negotiation.Negotiator.Knows(agreement) && (only is null || only.Equals(agreement)))
            : [];

    private void HandleNegotiationTimeouts(Instant now)
    {
        _cookies.Rotate(now);
        while (_due.Count > 0 && _due.Min.At <= now.Nanoseconds)
        {
            HandleNegotiationTimeout(now, _byDue[_due.Min.Id]);
        }
    }

    private void HandleNegotiationTimeout(Instant now, AddressNegotiation negotiation)
    {
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
