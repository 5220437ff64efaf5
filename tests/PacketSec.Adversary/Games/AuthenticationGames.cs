using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Simulation;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Games;

/// <summary>Properties 2 to 5: who believes what about whom.</summary>
internal static class AuthenticationGames
{
    private const int MostDropped = 8;

    // Longer than the list takes at most, and than a dial lasts.
    private const double AnswerTime = 12;

    // When the client is asked whether it has verified the server; in between it may only wait for its own timers.
    private static readonly double[] Probes = [0.02, 0.3, 1];

    public static IReadOnlyList<Game> All { get; } =
    [
        new SearchGame((contestant, seed, _) => ClaimClient(contestant, seed, withServerKey: false, PartyEventKind.Opened, PartyEventKind.Asked))
        {
            Name = "2a",
            What = "a stranger who knows both public keys; wants to be reported, or asked about, as the client",
        },
        new SearchGame((contestant, seed, _) => ClaimClient(contestant, seed, withServerKey: true, PartyEventKind.Opened))
        {
            Name = "2b",
            What = "the same with the server's private key too; wants to be reported",
        },
        new SearchGame((contestant, seed, _) => ClaimClient(contestant, seed, withServerKey: true, PartyEventKind.Asked))
        {
            Name = "2c",
            What = "the same; wants the access list to be asked about the client",
        },
        new SearchGame(ClaimServer)
        {
            Name = "3a",
            What = "stands where the server should, knowing all public keys, and in every other run changes a byte of each answer; wants the client to report the server",
        },
        new SearchGame(DropTheAnswer)
        {
            Name = "4a",
            What = "drops the server's packets from some number on; wants the server to report a client that has not verified it",
        },
        new SearchGame((contestant, seed, _) => Refuse(contestant, seed, Answer.No))
        {
            Name = "5a",
            What = "the server's access list says no; the client must not report the server",
        },
        new SearchGame((contestant, seed, run) => Refuse(contestant, seed, run % 2 == 0 ? Answer.SlowNo : Answer.Never))
        {
            Name = "5b",
            What = "the access list says no after 5 s, or nothing; the client must not report the server",
        },
        new SearchGame(DropTheFinish)
        {
            Name = "5c",
            What = "drops the client's packets from some number on; the client must not report a server that has not accepted it",
        },
        new SearchGame((contestant, seed, _) => Fail(contestant, seed))
        {
            Name = "5d",
            What = "the access list fails; the client must not report the server, and nothing may tell a failure from a no",
        },
    ];

    private static string? ClaimClient(Contestant contestant, ulong seed, bool withServerKey, params PartyEventKind[] wanted)
    {
        var (alice, bob, mallory) = (Persona.Of(seed, "Alice"), Persona.Of(seed, "Bob"), Persona.Of(seed, "Mallory"));
        using var scene = new Scene(contestant, seed);
        var b = scene.Join("B", bob, Scene.BobAt, key => alice.Face.Is(key) ? Answer.Yes : Answer.No, known: alice.Face);
        var lies = new LyingCrypto(CryptoProvider.Default, mallory, alice, withServerKey ? [bob] : null);
        var m = scene.Join("M", mallory, Scene.MalloryAt, crypto: lies, known: bob.Face);
        m.Dial(bob.Face, Scene.BobAt);
        scene.RunDial();
        return wanted.Contains(PartyEventKind.Opened) && b.Has(PartyEventKind.Opened, alice.Face) ? "the server reports the client"
            : wanted.Contains(PartyEventKind.Asked) && b.Has(PartyEventKind.Asked, alice.Face) ? "the access list is asked about the client" : null;
    }

    private static string? ClaimServer(Contestant contestant, ulong seed, int run)
    {
        var (alice, bob, mallory) = (Persona.Of(seed, "Alice"), Persona.Of(seed, "Bob"), Persona.Of(seed, "Mallory"));
        using var scene = new Scene(contestant, seed);
        var a = scene.Join("A", alice, Scene.AliceAt, known: bob.Face);
        scene.Join("M", mallory, Scene.BobAt, crypto: new LyingCrypto(CryptoProvider.Default, mallory, bob), known: alice.Face);
        if (run % 2 == 1)
        {
            var position = new DeterministicRandom(seed).Next(4096);
            scene.World.Network.AddTap((in datagram) =>
            {
                if (datagram.From == Scene.BobAt)
                {
                    datagram.Bytes[position % datagram.Bytes.Length] ^= (byte)(1 << (position / datagram.Bytes.Length % 8));
                }

                return TapVerdict.Pass;
            });
        }

        a.Dial(bob.Face, Scene.BobAt);
        scene.Run(1);
        var believes = a.Has(PartyEventKind.Opened, bob.Face) || a.TrySend(bob.Face, "hello"u8);
        scene.RunDial();
        return believes || a.Has(PartyEventKind.Opened, bob.Face) ? "the client takes him for the server" : null;
    }

