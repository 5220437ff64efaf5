using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Streams;
using PacketSec.Simulation.Hosts;

namespace PacketSec.Simulation.Streams;

/// <summary>One side of a connection over the sessions of a host, which come and go as they do in a process.</summary>
internal sealed class HostedConnection : IActor
{
    // How long after nothing could be sent a driver would be told that it can; here it looks.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    private readonly World _world;
    private readonly SimulatedHost _host;
    private readonly PeerId _peer;
    private readonly byte[] _payload;
    private StreamCarrier? _carrier;

    public HostedConnection(World world, SimulatedHost host, PeerId peer, StreamOptions options, ulong seed, int mostPayload)
    {
        (_world, _host, _peer) = (world, host, peer);
        _payload = new byte[mostPayload - SpecLimits.DatagramOverhead];
        var side = LeaderElection.Compare(host.PeerId.Multihash, peer.Multihash) < 0 ? StreamSide.Even : StreamSide.Odd;
        Machine = new(world.Now, side, options, new SeededRandomSource(seed));
        host.PayloadReceived = (_, payload) =>
        {
            Verdicts[(int)Machine.HandlePacket(world.Now, host.OpenedOn(peer), payload)]++;
            Pump();
        };
        world.Add(this);
    }

    public string Name => _host.Name + " streams";

    public ConnectionMachine Machine { get; }

    public long[] Verdicts { get; } = new long[Enum.GetValues<PacketVerdict>().Length];

    /// <summary>Gets the streams that the peer opened.</summary>
    public List<StreamState> Opened { get; } = [];

    /// <summary>Gets or sets what the application does whenever something happened.</summary>
    public Action? Application { get; set; }

    public Instant? NextDeadline
    {
        get
        {
            var deadline = Machine.NextDeadline;
            var look = _carrier is null && Machine.WantsToSend ? _world.Now + Look : (Instant?)null;
            return look is { } at && !(deadline < at) ? at : deadline;
        }
    }

    public void OnTimeout(Instant now)
    {
        if (Machine.NextDeadline <= now)
        {
            Machine.HandleTimeout(now);
        }

        Pump();
    }

    /// <summary>Lets the application work, and sends what may be sent.</summary>
    public void Pump()
    {
        while (Machine.TryPollEvent(out var what))
        {
            if (what.Kind == StreamEventKind.StreamOpened)
            {
                Opened.Add(what.Stream!);
            }
        }

        Application?.Invoke();
        _host.SendPackets(_peer, Machine, ref _carrier, _payload);
    }
}
