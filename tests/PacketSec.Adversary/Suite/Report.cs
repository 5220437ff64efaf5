using System.Globalization;
using System.Text;
using PacketSec.Adversary.Games;

namespace PacketSec.Adversary.Suite;

/// <summary>Prints what was measured as the tables of <c>spec/properties.md</c>.</summary>
internal static class Report
{
    private static readonly string[] Properties =
    [
        "content is forward secure", "the server verifies the client", "the client verifies the server", "the server knows that the client has verified it",
        "the client knows that the server has verified it", "resists replay", "resists a man in the middle", "no cold calls",
        "an eavesdropper cannot learn the client's key", "an eavesdropper cannot learn the server's key", "an eavesdropper cannot confirm the client's key",
        "an eavesdropper cannot confirm the server's key", "a replay cannot learn who is authorised", "an unauthorised client cannot learn the server's key",
        "an unauthorised client cannot confirm the server's key", "a man in the middle or wrong number cannot learn or confirm keys",
    ];

    /// <summary>One row for each property: yes, no, or what part is missing.</summary>
    public static string Matrix(IReadOnlyList<Measurement> measurements)
    {
        var contestants = Contestants(measurements);
        var text = Head(["#", "property", .. contestants]);
        for (var row = 1; row <= Properties.Length; row++)
        {
            Line(text, [row.ToString(CultureInfo.InvariantCulture), Properties[row - 1], .. contestants.Select(contestant => Row(measurements, contestant, row))]);
        }

        return text.ToString();
    }

    /// <summary>One row for each game: yes or no, with wins and runs, and deviations where a bit was guessed.</summary>
    public static string Games(IReadOnlyList<Measurement> measurements)
    {
        var contestants = Contestants(measurements);
        var text = Head(["game", "the adversary", .. contestants]);
        foreach (var game in AllGames.List)
        {
            Line(text, [game.Name, game.What, .. contestants.Select(contestant => Applies(game, contestant) ? Cell(Find(measurements, game.Name, contestant)) : "-")]);
        }

        return text.ToString();
    }

    /// <summary>One row for each control.</summary>
    public static string Controls(IReadOnlyList<Measurement> measurements)
    {
        var text = Head(["game", "control", "runs", "won", "z", "how"]);
        foreach (var measurement in measurements.Where(Verdict.IsControl))
        {
            Line(text,
            [
                measurement.Game, measurement.Contestant, measurement.Runs.ToString(CultureInfo.InvariantCulture), measurement.Wins.ToString(CultureInfo.InvariantCulture),
                measurement.Z is { } z ? z.ToString("F1", CultureInfo.InvariantCulture) : "-", measurement.Note,
            ]);
        }

        return text.ToString();
    }

    private static string Row(IReadOnlyList<Measurement> measurements, string contestant, int row)
    {
        var games = AllGames.List.Where(game => game.Row == row && Applies(game, contestant)).Select(game => Find(measurements, game.Name, contestant)).ToArray();
        if (games.Any(measured => measured is null or { IsPlayed: false }))
        {
            return "not measured";
        }

        var lost = games.Where(measured => !measured!.IsMet).Select(measured => measured!.Game).ToArray();
        return lost.Length == 0 ? "yes" : lost.Length == games.Length ? "no" : $"not {string.Join(", ", lost)}";
    }

    private static string Cell(Measurement? measured) => measured is null or { IsPlayed: false }
        ? "not measured"
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{(measured.IsMet ? "yes" : "no")}, {measured.Wins}/{measured.Runs}{(measured.Z is { } z ? $", z {z:F2}" : "")}");

    private static string[] Contestants(IReadOnlyList<Measurement> measurements)
        => [.. Adversary.Contestants.MeasuredSchemes.All.Select(scheme => scheme.Name).Where(name => measurements.Any(measured => measured.Contestant == name))];

    private static bool Applies(Game game, string contestant) => game.AppliesTo(Adversary.Contestants.MeasuredSchemes.All.Single(scheme => scheme.Name == contestant));

    private static Measurement? Find(IReadOnlyList<Measurement> measurements, string game, string contestant)
        => measurements.FirstOrDefault(measured => measured.Game == game && measured.Contestant == contestant);

    private static StringBuilder Head(IReadOnlyList<string> names)
    {
        var text = new StringBuilder();
        Line(text, names);
        Line(text, [.. names.Select(_ => "---")]);
        return text;
    }

    private static void Line(StringBuilder text, IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
}
