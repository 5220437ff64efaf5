using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Simulation;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Games;

/// <summary>
/// Property 16: somebody whom the client calls by mistake, or who stands between the two. What a relay to the true server sees after the client's last
/// handshake message is no part of it: there the answer itself tells, in every protocol.
/// </summary>
internal static class WrongNumberGames
{
    public static IReadOnlyList<Game> All { get; } =
    [
        new ConfirmGame((contestant, seed, bit) => WrongNumber(contestant, seed, bit, ofServer: false))
        {
            Name = "16a",
            What = "a wrong number, with two candidates for the client who calls it",
        },
        new ConfirmGame((contestant, seed, bit) => WrongNumber(contestant, seed, bit, ofServer: true))
        {
            Name = "16b",
            What = "a wrong number, with two candidates for whom the client meant",
        },
        new ConfirmGame((contestant, seed, bit) => Middle(contestant, seed, bit, ofServer: false))
        {
            Name = "16c",
            What = "stands between, changes what he likes, and ends it after the client's last handshake message; two candidates for the client",
        },
        new ConfirmGame((contestant, seed, bit) => Middle(contestant, seed, bit, ofServer: true))
        {
            Name = "16d",
            What = "the same with two candidates for the server, whom he also calls himself",
        },
    ];

    private static Sight WrongNumber(Contestant contestant, ulong seed, int bit, bool ofServer)
    {
        Persona[] candidates = [Persona.Of(seed, "candidate 0"), Persona.Of(seed, "candidate 1")];
        var alice = ofServer ? Persona.Of(seed, "Alice") : candidates[bit];
        var target = ofServer ? candidates[bit] : Persona.Of(seed, "Bob");
        var mallory = Persona.Of(seed, "Mallory");
        using var scene = new Scene(contestant, seed);

        // In every other world he claims to be the one who is meant, as well as he can.
        var watched = new WatchedCrypto(CryptoProvider.Default);
        var claimed = ofServer ? candidates[0] : target;
        ICryptoProvider crypto = seed % 2 == 0 ? watched : new LyingCrypto(watched, mallory, claimed);
        var a = scene.Join("A", alice, Scene.AliceAt, known: target.Face);
        var m = scene.Join("M", mallory, Scene.MalloryAt, _ => Answer.Yes, crypto, known: [.. candidates.Select(candidate => candidate.Face), alice.Face]);
        a.Dial(target.Face, Scene.MalloryAt);
        scene.RunDial();
        Face[] faces = [.. candidates.Select(candidate => candidate.Face)];
        Face[] others = ofServer ? [Persona.Of(seed, "Alice").Face] : [mallory.Face, target.Face];
        var told = string.Join(',', m.Events.Select(happened => $"{happened.Kind}{Array.FindIndex(faces, face => face.Is(happened.Key))}").Distinct());
        return Look(contestant, scene, watched, mallory, told, clues => ofServer ? clues.Servers(faces, others) : clues.Clients(faces, others));
    }

    private static Sight Middle(Contestant contestant, ulong seed, int bit, bool ofServer)
    {
        Persona[] candidates = [Persona.Of(seed, "candidate 0"), Persona.Of(seed, "candidate 1")];
        var (alice, bob) = (ofServer ? Persona.Of(seed, "Alice") : candidates[bit], ofServer ? candidates[bit] : Persona.Of(seed, "Bob"));
        var mallory = Persona.Of(seed, "Mallory");
        using var scene = new Scene(contestant, seed);
        var watched = new WatchedCrypto(CryptoProvider.Default);
        var a = scene.Join("A", alice, Scene.AliceAt, known: bob.Face);
        scene.Join("B", bob, Scene.BobAt, key => alice.Face.Is(key) ? Answer.Yes : Answer.No, known: alice.Face);
        Disturb(contestant, scene, seed);
        a.Dial(bob.Face, Scene.BobAt);
        var told = "";
        Face[] faces = [.. candidates.Select(candidate => candidate.Face)];
        if (ofServer)
        {
            var m = scene.Join("M", mallory, Scene.MalloryAt, crypto: watched, known: faces[0]);
            m.Dial(faces[0], Scene.BobAt);
            scene.RunDial();
            told = string.Join(',', m.Events.Select(happened => $"{happened.Kind}{Array.FindIndex(faces, face => face.Is(happened.Key))}").Distinct());
        }
        else
        {
            scene.RunDial();
        }

        return Look(contestant, scene, watched, mallory, told, clues => ofServer ? clues.Servers(faces, [alice.Face, mallory.Face]) : clues.Clients(faces, [bob.Face]));
    }

    /// <summary>Changes a bit of some packets, and lets nothing through that is not of the handshake.</summary>
    private static void Disturb(Contestant contestant, Scene scene, ulong seed)
    {
        var random = new DeterministicRandom(seed);
        var isOver = false;
        scene.World.Network.AddTap((in datagram) =>
        {
            if (datagram.From == Scene.MalloryAt || datagram.To == Scene.MalloryAt)
            {
                return TapVerdict.Pass;
            }

            isOver |= contestant.IsTransport(datagram.Bytes);
            if (random.Chance(0.1))
            {
                datagram.Bytes[random.Next(datagram.Bytes.Length)] ^= 1;
            }

            return isOver ? TapVerdict.Drop : TapVerdict.Pass;
        });
    }

    private static Sight Look(Contestant contestant, Scene scene, WatchedCrypto watched, Persona mallory, string told, Func<Clues, string> look)
    {
        byte[][] secrets = [.. watched.AllAgreementKeys, mallory.AgreementBytes];
        var last = Enumerable.Range(0, scene.Recording.Count).Where(i => contestant.IsTransport(scene.Recording[i].Bytes)).DefaultIfEmpty(scene.Recording.Count).First();
        var recording = scene.Recording.Take(last).ToArray();
        return new(recording, () => $"{told} {look(new(contestant, recording, secrets))}");
    }
}
