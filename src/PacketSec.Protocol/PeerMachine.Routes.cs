using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Protocol;

/// <content>Which addresses are this peer's, as the endpoint machine is told.</content>
public sealed partial class PeerMachine
{
    private void SyncRoutes()
    {
        for (var i = _routes.Count - 1; i >= 0; i--)
        {
            var wanted = RouteTo(_routes[i].Remote);
            if (wanted.Says(_routes[i]))
            {
                continue;
            }

            _events.Enqueue(wanted);
            if (wanted.Use == RouteUse.None)
            {
                _routes.RemoveAt(i);
            }
            else
            {
                _routes[i] = wanted;
            }
        }

        foreach (var session in _sessions.All)
        {
            AddRoute(session.Path.Remote);
        }

        if (AttemptAddress is { } remote)
        {
            AddRoute(remote);
        }
    }

    private void AddRoute(NetworkAddress remote)
    {
        if (!_routes.Exists(route => route.Remote == remote) && RouteTo(remote) is { Use: not RouteUse.None } wanted)
        {
            _routes.Add(wanted);
            _events.Enqueue(wanted);
        }
    }

    private PeerEvent.RouteChanged RouteTo(NetworkAddress remote)
    {
        var use = AttemptAddress == remote ? RouteUse.Handshake : RouteUse.None;
        var isDirect = _proposal is null;
        List<Agreement>? agreements = null;
        foreach (var session in _sessions.All)
        {
            if (session.Path.Remote != remote || session.State == SessionState.Ended)
            {
                continue;
            }

            use = RouteUse.Session;
            isDirect |= session.Agreement is null;
            if (session.Agreement is { } agreement && session.IsLive && agreements?.Contains(agreement) != true)
            {
                (agreements ??= []).Add(agreement);
            }
        }

        return new(remote, use) { Agreements = agreements?.ToArray() ?? [], IsDirect = isDirect && use != RouteUse.None };
    }
}
