using System.Collections.Concurrent;
using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Parties;

namespace PacketSec.Adversary.Games;

/// <summary>
/// Checks that a scheme works where nobody attacks: against one that lets nobody in no adversary ever wins, and that means nothing.
/// </summary>
internal static class Honest
{
    private static readonly ConcurrentDictionary<string, string?> Known = new();

    /// <exception cref="GameException">Two honest peers do not get to talk.</exception>
    public static void Check(Contestant contestant)
    {
        if (!contestant.IsControl && Known.GetOrAdd(contestant.Name, _ => Fault(contestant)) is { } fault)
        {
            throw new GameException($"{contestant}: {fault}");
        }
    }

    private static string? Fault(Contestant contestant)
    {
        var (alice, bob) = (Persona.Of(0, "Alice"), Persona.Of(0, "Bob"));
        using var scene = new Scene(contestant, 0);
        var a = scene.Join("A", alice, Scene.AliceAt, known: bob.Face);
        var b = scene.Join("B", bob, Scene.BobAt, key => alice.Face.Is(key) ? Answer.Yes : Answer.No, known: alice.Face);
        a.Dial(bob.Face, Scene.BobAt);
        scene.Run(1);
        a.TrySend(bob.Face, "ping"u8);
        b.TrySend(alice.Face, "pong"u8);
        scene.Run(1);
        return !b.Has(PartyEventKind.Asked, alice.Face) ? "the access list is not asked about an honest client"
            : !a.Has(PartyEventKind.Opened, bob.Face) || !b.Has(PartyEventKind.Opened, alice.Face) ? "two honest peers do not report each other"
            : !b.HasReceived(alice.Face, "ping"u8) || !a.HasReceived(bob.Face, "pong"u8) ? "two honest peers do not hear each other" : null;
    }
}
