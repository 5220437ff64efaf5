using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;

namespace PacketSec.Internal;

/// <content>What peers and the endpoint machine say to each other about negotiations.</content>
internal sealed partial class EndpointDriver
{
    private readonly Queue<(PeerHandle Peer, NegotiationRequest Request)> _requests = new();
    private readonly Queue<(PeerHandle Peer, NegotiationReport Report)> _reports = new();

    private bool _endpointChanged;

    /// <summary>
    /// Carries what peers and the endpoint machine have to say to each other about negotiations, until neither has anything. Not while either is
    /// being settled: the outboxes are in use then.
    /// </summary>
    private void CarryNegotiations(Instant now)
    {
        while (true)
        {
            if (_requests.TryDequeue(out var request))
            {
                lock (_gate)
                {
                    _machine.HandleNegotiation(now, request.Peer, request.Request);
                    _endpointOutbox.Collect(_machine);
                }

                SettleEndpoint(now);
            }
            else if (_reports.TryDequeue(out var report))
            {
                if (_peers.TryGetValue(report.Peer, out var peer))
                {
                    Instant? deadline;
                    lock (peer.Gate)
                    {
                        peer.Machine.HandleNegotiation(now, report.Report);
                        _peerOutbox.Collect(now, peer.Machine, _aead);
                        deadline = peer.Machine.NextDeadline;
                    }

                    Settle(now, peer, deadline);
                }
            }
            else if (_endpointChanged)
            {
                _endpointChanged = false;
                SettleEndpoint(now);
            }
            else
            {
                return;
            }
        }
    }
}
