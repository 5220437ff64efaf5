using PacketSec.Diagnostics;
using PacketSec.Protocol;

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
