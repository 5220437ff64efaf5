using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Simulation;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Games;

/// <summary>
/// Property 7: somebody who can change everything. He wins with a peer that is reported under another name, or with two ends that both report each
/// other and do not understand each other. That one end alone believes in a session is the matter of properties 4 and 5.
/// </summary>
internal static class MiddleGames
{
    private const int KeySize = 32;

    // 0, 1, two points of order 8, p - 1, p, p + 1, and all ones: of low order, or written in a way that is not canonical.
    private static readonly byte[][] OddPoints =
    [
        .. new[]
        {
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        }.Select(Convert.FromHexString),
    ];

    public static IReadOnlyList<Game> All { get; } =
    [
        new SearchGame(Substitute)
        {
            Name = "7a",
            What = "changes a field of the handshake in all copies: bits, zeros, points of low order or not canonical, at one place or at both ends",
        },
        new SearchGame(Splice)
        {
            Name = "7b",
            What = "exchanges packets between the client's handshake and one of his own with the same server",
        },
        new SearchGame(Reflect)
        {
            Name = "7c",
            What = "sends each side its own packets back",
        },
        new SearchGame(StandInForBoth)
        {
            Name = "7d",
            What = "plays the server to the client and the client to the server",
        },
    ];

    private static string? Substitute(Contestant contestant, ulong seed, int run)
    {
        var (alice, bob) = (Persona.Of(seed, "Alice"), Persona.Of(seed, "Bob"));
        using var scene = new Scene(contestant, seed);
        var a = scene.Join("A", alice, Scene.AliceAt, known: bob.Face);
        var b = scene.Join("B", bob, Scene.BobAt, known: alice.Face);
        var random = new DeterministicRandom(seed);
        var (kind, side, place, packet) = (run % 4, random.Next(3), random.Next(4096), random.Next(3));
        var kinds = new List<(NetworkAddress From, int Length, uint Word)>();
        scene.World.Network.AddTap((in datagram) =>
        {
            if (contestant.IsTransport(datagram.Bytes))
            {
                return TapVerdict.Pass;
            }

            var (fromAlice, from) = (datagram.From == Scene.AliceAt, datagram.From);
            var identity = (from, datagram.Bytes.Length, Header.Read(datagram.Bytes));
            if (!kinds.Contains(identity))
            {
                kinds.Add(identity);
            }

            var number = kinds.Where(known => known.From == from).ToList().IndexOf(identity);
            if ((side == 2 || fromAlice == (side == 0)) && number == packet % kinds.Count(known => known.From == from))
            {
                Change(datagram.Bytes, kind, place);
            }

            return TapVerdict.Pass;
        });
        a.Dial(bob.Face, Scene.BobAt);
        scene.RunDial();
        return Judge(scene, a, b, alice.Face, bob.Face);
    }

    private static string? Splice(Contestant contestant, ulong seed, int run)
    {
        var (alice, bob, mallory) = (Persona.Of(seed, "Alice"), Persona.Of(seed, "Bob"), Persona.Of(seed, "Mallory"));
        using var scene = new Scene(contestant, seed);
        var a = scene.Join("A", alice, Scene.AliceAt, known: bob.Face);
        var b = scene.Join("B", bob, Scene.BobAt, known: [alice.Face, mallory.Face]);
        var m = scene.Join("M", mallory, Scene.MalloryAt, known: bob.Face);
        var random = new DeterministicRandom(seed);
        var crossed = new Dictionary<uint, bool>();
        scene.World.Network.AddTap((in datagram) =>
        {
            if (contestant.IsTransport(datagram.Bytes))
            {
                return TapVerdict.Pass;
            }

            // The same packets of both are exchanged, each way.
            var key = Header.Read(datagram.Bytes);
            if (!crossed.TryGetValue(key, out var isCrossed))
            {
                crossed[key] = isCrossed = random.Next(2) == 0;
            }

            if (!isCrossed)
            {
                return TapVerdict.Pass;
            }

            var (from, to) = (Exchange(datagram.From), Exchange(datagram.To));
            scene.World.Network.Inject(from, to, datagram.Bytes, TimeSpan.FromMilliseconds(5));
            return TapVerdict.Drop;
        });
        a.Dial(bob.Face, Scene.BobAt);
        m.Dial(bob.Face, Scene.BobAt);
        scene.RunDial();
        _ = run;
        a.TrySend(bob.Face, "from Alice"u8);
        m.TrySend(bob.Face, "from Mallory"u8);
        scene.Run(0.5);
        return b.HasReceived(mallory.Face, "from Alice"u8) || b.HasReceived(alice.Face, "from Mallory"u8) ? "the server takes one's payload for the other's"
            : IsMisled(a, bob.Face) || IsMisled(m, bob.Face) ? "a client takes another for the server" : null;
    }

