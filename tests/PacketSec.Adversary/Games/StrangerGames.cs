using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Games;

/// <summary>Properties 8, 14 and 15: a stranger calls servers that do not want to be called.</summary>
internal static class StrangerGames
{
    private const int Servers = 3;

    public static IReadOnlyList<Game> All { get; } =
    [
        new SearchGame(WarDial)
        {
            Name = "8a",
            What = "calls servers without their keys, and again with what they told; wants a session, or a question to an access list",
        },
        new SearchGame(SameAnswers)
        {
            Name = "8b",
            What = "the same; wants two servers to answer differently, randomness being equal",
        },
        new SearchGame(AnyAnswer)
        {
            Name = "8c",
            What = "a stranger without the network's key, or with another, who knows the server's; wants any answer",
            NeedsNetworkKey = true,
        },
        new SearchGame(LearnServer)
        {
            Name = "14a",
            What = "an unauthorised client without the server's key; wants the key",
        },
        new ConfirmGame(WhichServer)
        {
            Name = "15a",
            What = "an unauthorised client with two candidates, who calls both; wants to know which of them the server is",
            SameBytes = true,
        },
    ];

    private static string? WarDial(Contestant contestant, ulong seed, int run)
    {
        using var scene = new Scene(contestant, seed);
        var servers = Enumerable.Range(0, Servers).Select(number => scene.Join(
            $"S{number}", Persona.Of(seed, $"server {number}"), Addresses.Host(0x1001 + number), _ => Answer.Yes)).ToArray();
        _ = run;
        foreach (var server in servers)
        {
            CallBlindly(scene, seed, server.Address, "Mallory");
        }

        return servers.Any(server => server.Count(PartyEventKind.Opened) > 0) ? "a session"
            : servers.Any(server => server.Count(PartyEventKind.Asked) > 0) ? "the access list is asked" : null;
    }

    private static string? SameAnswers(Contestant contestant, ulong seed, int run)
    {
        _ = run;
        IReadOnlyList<RecordedDatagram>? first = null;
        for (var number = 0; number < Servers; number++)
        {
            using var scene = new Scene(contestant, seed);
            scene.Join("S", Persona.Of(seed, $"server {number}"), Scene.BobAt, _ => Answer.No);
            var m = scene.Join("M", Persona.Of(seed, "Mallory"), Scene.MalloryAt);
            m.Dial(Persona.Of(seed, "nobody").Face, Scene.BobAt);
            scene.RunDial();
            var answers = scene.Recording.Where(datagram => datagram.From == Scene.BobAt).ToArray();
            if (first is not null && (Transcript.FirstShapeDifference(first, answers) is not null || Transcript.EqualBytes(first, answers) < answers.Length))
            {
                return "servers answer differently";
            }

            first = answers;
        }

        return null;
    }

    private static string? AnyAnswer(Contestant contestant, ulong seed, int run)
    {
        _ = run;
        var bob = Persona.Of(seed, "Bob");
        using var scene = new Scene(contestant, seed);
        scene.Join("B", bob, Scene.BobAt, _ => Answer.Yes);
        var m = scene.JoinAsStranger("M", Persona.Of(seed, "Mallory"), Scene.MalloryAt);
        m.Dial(bob.Face, Scene.BobAt);
        scene.RunDial();
        return scene.Recording.Any(datagram => datagram.From == Scene.BobAt) ? "the server answers" : null;
    }

    private static string? LearnServer(Contestant contestant, ulong seed, int run)
    {
        var (alice, bob) = (Persona.Of(seed, "Alice"), Persona.Of(seed, "Bob"));
        using var scene = new Scene(contestant, seed);
        scene.Join("B", bob, Scene.BobAt, key => alice.Face.Is(key) ? Answer.Yes : Answer.No, known: alice.Face);
        _ = run;
        var learned = CallBlindly(scene, seed, Scene.BobAt, "Mallory");
        var search = bob.Face.Search;
        return learned.Any(key => bob.Face.Is(key)) ? "the server proves its key to him"
            : scene.Recording.Any(datagram => search.Finds(datagram.Bytes)) ? "the server's key on the wire" : null;
    }

    private static Sight WhichServer(Contestant contestant, ulong seed, int bit)
    {
        var alice = Persona.Of(seed, "Alice");
        Persona[] candidates = [Persona.Of(seed, "Bob 0"), Persona.Of(seed, "Bob 1")];
        using var scene = new Scene(contestant, seed);
        scene.Join("B", candidates[bit], Scene.BobAt, key => alice.Face.Is(key) ? Answer.Yes : Answer.No, known: alice.Face);
        var told = "";
        var secrets = new List<byte[]>();
        for (var i = 0; i < candidates.Length; i++)
        {
            var at = Addresses.Host(0x0301 + i);
            var watched = new WatchedCrypto(CryptoProvider.Default);
            var mallory = Persona.Of(seed, $"Mallory {i}");
            var m = scene.Join($"M{i}", mallory, at, crypto: watched, known: candidates[i].Face);
            m.Dial(candidates[i].Face, Scene.BobAt);
            scene.RunDial();
            told += $"{m.Count(PartyEventKind.Opened)}{string.Join(',', m.Events.Where(happened => happened.Kind == PartyEventKind.Learned)
                .Select(happened => Array.FindIndex(candidates, candidate => candidate.Face.Is(happened.Key))).Distinct())};";
            secrets.AddRange(watched.AllAgreementKeys);
        }

        Face[] faces = [.. candidates.Select(candidate => candidate.Face)];
        return new(scene.Recording, () => told + new Clues(contestant, scene.Recording, secrets).Servers(faces, [Persona.Of(seed, "Mallory 0").Face]));
    }

    /// <summary>Calls somebody that does not exist, and then whoever proved to be there.</summary>
    private static List<byte[]> CallBlindly(Scene scene, ulong seed, NetworkAddress at, string name)
    {
        var mallory = Persona.Of(seed, name);
        var learned = new List<byte[]>();
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var from = Addresses.Host(0x2001 + (int)(at.Address & 0xFFFF) + (attempt * 0x10000));
            var target = attempt == 0 ? Persona.Of(seed, "nobody").Face : learned.Count > 0 ? new Face(learned[0]) : null;
            if (target is null)
            {
                break;
            }

            using var m = scene.Join($"M{attempt}", mallory, from, known: target);
            m.Dial(target, at);
            scene.RunDial();
            learned.AddRange(m.Events.Where(happened => happened.Kind is PartyEventKind.Learned or PartyEventKind.Opened).Select(happened => happened.Key)
                .Where(key => !Persona.Of(seed, "nobody").Face.Is(key)));
        }

        return learned;
    }
}
