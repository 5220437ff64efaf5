using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Protocol;

/// <content>Which addresses are this peer's, as the endpoint machine is told.</content>
public sealed partial class PeerMachine
{
    private void SyncRoutes()
    {
        for (var i = _routes.Count - 1; i >= 0; i--)
        {
            var told = _routes[i];
            var use = UseOf(told.Remote, out var direct);
            if (use == told.Use && direct == told.DirectScheme && AreAgreementsOf(told.Remote, told.Agreements))
            {
                continue;
            }

            var changed = RouteTo(told.Remote, use, direct);
            _events.Enqueue(changed);
            if (use == RouteUse.None)
            {
                _routes.RemoveAt(i);
            }
            else
            {
                _routes[i] = changed;
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
        foreach (var route in _routes)
        {
            if (route.Remote == remote)
            {
                return;
            }
        }

        if (UseOf(remote, out var direct) is var use && use != RouteUse.None)
        {
            var added = RouteTo(remote, use, direct);
            _routes.Add(added);
            _events.Enqueue(added);
        }
    }

    private PeerEvent.RouteChanged RouteTo(NetworkAddress remote, RouteUse use, Scheme? direct)
    {
        var agreements = new List<Agreement>();
        foreach (var session in _sessions.All)
        {
            if (BindsAt(session, remote) && !agreements.Contains(session.Agreement!))
            {
                agreements.Add(session.Agreement!);
            }
        }

        return new(remote, use) { Agreements = agreements, DirectScheme = direct };
    }

    private RouteUse UseOf(NetworkAddress remote, out Scheme? direct)
    {
        var use = AttemptAddress == remote ? RouteUse.Handshake : RouteUse.None;
        direct = use == RouteUse.Handshake && _proposal is null ? _directScheme : null;
        foreach (var session in _sessions.All)
        {
            if (session.Path.Remote == remote && session.State != SessionState.Ended)
            {
                use = RouteUse.Session;
                direct = session.Agreement is null ? session.Scheme : direct;
            }
        }

        return use;
    }

    /// <summary>Whether the endpoint knows the agreements of an address: nothing is taken from the heap where nothing has changed.</summary>
    private bool AreAgreementsOf(NetworkAddress remote, IReadOnlyList<Agreement> known)
    {
        foreach (var session in _sessions.All)
        {
            if (BindsAt(session, remote) && !Contains(known, session.Agreement!))
            {
                return false;
            }
        }

        for (var i = 0; i < known.Count; i++)
        {
            var isHeld = false;
            foreach (var session in _sessions.All)
            {
                isHeld |= BindsAt(session, remote) && session.Agreement!.Equals(known[i]);
            }

            if (!isHeld)
            {
                return false;
            }
        }

        return true;
    }

    private static bool BindsAt(Session session, NetworkAddress remote)
        => session.Agreement is not null && session.IsLive && session.Path.Remote == remote;

    private static bool Contains(IReadOnlyList<Agreement> agreements, Agreement agreement)
    {
        for (var i = 0; i < agreements.Count; i++)
        {
            if (agreements[i].Equals(agreement))
            {
                return true;
            }
        }

        return false;
    }
}
