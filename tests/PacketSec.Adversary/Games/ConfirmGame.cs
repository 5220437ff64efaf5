using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Tools;
using PacketSec.Simulation;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Games;

/// <summary>What an adversary gets to see of a world.</summary>
/// <param name="Recording">The datagrams.</param>
/// <param name="Clues">Makes of them what he can with all that he knows; the same clues mean the same to him.</param>
internal sealed record Sight(IReadOnlyList<RecordedDatagram> Recording, Func<string> Clues);

/// <summary>Builds the world that belongs to a bit, and lets the adversary at it. Nothing but the bit may tell the two worlds of a seed apart.</summary>
internal delegate Sight Hide(Contestant contestant, ulong seed, int bit);

/// <summary>
/// A game about one hidden bit. The adversary learns beforehand, in worlds of his own making, what each bit looks like: direction, size and order of
/// datagrams, and his clues. Then he guesses. It is passed when he does no better than a coin, and when both worlds of each seed look the same.
/// </summary>
internal sealed class ConfirmGame(Hide hide) : Game
{
    private const int LeastTraining = 8;
    private const int TrainingShare = 20;

    public override bool IsConfirm => true;

    /// <summary>Gets a value indicating whether the worlds must be the same byte by byte: nothing in them depends on a key that the adversary lacks.</summary>
    public bool SameBytes { get; init; }

    public override Measurement Play(Contestant contestant, ulong seed, int runs)
    {
        var learner = new Learner();
        for (var i = 0; i < Math.Max(LeastTraining, runs / TrainingShare); i++)
        {
            var own = SeedOf(~seed, i);
            learner.Learn(hide(contestant, own, 0), 0);
            learner.Learn(hide(contestant, own, 1), 1);
        }

        var coin = new DeterministicRandom(seed);
        var (wins, differing, equalBytes, sizes) = (0, 0, int.MaxValue, 0);
        for (var run = 0; run < runs; run++)
        {
            var own = SeedOf(seed, run);
            var bit = coin.Next(2);
            Sight[] sights = [hide(contestant, own, 0), hide(contestant, own, 1)];
            wins += (learner.Guess(sights[bit]) ?? coin.Next(2)) == bit ? 1 : 0;
            var (one, other) = (sights[0].Recording, sights[1].Recording);
            var equal = Transcript.EqualBytes(one, other);
            var same = Transcript.FirstShapeDifference(one, other) is null && (!SameBytes || equal == one.Count);
            differing += same ? 0 : 1;
            (equalBytes, sizes) = equal < equalBytes ? (equal, one.Count) : (equalBytes, sizes);
        }

        var z = ((2 * wins) - runs) / Math.Sqrt(runs);
        var note = differing > 0 ? $"the worlds look different in {differing} runs" : $"same bytes in the first {equalBytes} of {sizes} datagrams";
        return new(Name, contestant.Name, runs, wins, z, Math.Abs(z) <= MostZ && differing == 0, note);
    }

    /// <summary>Remembers what each bit looked like: as a whole, and clues and outline by themselves for what was not seen as a whole.</summary>
    private sealed class Learner
    {
        private readonly Dictionary<string, (int Zero, int One)> _seen = [];

        public void Learn(Sight sight, int bit)
        {
            foreach (var key in KeysOf(sight))
            {
                var (zero, one) = _seen.GetValueOrDefault(key);
                _seen[key] = bit == 0 ? (zero + 1, one) : (zero, one + 1);
            }
        }

        /// <summary>Returns the likelier bit; null where nothing speaks for either.</summary>
        public int? Guess(Sight sight)
        {
            foreach (var key in KeysOf(sight))
            {
                var (zero, one) = _seen.GetValueOrDefault(key);
                if (zero != one)
                {
                    return zero > one ? 0 : 1;
                }
            }

            return null;
        }

        private static string[] KeysOf(Sight sight)
        {
            var (clues, outline) = (sight.Clues(), Transcript.Outline(sight.Recording));
            return [$"{clues}|{outline}", clues, outline];
        }
    }
}
