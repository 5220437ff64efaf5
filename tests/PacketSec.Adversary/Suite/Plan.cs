using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Controls;
using PacketSec.Adversary.Games;

namespace PacketSec.Adversary.Suite;

/// <summary>Which games are played against whom, how often, and with which seed.</summary>
internal sealed record Plan
{
    /// <summary>As many wins without a loss are twenty standard deviations and a little more.</summary>
    public const int LeastControlRuns = 420;

    /// <summary>Gets the seed; each game and contestant has its own of it.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Gets how often a bit is guessed.</summary>
    public required int ConfirmRuns { get; init; }

    /// <summary>Gets how often an attack is tried that wants to succeed once.</summary>
    public required int SearchRuns { get; init; }

    public IReadOnlyList<Game> Games { get; init; } = AllGames.List;

    public IReadOnlyList<Contestant> Schemes { get; init; } = Contestants.MeasuredSchemes.All;

    public bool WithControls { get; init; } = true;

    /// <summary>Gets how many games are played at a time.</summary>
    public int Workers { get; init; } = 2;

    /// <summary>Gets what was measured before under this seed, and need not be played again.</summary>
    public Ledger? Ledger { get; init; }

    /// <summary>Gets what runs in every build: fixed seeds, few runs.</summary>
    public static Plan Quick { get; } = new() { Seed = 1, ConfirmRuns = 32, SearchRuns = 12 };

    /// <summary>Plays, some games at a time, and reports each in its order.</summary>
    public IReadOnlyList<Measurement> Play(Action<Measurement>? report = null)
    {
        var measurements = new List<Measurement>();
        foreach (var measurement in Pairs().AsParallel().AsOrdered().WithDegreeOfParallelism(Workers).WithMergeOptions(ParallelMergeOptions.NotBuffered)
            .Select(pair => Play(pair.Game, pair.Contestant)))
        {
            measurements.Add(measurement);
            report?.Invoke(measurement);
        }

        return measurements;
    }

    private Measurement Play(Game game, Contestant contestant)
    {
        var runs = !game.IsConfirm ? SearchRuns : contestant.IsControl ? Math.Max(LeastControlRuns, Math.Min(ConfirmRuns, 1000)) : ConfirmRuns;
        var own = $"{game.Name} {contestant.Name}".Aggregate(Seed, (hash, letter) => unchecked((hash ^ letter) * 0x100000001B3));
        try
        {
            if (Ledger?.Find(Seed, game.Name, contestant.Name, runs) is { } known)
            {
                return known;
            }

            Honest.Check(contestant);
            var measured = game.Play(contestant, own, runs);
            Ledger?.Add(Seed, measured);
            return measured;
        }
        catch (GameException exception)
        {
            return new(game.Name, contestant.Name, 0, 0, null, false, $"not played: {exception.Message}") { IsPlayed = false };
        }
    }

    private IEnumerable<(Game Game, Contestant Contestant)> Pairs()
    {
        foreach (var game in Games)
        {
            foreach (var control in WithControls ? AllControls.Of[game.Name] : [])
            {
                yield return (game, control);
            }

            foreach (var scheme in Schemes.Where(game.AppliesTo))
            {
                yield return (game, scheme);
            }
        }
    }
}
