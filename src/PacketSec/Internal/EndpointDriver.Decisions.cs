using PacketSec.Diagnostics;
using PacketSec.Protocol;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Internal;

/// <content>Who gets a channel, and when the application gets it.</content>
internal sealed partial class EndpointDriver
{
    // Channels that peers began and that are not open yet: each will want a place in the backlog.
    private int _toBeOffered;

    private bool HasRoom() => _closingUntil is null && _accepted.Reader.Count + _toBeOffered < Options.AcceptBacklog;

    private bool TakeOffer(PeerDriver peer)
    {
        var taken = peer.IsToBeOffered;
        peer.IsToBeOffered = false;
        _toBeOffered -= taken ? 1 : 0;
        return taken;
    }

    private void Ask(Instant now, EndpointEvent.DecisionRequested question)
    {
        if (question.Ticket is not null || question.SiteId is not null)
        {
            AskAboutSite(now, question);
            return;
        }

        if (Options.Authorize is { } authorize && HasRoom())
        {
            _ = Task.Run(() => AuthorizeAsync(authorize, question));
            return;
        }

        lock (_gate)
        {
            _machine.Decide(now, question.Id, HasRoom());
            _endpointOutbox.Collect(_machine);
        }
    }

    /// <summary>Nobody comes in by a ticket without a store, nor by a name without somebody who says yes; and no ticket is used up where there is no room.</summary>
    //= spec/mychips.md#asked-first
    private void AskAboutSite(Instant now, EndpointEvent.DecisionRequested question)
    {
        if (question.Ticket is { } ticket && Options.Tickets is { } store && HasRoom())
        {
            _ = Task.Run(() => ConsumeAsync(store, question, ticket));
        }
        else if (question.SiteId is { } siteId && Options.AuthorizePeer is { } authorize && HasRoom())
        {
            _ = Task.Run(() => AuthorizeAsync((_, token) => authorize(question.Identity, siteId, token), question));
        }
        else
        {
            Decide(now, question.Id, false);
        }
    }

    private void DecideTicket(Instant now, DecisionId id, TicketOutcome outcome)
    {
        lock (_gate)
        {
            _machine.DecideTicket(now, id, outcome);
            _endpointOutbox.Collect(_machine);
        }

        SettleEndpoint(now);
    }

    private async Task ConsumeAsync(ITicketStore store, EndpointEvent.DecisionRequested question, PresentedTicket ticket)
    {
        var outcome = TicketOutcome.Unknown;
        try
        {
            using var deadline = new CancellationTokenSource(SpecLimits.DialDeadline, Options.TimeProvider);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _closing.Token);
            var claim = ticket.ToClaim(question.Identity, Options.TimeProvider.GetUtcNow().ToUnixTimeSeconds());
            outcome = (await store.ConsumeAsync(claim, either.Token).ConfigureAwait(false)).Outcome;
        }
        catch (Exception error)
        {
            Log.TicketStoreFailed(error, question.Peer);
        }

        if (outcome is not (TicketOutcome.Consumed or TicketOutcome.AlreadyByThisKey))
        {
            Log.TicketRefused(question.Peer, question.Remote, outcome);
        }

        Post(new DriverMessage.DecideTicket(question.Id, outcome));
    }

    private async Task AuthorizeAsync(Func<PeerIdentity, CancellationToken, ValueTask<bool>> authorize, EndpointEvent.DecisionRequested question)
    {
        var allow = false;
        try
        {
            using var deadline = new CancellationTokenSource(SpecLimits.DialDeadline, Options.TimeProvider);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _closing.Token);
            allow = await authorize(new(question.Peer, question.Identity, question.Remote.ToEndPoint()), either.Token).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            //= spec/sessions.md#refusal
            Log.AuthorizeFailed(error, question.Peer);
        }

        if (!allow)
        {
            Log.Refused(question.Peer, question.Remote);
        }

        Post(new DriverMessage.Decide(question.Id, allow));
    }
}
