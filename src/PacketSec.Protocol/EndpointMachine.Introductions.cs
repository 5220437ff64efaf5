using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Routing;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol;

/// <content>Schemes that ask before they answer: tickets, known sites, and packets that begin with letters.</content>
public sealed partial class EndpointMachine
{
    private readonly OpenedTickets _opened = new();

    /// <summary>Gets the handshakes that others began and that are not decided yet.</summary>
    internal IReadOnlyCollection<ResponderHandshake> Handshakes => _handshakes.Values;

    /// <summary>
    /// Answers <see cref="EndpointEvent.DecisionRequested"/> about a ticket. An answer to a question that is no longer open changes nothing.
    /// </summary>
    /// <param name="now">The time.</param>
    /// <param name="id">The question.</param>
    /// <param name="outcome">What the store said.</param>
    //= spec/mychips.md#asked-first
    //= spec/mychips.md#answered-again
    public void DecideTicket(Instant now, DecisionId id, TicketOutcome outcome)
    {
        foreach (var handshake in _handshakes.Values)
        {
            if (handshake.Question?.Ticket is { } ticket && handshake.DecisionId == id.Value)
            {
                var allow = outcome == TicketOutcome.Consumed
                    || (outcome == TicketOutcome.AlreadyByThisKey && !_opened.Contains(now, ticket.Hash, handshake.RemoteKey!));
                OnAsked(handshake, allow, ReasonOf(outcome));
                return;
            }
        }
    }

    private static DropReason ReasonOf(TicketOutcome outcome) => outcome switch
    {
        TicketOutcome.Unknown => DropReason.TicketUnknown,
        TicketOutcome.Expired => DropReason.TicketExpired,
        TicketOutcome.BoundToAnother => DropReason.TicketBoundToAnother,
        TicketOutcome.PurposeDiffers => DropReason.TicketPurposeDiffers,
        _ => DropReason.TicketUsed,
    };

    private static List<PublicKey> KnownAt(RouteEntry? route)
    {
        var known = new List<PublicKey>();
        foreach (var peer in route?.Peers ?? [])
        {
            if (peer.HasSession && peer.Identity.TryGetPublicKey(out var key))
            {
                known.Add(key);
            }
        }

        return known;
    }

    /// <summary>Tells whether packets with letters are known at an address: served here, or spoken by a peer there.</summary>
    //= spec/mychips.md#letters-by-state
    private bool SpeaksLetters(in NetworkAddress remote)
    {
        if (_servesLetters)
        {
            return true;
        }

        var route = _routes.Find(remote);
        foreach (var scheme in _lettered)
        {
            if (HasAgreements(remote, route, scheme))
            {
                return true;
            }
        }

        return false;
    }

    private Received HandleLettered(Instant now, scoped in PathAddress path, scoped ReadOnlySpan<byte> datagram)
    {
        var step = _options.Catalogue.StepOf(datagram, out var scheme);
        if (step != HandshakeStep.None)
        {
            return HandleStep(now, path, datagram, step, scheme!);
        }

        if (!Letters.TryReadTransport(datagram, out var header))
        {
            return Drop(DropReason.TooShort);
        }

        return header.Counter.Value < SpecLimits.FirstDataCounter
            ? Drop(DropReason.ReservedCounter)
            : HandleTransport(header, Letters.HeaderSize, path, datagram);
    }

    /// <summary>A first message has verified: what can be told without asking is told now, so that no ticket is used up for nothing.</summary>
    private void OnVerifiedFirst(Instant now, ResponderHandshake handshake)
    {
        var remote = handshake.Path.Remote;
        if (handshake.Agreement is { } agreement)
        {
            OnFirstPacket(now, remote, agreement);
        }

        var route = _routes.Find(remote);
        var isKnown = _handles.ContainsKey(handshake.Peer!);
        var reason = handshake.Agreement?.ClaimedPeer is { } claimed && !claimed.Equals(handshake.Peer) ? DropReason.KeyMismatch
            : route?.IsHeldByAnother(handshake.Peer!) == true ? DropReason.AddressHeldByAnother
            : !isKnown && (_inbound >= _options.InboundChannels || handshake.Question is null) ? DropReason.Refused
            : DropReason.None;
        if (reason != DropReason.None)
        {
            Drops.Add(reason);
            Remove(handshake);
            return;
        }

        DisplaceOldest(handshake);
        if (handshake.State == ResponderState.Asking)
        {
            Ask(handshake);
        }
        else
        {
            SendAnswers(handshake);
        }
    }

    //= spec/mychips.md#unconfirmed-bound
    private void DisplaceOldest(ResponderHandshake newest)
    {
        ResponderHandshake? oldest = null;
        var waiting = 0;
        foreach (var other in _handshakes.Values)
        {
            if (other != newest && other.State is ResponderState.Asking or ResponderState.Answered && newest.RemoteKey!.Equals(other.RemoteKey))
            {
                waiting++;
                oldest = oldest is null || other.Id < oldest.Id ? other : oldest;
            }
        }

        if (waiting >= ImplementationLimits.UnconfirmedPerKey)
        {
            Drops.Add(DropReason.HandshakesFull);
            Remove(oldest!);
        }
    }

    //= spec/mychips.md#first-t-decides
    private void OnFirstTransport(Instant now, ResponderHandshake decided)
    {
        if (decided.Question?.Ticket is not { } ticket)
        {
            return;
        }

        _opened.Add(now, ticket.Hash, decided.RemoteKey!);
        foreach (var other in _handshakes.Values.ToArray())
        {
            if (other != decided && other.State is ResponderState.Asking or ResponderState.Answered
                && ticket.Hash.Equals(other.Question?.Ticket?.Hash) && decided.RemoteKey!.SharesMontgomeryForm(other.RemoteKey!))
            {
                Remove(other);
            }
        }
    }
}
