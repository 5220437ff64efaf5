using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;

namespace PacketSec.Adversary.Games;

/// <summary>Properties 9 to 12: somebody only listens, and wants to know who talks.</summary>
internal static class EavesdropperGames
{
    public static IReadOnlyList<Game> All { get; } =
    [
        new SearchGame((contestant, seed, _) => Find(contestant, seed, ofServer: false, later: false))
        {
            Name = "9a",
            What = "listens to whole conversations with rekeys; wants the client's key, its hash or its peer ID in any encoding",
        },
        new SearchGame((contestant, seed, _) => Find(contestant, seed, ofServer: false, later: true))
        {
            Name = "9b",
            What = "the same, and gets the server's private key later",
        },
        new SearchGame((contestant, seed, _) => Find(contestant, seed, ofServer: true, later: false))
        {
            Name = "10a",
            What = "listens to whole conversations with rekeys; wants the server's key, its hash or its peer ID in any encoding",
        },
        new SearchGame((contestant, seed, _) => Find(contestant, seed, ofServer: true, later: true))
        {
            Name = "10b",
            What = "the same, and gets the client's private key later",
        },
        new ConfirmGame((contestant, seed, bit) => Which(contestant, seed, bit, ofServer: false))
        {
            Name = "11a",
            What = "listens with two candidates for the client, and tries every key that public data give",
        },
        new ConfirmGame((contestant, seed, bit) => Which(contestant, seed, bit, ofServer: true))
        {
            Name = "12a",
            What = "listens with two candidates for the server, and tries every key that public data give",
        },
    ];

    private static string? Find(Contestant contestant, ulong seed, bool ofServer, bool later)
    {
        var (alice, bob) = (Persona.Of(seed, "Alice"), Persona.Of(seed, "Bob"));
        using var scene = Talk(contestant, seed, alice, bob, rekeys: true);
        var search = (ofServer ? bob : alice).Face.Search;
        if (scene.Recording.Any(datagram => search.Finds(datagram.Bytes)))
        {
            return "on the wire";
        }

        if (!later)
        {
            return null;
        }

        // The other end's key, with which he reads what was meant for it.
        var reader = new NoiseReader([(ofServer ? alice : bob).AgreementKey]);
        return contestant.Views(scene.Recording).Any(view => reader.Read(view, ofServer ? alice.Face : null, ofServer ? null : bob.Face)
            .Plaintexts.Any(plaintext => search.Finds(plaintext))) ? "in a handshake message, once the other end's private key is known" : null;
    }

    private static Sight Which(Contestant contestant, ulong seed, int bit, bool ofServer)
    {
        Persona[] candidates = [Persona.Of(seed, "candidate 0"), Persona.Of(seed, "candidate 1")];
        var (alice, bob) = (ofServer ? Persona.Of(seed, "Alice") : candidates[bit], ofServer ? candidates[bit] : Persona.Of(seed, "Bob"));
        using var scene = Talk(contestant, seed, alice, bob, rekeys: false);
        var recording = scene.Recording;
        Face[] faces = [.. candidates.Select(candidate => candidate.Face)];
        return new(recording, () => ofServer
            ? new Clues(contestant, recording, []).Servers(faces, [alice.Face])
            : new Clues(contestant, recording, []).Clients(faces, [bob.Face]));
    }

    private static Scene Talk(Contestant contestant, ulong seed, Persona alice, Persona bob, bool rekeys)
    {
        var scene = new Scene(contestant, seed);
        var a = scene.Join("A", alice, Scene.AliceAt, known: bob.Face);
        var b = scene.Join("B", bob, Scene.BobAt, _ => Answer.Yes, known: alice.Face);
        a.Dial(bob.Face, Scene.BobAt);
        scene.Run(1);
        for (var i = 0; i < (rekeys ? 30 : 2); i++)
        {
            scene.Send(a, bob.Face, "hello"u8, rekeys ? 1 : 0.1);
            scene.Send(b, alice.Face, "hello yourself"u8, rekeys ? 1 : 0.1);
        }

        if (b.Count(PartyEventKind.Delivered) == 0)
        {
            throw new GameException($"{contestant}: there was no conversation to listen to.");
        }

        return scene;
    }
}
