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
            var use = UseOf(told.Remote, out var direct, out var isHeld);
            if (use == told.Use && direct == told.DirectScheme && isHeld == told.IsHeld && AreAgreementsOf(told.Remote, told.Agreements))
            {
                continue;
            }

            var changed = RouteTo(told.Remote, use, direct, isHeld);
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

        if (UseOf(remote, out var direct, out var isHeld) is var use && use != RouteUse.None)
        {
            var added = RouteTo(remote, use, direct, isHeld);
            _routes.Add(added);
            _events.Enqueue(added);
        }
    }

    private PeerEvent.RouteChanged RouteTo(NetworkAddress remote, RouteUse use, Scheme? direct, bool isHeld)
    {
        var agreements = new List<Agreement>();
        foreach (var session in _sessions.All)
        {
            if (BindsAt(session, remote) && !agreements.Contains(session.Agreement!))
            {
                agreements.Add(session.Agreement!);
            }
        }

        return new(remote, use) { Agreements = agreements, DirectScheme = direct, IsHeld = isHeld };
    }

    //= spec/sessions.md#identity-unproven
    private RouteUse UseOf(NetworkAddress remote, out Scheme? direct, out bool isHeld)
    {
        isHeld = false;
        var use = AttemptAddress == remote ? RouteUse.Handshake : RouteUse.None;
        direct = use == RouteUse.Handshake && _proposal is null ? _directScheme : null;
        foreach (var session in _sessions.All)
        {
            if (session.Path.Remote == remote && session.State != SessionState.Ended)
            {
                use = RouteUse.Session;
                direct = session.Agreement is null ? session.Scheme : direct;
                isHeld |= session.State != SessionState.Unconfirmed || !session.Scheme.FinishLeavesOpen;
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

    //= spec/secret-handshake.md#won-unconfirmed
    private static bool BindsAt(Session session, NetworkAddress remote)
        => session.Agreement is not null && session is { IsLive: true, IsUnproven: false } && session.Path.Remote == remote;

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
