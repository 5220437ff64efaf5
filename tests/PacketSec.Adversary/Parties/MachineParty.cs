using System.Buffers.Binary;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Simulation;
using PacketSec.Simulation.Hosts;

namespace PacketSec.Adversary.Parties;

/// <summary>How a client gets in that nobody has met.</summary>
internal enum Introduction
{
    /// <summary>By its key.</summary>
    None,

    /// <summary>By a ticket, of which there is one for each server.</summary>
    Ticket,

    /// <summary>By the name of its site, which the server knows.</summary>
    Site,
}

/// <summary>A party that is a simulated host: the machines of the core, as they ship.</summary>
internal sealed class MachineParty : IParty
{
    private static readonly TimeSpan Slowness = TimeSpan.FromSeconds(5);

    private static readonly TicketConditions Conditions = new() { NotAfter = 1 };

    private readonly TicketLedger _tickets = new();
    private readonly Face _self;
    private readonly World _world;
    private readonly SimulatedHost _host;
    private readonly PartySetup _setup;
    private readonly List<PartyEvent> _events = [];
    private int _seen;

    public MachineParty(World world, PartySetup setup, Introduction introduction, HostOptions options)
    {
        _world = world;
        _setup = setup;
        using var shown = setup.Crypto.ImportEd25519PrivateKey(setup.Self.Seed);
        _self = new(shown.PublicKey);
        using var own = Ticket.Issue(new SeededRandomSource(TokenSeed(_self.PublicKey, true)), _self.PublicKey, [], Conditions);
        _tickets.Add(own.ToRecord(CryptoProvider.Default));
        _host = new(world, setup.Address, setup.Name, options with
        {
            Crypto = setup.Crypto,
            IdentitySeed = setup.Self.Seed,
            RandomSeed = setup.Randomness,
            Application = setup.List is null && introduction != Introduction.Site ? null : Ask,
            SiteId = introduction == Introduction.Site ? SiteIdOf(_self) : null,
            Sites = introduction == Introduction.Site ? setup.Known.DistinctBy(SiteIdOf).ToDictionary(SiteIdOf, known => known.PublicKey) : null,
            TicketFor = introduction == Introduction.Ticket ? TicketFor : null,
            Tickets = introduction == Introduction.Ticket ? Consume : null,
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
        return (_setup.List?.Invoke(bytes) ?? Answer.Yes) switch
        {
            Answer.Yes => Verdict.Allow,
            Answer.Never => Verdict.Silent,
            Answer.Fails => throw new ApplicationFailedException(),
            _ => Verdict.Refuse,
        };
    }

    /// <summary>Asks the list as well, as a server would that hands tickets out to those on it, and takes them back from who is no longer.</summary>
    private TicketOutcome Consume(PublicKey key, PresentedTicket ticket)
    {
        var verdict = Ask(key);
        return verdict == Verdict.Allow ? _tickets.Consume(ticket.ToClaim(key, 0)).Outcome : TicketOutcome.Unknown;
    }

    private Ticket? TicketFor(PeerId peer)
        => peer.TryGetPublicKey(out var key) ? Ticket.Issue(new SeededRandomSource(TokenSeed(key, _setup.HasTicket)), key, [], Conditions) : null;

    private static string SiteIdOf(Face face) => $"{Convert.ToHexStringLower(face.Ed25519)}@test";

    private static ulong TokenSeed(PublicKey server, bool isGenuine) => BinaryPrimitives.ReadUInt64LittleEndian(server.Ed25519) ^ (isGenuine ? 0UL : 1UL);

    private void Report(PartyEventKind kind, PeerId peer, byte[] payload, Instant? at = null)
        => _events.Add(new(at ?? _world.Now, kind, peer.TryGetPublicKey(out var key) ? key.Ed25519.ToArray() : [], payload));
}
