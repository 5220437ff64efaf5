using PacketSec.Adversary.Contestants;

namespace PacketSec.Adversary.Games;

/// <summary>What came of a game against one contestant.</summary>
/// <param name="Game">The game's name.</param>
/// <param name="Contestant">Whom it was played against.</param>
/// <param name="Runs">How often it was played.</param>
/// <param name="Wins">How often the adversary won.</param>
/// <param name="Z">How far that is from guessing, in standard deviations; null where nothing was to be guessed.</param>
/// <param name="IsMet">Whether the property holds as far as this game sees.</param>
/// <param name="Note">How the adversary won, or what was seen.</param>
internal sealed record Measurement(string Game, string Contestant, int Runs, int Wins, double? Z, bool IsMet, string Note)
{
    /// <summary>Gets a value indicating whether the game could be played at all.</summary>
    public bool IsPlayed { get; init; } = true;

    public override string ToString()
        => $"{Game,-4} {Contestant,-34} {(IsMet ? "yes" : "no"),-4} {Runs,7} {Wins,7} {(Z is { } z ? z.ToString("F2") : "-"),8}  {Note}";
}

/// <summary>An attack on one part of one property.</summary>
internal abstract class Game
{
    /// <summary>The bound on a passing game's distance from guessing: exceeded by chance once in 150,000 games.</summary>
    public const double MostZ = 4.5;

    /// <summary>What a control must reach for its game to count.</summary>
    public const double LeastControlZ = 20;

    /// <summary>Gets the property's number and a letter, such as <c>6a</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Gets what the adversary does, and what he wants.</summary>
    public required string What { get; init; }

    /// <summary>Gets the number of the property.</summary>
    public int Row => int.Parse(Name.AsSpan().TrimEnd("abcdefgh"));

    /// <summary>Gets a value indicating whether a bit is to be guessed.</summary>
    public abstract bool IsConfirm { get; }

    /// <summary>Gets a value indicating whether it is about those who lack a network's key, and means nothing where there is none.</summary>
    public bool NeedsNetworkKey { get; init; }

    public bool AppliesTo(Contestant contestant) => !NeedsNetworkKey || contestant.HasNetworkKey || contestant.IsControl;

    public abstract Measurement Play(Contestant contestant, ulong seed, int runs);

    /// <summary>Returns the seed of one run.</summary>
    protected static ulong SeedOf(ulong seed, int run) => unchecked((seed * 0x9E3779B97F4A7C15) + (ulong)run);
}

/// <summary>A run of an attack; returns how the adversary won, or null.</summary>
internal delegate string? Attack(Contestant contestant, ulong seed, int run);

/// <summary>A game that the adversary wins by getting what he must not get, once.</summary>
internal sealed class SearchGame(Attack attack) : Game
{
    public override bool IsConfirm => false;

    public override Measurement Play(Contestant contestant, ulong seed, int runs)
    {
        var wins = new List<string>();
        for (var run = 0; run < runs; run++)
        {
            if (attack(contestant, SeedOf(seed, run), run) is { } how)
            {
                wins.Add(how);
            }
        }

        var most = wins.GroupBy(how => how).OrderByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal).FirstOrDefault()?.Key ?? "";
        return new(Name, contestant.Name, runs, wins.Count, null, wins.Count == 0, most);
    }
}
