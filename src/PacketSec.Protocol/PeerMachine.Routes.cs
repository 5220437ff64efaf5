using PacketSec.Protocol.Sessions;

namespace PacketSec.Protocol;

/// <content>Which addresses are this peer's, as the endpoint machine is told.</content>
public sealed partial class PeerMachine
{
    private void SyncRoutes()
    {
        for (var i = _routes.Count - 1; i >= 0; i--)
        {
            var (remote, use) = _routes[i];
            var wanted = UseOf(remote);
            if (wanted == use)
            {
                continue;
            }

            _events.Enqueue(new PeerEvent.RouteChanged(remote, wanted));
            if (wanted == RouteUse.None)
            {
                _routes.RemoveAt(i);
            }
            else
            {
                _routes[i] = (remote, wanted);
            }
        }

        foreach (var session in _sessions.All)
        {
            AddRoute(session.Path.Remote);
        }

        if (_attempt is not null)
        {
            AddRoute(_attempt.Path.Remote);
        }
    }

    private void AddRoute(NetworkAddress remote)
    {
        if (UseOf(remote) is var use && use != RouteUse.None && !_routes.Exists(route => route.Remote == remote))
        {
            _routes.Add((remote, use));
            _events.Enqueue(new PeerEvent.RouteChanged(remote, use));
        }
    }

    private RouteUse UseOf(NetworkAddress remote)
    {
        foreach (var session in _sessions.All)
        {
            if (session.Path.Remote == remote && session.State != SessionState.Ended)
            {
                return RouteUse.Session;
            }
        }

        return _attempt?.Path.Remote == remote ? RouteUse.Handshake : RouteUse.None;
    }
}
