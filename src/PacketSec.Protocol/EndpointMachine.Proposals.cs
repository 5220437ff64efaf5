using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Routing;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol;

/// <content>Frames of the negotiation, and the admission of what others propose.</content>
public sealed partial class EndpointMachine
{
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

        CachedAnswers += outcome is { Reason: DropReason.None, Kind: ReceivedKind.CachedAnswer } ? 1 : 0;

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
        if (packet.IsEmpty || proposal.Schemes[0] != scheme || _options.Catalogue.Find(scheme) is not { } served
            || served.StepOf(packet) != HandshakeStep.First || served.CheckLength(HandshakeStep.First, packet.Length) != DropReason.None
            || served.IsDirect(_options.Crypto, packet))
        {
            return outcome;
        }

        // Its bytes came with the proposal and are counted already; what becomes of it is counted when its work completes.
        var cached = CachedAnswers;
        var taken = HandleFirst(now, path, packet, bytes: 0);
        CachedAnswers = cached;
        return taken.Kind == ReceivedKind.Handshake && taken.Reason == DropReason.None ? taken : outcome;
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
            case ProposalKind.Copy when negotiation.Negotiator.DrawsProposal(proposal.Known!):
                return TryChannelRate(now, path.Remote) ? (false, default) : (true, DropReason.PrefixRate);

            // One that was accepted, and nothing came of it, may yet have to prove its address.
            case ProposalKind.Copy when proposal.Known!.State != RemoteProposalState.Accepted || negotiation.PlaceClass != WorkClass.Stranger
                || negotiation.Negotiator.Own is not null || _halfOpen.ContainsKey(path.Remote) || !AreStrangersFull(now, path.Remote):
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
        //= spec/psec.md#hiding-cookie
        var reason = DropReason.WorkFull;
        if (!_negotiation.Hides && !AreStrangersFull(now, path.Remote))
        {
            reason = negotiation.PlaceClass is null ? TryPlace(now, negotiation, WorkClass.Stranger) : DropReason.None;
        }

        //= spec/psec.md#cookie-admission
        if (reason != DropReason.None && proposal.Cookie.Length > 0 && _cookies.IsValid(now, path.Remote, proposal.Digest, proposal.Cookie))
        {
            reason = negotiation.PlaceClass == WorkClass.Validated ? DropReason.None : TryPlace(now, negotiation, WorkClass.Validated);
            return reason == DropReason.None ? (false, default) : (true, reason);
        }

        if (reason == DropReason.None || !(proposal.TakesRetry || _negotiation.Hides))
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

    /// <summary>Finds by which scheme first messages of direct mode are served at an address: a direct peer's there, or the endpoint's.</summary>
    private Scheme? FindDirectScheme(in NetworkAddress remote, RouteEntry? route, ReadOnlySpan<byte> message, HandshakeStep step)
    {
        foreach (var peer in route?.Peers ?? [])
        {
            if (_peers[peer.Handle].Addresses[remote].DirectScheme is { } scheme && scheme.StepOf(message) == step)
            {
                return scheme;
            }
        }

        return _directScheme?.StepOf(message) == step ? _directScheme : null;
    }

    /// <summary>Collects what messages of a scheme may be bound to at an address; null is direct mode.</summary>
    private List<Agreement?> FindAgreements(in NetworkAddress remote, RouteEntry? route, Scheme scheme)
    {
        List<Agreement?> found = [];
        CollectAgreements(remote, route, scheme, found);
        return found;
    }

    private bool HasAgreements(in NetworkAddress remote, RouteEntry? route, Scheme scheme)
    {
        _agreements.Clear();
        CollectAgreements(remote, route, scheme, _agreements);
        return _agreements.Count > 0;
    }

    private void CollectAgreements(in NetworkAddress remote, RouteEntry? route, Scheme scheme, List<Agreement?> found)
    {
        if (_negotiations.TryGetValue(remote, out var negotiation))
        {
            foreach (var agreement in negotiation.Negotiator.ResponderAgreements)
            {
                AddAgreement(agreement, scheme, found);
            }
        }

        var isDirect = _directScheme == scheme;
        foreach (var peer in route?.Peers ?? [])
        {
            var use = _peers[peer.Handle].Addresses[remote];
            isDirect |= use.DirectScheme == scheme;
            foreach (var agreement in use.Agreements)
            {
                AddAgreement(agreement, scheme, found);
            }
        }

        if (isDirect)
        {
            found.Add(null);
        }
    }

    private static void AddAgreement(Agreement agreement, Scheme scheme, List<Agreement?> found)
    {
        if (agreement.Scheme == scheme.Name && !found.Contains(agreement))
        {
            found.Add(agreement);
        }
    }
}
