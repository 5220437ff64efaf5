using PacketSec.Protocol.Schemes;

namespace PacketSec.Protocol;

/// <content>What becomes of a handshake whose finish verified: a session, a question, or a refusal.</content>
public sealed partial class EndpointMachine
{
    /// <summary>Answers <see cref="EndpointEvent.DecisionRequested"/>. An answer to a question that is no longer open changes nothing.</summary>
    /// <param name="now">The time.</param>
    /// <param name="id">The question.</param>
    /// <param name="allow">The answer.</param>
    public void Decide(Instant now, DecisionId id, bool allow)
    {
        foreach (var handshake in _handshakes.Values)
        {
            if (handshake.DecisionId == id.Value && (handshake.Scheme.AsksBeforeAnswer || handshake.State == ResponderState.Deciding))
            {
                if (handshake.Scheme.AsksBeforeAnswer)
                {
                    OnAsked(handshake, allow);
                }
                else if (allow)
                {
                    // What was free at the question may be taken by now.
                    Judge(now, handshake, ask: false);
                }
                else
                {
                    Refuse(handshake);
                }

                return;
            }
        }
    }

    private void Judge(Instant now, ResponderHandshake handshake, bool ask)
    {
        var route = _routes.Find(handshake.Path.Remote);
        if (route?.IsHeldByAnother(handshake.Peer!) == true)
        {
            Drops.Add(DropReason.AddressHeldByAnother);
            Remove(handshake);
        }
        else if (_handles.ContainsKey(handshake.Peer!))
        {
            //= spec/sessions.md#address-move
            Establish(now, handshake);
        }
        else if (_inbound >= _options.InboundChannels || route?.Peers.Length >= ImplementationLimits.PeersPerAddress)
        {
            Refuse(handshake);
        }
        else if (handshake is { Scheme.AsksBeforeAnswer: true, IsAllowed: false })
        {
            //= spec/mychips.md#rekey-asks-nobody
            Refuse(handshake);
        }
        else if (ask && !handshake.IsAllowed)
        {
            Ask(handshake);
        }
        else
        {
            Establish(now, handshake);
        }
    }

    private void Ask(ResponderHandshake handshake)
    {
        handshake.DecisionId = ++_lastDecision;
        _events.Enqueue(new EndpointEvent.DecisionRequested(
            new(handshake.DecisionId), handshake.RemoteKey!, handshake.Peer!, handshake.Path.Remote)
        {
            Ticket = handshake.Question?.Ticket,
            SiteId = handshake.Question?.SiteId,
        });
    }

    /// <summary>The application has spoken about an initiator that waits for the answer.</summary>
    private void OnAsked(ResponderHandshake handshake, bool allow, DropReason refusal = DropReason.Refused)
    {
        if (!handshake.TryDecide(allow))
        {
            return;
        }

        if (allow)
        {
            SendAnswers(handshake);
        }
        else
        {
            Drops.Add(refusal);
            Remove(handshake);
        }
    }

    private void Establish(Instant now, ResponderHandshake handshake)
    {
        // Its proposal may have been won while this one was verified or asked about.
        if (handshake is { Scheme.FinishLeavesOpen: true, Agreement: { } under } && IsOver(handshake.Path.Remote, under))
        {
            Drops.Add(DropReason.NoHandshake);
            Remove(handshake);
            return;
        }

        //= spec/secret-handshake.md#accepted-once
        if (handshake.Ticket is { } ticket && _stateless[handshake.Scheme].TryAccept(now, ticket) is var reason && reason != DropReason.None)
        {
            Drops.Add(reason);
            Remove(handshake);
            return;
        }

        HandshakesFinished++;
        var peer = handshake.Peer!;
        var handle = _handles.TryGetValue(peer, out var existing) ? existing : AddPeer(peer, inbound: true);
        EarlyData? early = null;
        if (_halfOpen.TryGetValue(handshake.Path.Remote, out var address))
        {
            early = address.Early;
            _earlyBytes -= address.EarlyBytes;
            (address.Early, address.EarlyBytes) = (null, 0);
        }

        var session = handshake.ToSession(early);
        Remove(handshake);
        _events.Enqueue(new EndpointEvent.SessionEstablished(handle, session));
        if (session.Agreement is { } agreement)
        {
            OnWonByPeer(now, session.Path.Remote, agreement, peer);
        }
    }

    //= spec/sessions.md#refusal
    private void Refuse(ResponderHandshake handshake)
    {
        Drops.Add(DropReason.Refused);
        if (handshake.Scheme.RefusesInSilence)
        {
            Remove(handshake);
            return;
        }

        handshake.OnRefused();
        _transmits.Enqueue((handshake.Path, handshake.Refusal));
    }

    private void Remove(ResponderHandshake handshake)
    {
        handshake.Dispose();
        if (!_handshakes.Remove(handshake.Id))
        {
            return;
        }

        _byAge.Remove(handshake.ByAge);
        _handshakeCounts[(int)handshake.WorkClass]--;
        if (_tickets.Remove(handshake.Id, out var ticket))
        {
            ticket.Return();
        }

        var remote = handshake.Path.Remote;
        if (!_halfOpen.TryGetValue(remote, out var address))
        {
            return;
        }

        address.Handshakes.Remove(handshake);
        if (address.Handshakes.Count > 0)
        {
            return;
        }

        for (var i = address.Early?.Count ?? 0; i > 0; i--)
        {
            Drops.Add(DropReason.NotAuthentic);
        }

        _earlyBytes -= address.EarlyBytes;
        _halfOpen.Remove(remote);
        if (_routes.Find(remote) is { } entry)
        {
            SetRoute(remote, entry with { HalfOpen = false });
        }

        if (_negotiations.TryGetValue(remote, out var negotiation))
        {
            Pump(negotiation);
        }
    }
}
