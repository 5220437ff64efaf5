using PacketSec.Adversary.Contestants;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Simulation;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Parties;

/// <summary>A world with the persons of a game, and a recording of all that went over its wires.</summary>
internal sealed class Scene : IDisposable
{
    public static readonly NetworkAddress AliceAt = Addresses.Host(0x0101);
    public static readonly NetworkAddress BobAt = Addresses.Host(0x0201);
    public static readonly NetworkAddress MalloryAt = Addresses.Host(0x0301);

    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(5);

    // The honest client: strangers make tickets up.
    private const string HolderOfTickets = "A";

    private readonly Contestant _contestant;
    private readonly List<IParty> _parties = [];
    private readonly RecordingTap _tap = new();

    public Scene(Contestant contestant, ulong seed)
    {
        _contestant = contestant;
        Seed = seed;
        World = new(seed) { Network = { Conditions = new() { Latency = Latency } } };
        World.Network.AddTap(_tap);
    }

    public ulong Seed { get; }

    public World World { get; }

    /// <summary>Gets everything that the parties sent, also what the adversary then dropped.</summary>
    public IReadOnlyList<RecordedDatagram> Recording => _tap.Datagrams;

    /// <summary>Adds somebody who speaks the protocol. The name decides what he draws, not the key.</summary>
    public IParty Join(string name, Persona self, NetworkAddress at, Func<byte[], Answer>? list = null, ICryptoProvider? crypto = null, params Face[] known)
        => Join(name, self, at, isMember: true, list, crypto, known);

    /// <summary>Adds somebody who speaks the protocol, and has not got the network's key where there is one.</summary>
    public IParty JoinAsStranger(string name, Persona self, NetworkAddress at) => Join(name, self, at, isMember: false, null, null, []);
    /// <summary>Gets how long a dial is watched: past its deadline in every fourth world, else for its first retries, which cost less to compute.</summary>
    public double DialTime => Seed % 4 == 0 ? 12 : 3;

    public void RunDial() => Run(DialTime);

    public void Run(double seconds) => World.RunFor(TimeSpan.FromSeconds(seconds));

    public void ClearRecording() => _tap.Clear();

    /// <summary>Sends a payload, and lets it arrive.</summary>
    public void Send(IParty from, Face to, ReadOnlySpan<byte> payload, double seconds = 0.1)
    {
        from.TrySend(to, payload);
        Run(seconds);
    }

    public void Dispose()
    {
        foreach (var party in _parties)
        {
            party.Dispose();
        }
    }

    private IParty Join(
        string name, Persona self, NetworkAddress at, bool isMember, Func<byte[], Answer>? list, ICryptoProvider? crypto, IReadOnlyList<Face> known)
    {
        var party = _contestant.Join(World, new()
        {
            Name = name,
            Self = self,
            Address = at,
            Randomness = name.Aggregate(Seed, (hash, letter) => unchecked((hash ^ letter) * 0x9E3779B97F4A7C15)),
            List = list,
            Crypto = crypto ?? CryptoProvider.Default,
            Known = known,
            IsMember = isMember,
            HasTicket = name == HolderOfTickets,
        });
        _parties.Add(party);
        return party;
    }
}
