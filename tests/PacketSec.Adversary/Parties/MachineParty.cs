using PacketSec.Adversary.Tools;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Simulation;
using PacketSec.Simulation.Hosts;

namespace PacketSec.Adversary.Parties;

/// <summary>A party that is a simulated host: the machines of the core, as they ship.</summary>
internal sealed class MachineParty : IParty
{
    private static readonly TimeSpan Slowness = TimeSpan.FromSeconds(5);

    private readonly World _world;
    private readonly SimulatedHost _host;
    private readonly PartySetup _setup;
    private readonly List<PartyEvent> _events = [];
    private int _seen;

    public MachineParty(World world, PartySetup setup, HostOptions options)
    {
        _world = world;
        _setup = setup;
        _host = new(world, setup.Address, setup.Name, options with
        {
            Crypto = setup.Crypto,
            IdentitySeed = setup.Self.Seed,
            RandomSeed = setup.Randomness,
            Application = setup.List is null ? null : Ask,
            DecisionLatency = setup.List?.Invoke([]) == Answer.SlowNo ? Slowness : TimeSpan.Zero,
        })
        {
            PayloadReceived = (from, payload) => Report(PartyEventKind.Delivered, from, payload.ToArray()),
        };
    }

    public NetworkAddress Address => _host.Address;

    public IReadOnlyList<PartyEvent> Events
    {
        get
        {
            for (; _seen < _host.Events.Count; _seen++)
            {
                var happened = _host.Events[_seen];
                switch (happened.Event)
                {
                    case PeerEvent.Opened:
                        Report(PartyEventKind.Opened, happened.Peer!, [], happened.At);
                        break;
                    case PeerEvent.IdentityMismatch mismatch:
                        Report(PartyEventKind.Learned, mismatch.Proven, [], happened.At);
                        break;
                    default:
                        break;
                }
            }

            return _events;
        }
    }

    public SimulatedHost Host => _host;

    public void Dial(Face peer, NetworkAddress at) => _host.Connect(peer.PeerId, at);

    public bool TrySend(Face peer, ReadOnlySpan<byte> payload) => _host.Send(peer.PeerId, payload) == SealResult.Sealed;

    public void Restart() => _host.Restart();

    public string StateDigest(bool withHalfOpen) => _host.StateDigest(withHalfOpen);

    public IEnumerable<byte[]> Memory()
    {
        var walk = new MemoryWalk();
        walk.Add(_host.Endpoint);
        foreach (var peer in _host.Peers)
        {
            walk.Add(peer.Machine);
        }

        return walk.Found;
    }

    public void Dispose() => _host.Dispose();

    private Verdict Ask(PublicKey key)
    {
        var bytes = key.Ed25519.ToArray();
        _events.Add(new(_world.Now, PartyEventKind.Asked, bytes, []));
        return _setup.List!(bytes) switch
        {
            Answer.Yes => Verdict.Allow,
            Answer.Never => Verdict.Silent,
            _ => Verdict.Refuse,
        };
    }

    private void Report(PartyEventKind kind, PeerId peer, byte[] payload, Instant? at = null)
        => _events.Add(new(at ?? _world.Now, kind, peer.TryGetPublicKey(out var key) ? key.Ed25519.ToArray() : [], payload));
}