    private static string? Reflect(Contestant contestant, ulong seed, int run)
    {
        var (alice, bob) = (Persona.Of(seed, "Alice"), Persona.Of(seed, "Bob"));
        using var scene = new Scene(contestant, seed);
        var a = scene.Join("A", alice, Scene.AliceAt, known: bob.Face);
        scene.World.Network.AddTap((in datagram) =>
        {
            var copy = datagram.Bytes.ToArray();
            if (run % 2 == 1 && copy.Length > 0)
            {
                copy[0] ^= 0x80;
            }

            scene.World.Network.Inject(datagram.To, datagram.From, copy, TimeSpan.FromMilliseconds(5));
            return TapVerdict.Drop;
        });
        a.Dial(bob.Face, Scene.BobAt);
        scene.RunDial();
        return a.Count(PartyEventKind.Opened) > 0 ? "a client talks to itself" : null;
    }

    private static string? StandInForBoth(Contestant contestant, ulong seed, int run)
    {
        var (alice, bob, mallory) = (Persona.Of(seed, "Alice"), Persona.Of(seed, "Bob"), Persona.Of(seed, "Mallory"));
        using var scene = new Scene(contestant, seed);
        var a = scene.Join("A", alice, Scene.AliceAt, known: bob.Face);
        var b = scene.Join("B", bob, Scene.BobAt, known: alice.Face);

        // Towards the client he stands at another address, which the client was told.
        var toServer = scene.Join("Mb", mallory, Scene.MalloryAt, crypto: new LyingCrypto(CryptoProvider.Default, mallory, alice), known: bob.Face);
        scene.Join("Ma", mallory, Addresses.Host(0x0501), crypto: new LyingCrypto(CryptoProvider.Default, mallory, bob), known: alice.Face);
        a.Dial(bob.Face, Addresses.Host(0x0501));
        toServer.Dial(bob.Face, Scene.BobAt);
        scene.RunDial();
        _ = run;
        return a.Has(PartyEventKind.Opened, bob.Face) ? "the client takes him for the server"
            : b.Has(PartyEventKind.Opened, alice.Face) ? "the server takes him for the client" : null;
    }

    private static string? Judge(Scene scene, IParty a, IParty b, Face alice, Face bob)
    {
        if (IsMisled(a, bob) || IsMisled(b, alice))
        {
            return "somebody is reported under another name";
        }

        if (a.Count(PartyEventKind.Opened) == 0 || b.Count(PartyEventKind.Opened) == 0)
        {
            return null;
        }

        var sent = a.TrySend(bob, "from Alice"u8) & b.TrySend(alice, "from Bob"u8);
        scene.Run(3);
        return sent && (!b.HasReceived(alice, "from Alice"u8) || !a.HasReceived(bob, "from Bob"u8)) ? "both report each other, and have other keys" : null;
    }

    private static bool IsMisled(IParty party, Face expected) => party.Events.Any(happened => happened.Kind == PartyEventKind.Opened && !expected.Is(happened.Key));

    private static NetworkAddress Exchange(NetworkAddress address)
        => address == Scene.AliceAt ? Scene.MalloryAt : address == Scene.MalloryAt ? Scene.AliceAt : address;

    private static void Change(Span<byte> bytes, int kind, int place)
    {
        var at = place % bytes.Length;
        switch (kind)
        {
            case 0:
                bytes[at] ^= (byte)(1 << (place % 8));
                break;
            case 1:
                bytes[at..Math.Min(bytes.Length, at + KeySize)].Clear();
                break;
            case 2 when bytes.Length >= KeySize + 4:
                // Ephemeral keys stand right behind the header, where the contestants have one.
                OddPoints[place % OddPoints.Length].CopyTo(bytes[4..]);
                break;
            default:
                OddPoints[place % OddPoints.Length].AsSpan(0, Math.Min(KeySize, bytes.Length - at)).CopyTo(bytes[at..]);
                break;
        }
    }
}