    private static string? DropTheAnswer(Contestant contestant, ulong seed, int run)
    {
        using var duel = new Duel(contestant, seed, _ => Answer.Yes);
        var (first, both, count) = (run % MostDropped, run / MostDropped % 2 == 1, 0);
        var isOver = false;
        duel.Scene.World.Network.AddTap((in datagram) =>
        {
            if (datagram.From == Scene.BobAt && count++ >= first)
            {
                isOver = true;
            }

            return isOver && (both || datagram.From == Scene.BobAt) ? TapVerdict.Drop : TapVerdict.Pass;
        });
        duel.Dial();
        var reported = duel.Scene.World.RunUntil(() => duel.B.Has(PartyEventKind.Opened, duel.Alice), TimeSpan.FromSeconds(duel.Scene.DialTime));
        if (!reported)
        {
            return null;
        }

        foreach (var probe in Probes)
        {
            duel.Scene.Run(probe);
            if (duel.A.Has(PartyEventKind.Opened, duel.Bob) || duel.A.TrySend(duel.Bob, "hello"u8))
            {
                return null;
            }
        }

        return "the server reports a client that has not verified it";
    }

    private static string? Refuse(Contestant contestant, ulong seed, Answer answer)
    {
        using var duel = new Duel(contestant, seed, _ => answer);
        duel.Dial();
        duel.Scene.Run(AnswerTime);
        return duel.A.Has(PartyEventKind.Opened, duel.Bob) ? "the client reports a server that did not accept it" : null;
    }

    private static string? DropTheFinish(Contestant contestant, ulong seed, int run)
    {
        using var duel = new Duel(contestant, seed, _ => Answer.Yes);
        var (first, count) = (run % MostDropped, 0);
        duel.Scene.World.Network.AddTap((in datagram) => datagram.From == Scene.AliceAt && count++ >= first ? TapVerdict.Drop : TapVerdict.Pass);
        duel.Dial();
        duel.Scene.RunDial();
        return duel.A.Has(PartyEventKind.Opened, duel.Bob) && !duel.B.Has(PartyEventKind.Asked, duel.Alice)
            ? "the client reports a server that knows nothing of it" : null;
    }

    private static string? Fail(Contestant contestant, ulong seed)
    {
        RecordedDatagram[] refused = [];
        foreach (var answer in new[] { Answer.No, Answer.Fails })
        {
            using var duel = new Duel(contestant, seed, _ => answer);
            duel.Dial();
            duel.Scene.Run(AnswerTime);
            if (duel.A.Has(PartyEventKind.Opened, duel.Bob))
            {
                return "the client reports a server that did not accept it";
            }

            RecordedDatagram[] seen = [.. duel.Scene.Recording];
            if (answer == Answer.Fails && (Transcript.FirstShapeDifference(refused, seen) is not null || Transcript.EqualBytes(refused, seen) < seen.Length))
            {
                return "a failure does not look like a no";
            }

            refused = seen;
        }

        return null;
    }

    /// <summary>A client and a server with an access list.</summary>
    private sealed class Duel : IDisposable
    {
        public Duel(Contestant contestant, ulong seed, Func<byte[], Answer> list)
        {
            var (alice, bob) = (Persona.Of(seed, "Alice"), Persona.Of(seed, "Bob"));
            (Alice, Bob) = (alice.Face, bob.Face);
            Scene = new(contestant, seed);
            A = Scene.Join("A", alice, Scene.AliceAt, known: Bob);
            B = Scene.Join("B", bob, Scene.BobAt, list, known: Alice);
        }

        public Scene Scene { get; }

        public Face Alice { get; }

        public Face Bob { get; }

        public IParty A { get; }

        public IParty B { get; }

        public void Dial() => A.Dial(Bob, Scene.BobAt);

        public void Dispose() => Scene.Dispose();
    }
}
