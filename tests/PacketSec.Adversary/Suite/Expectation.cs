namespace PacketSec.Adversary.Suite;

/// <summary>What each game must come to, written down by hand from the design; nothing of it is computed.</summary>
internal static class Expectation
{
    // y: the property holds as far as the game sees; n: by design it does not, and the attack must succeed.
    private const string Matrix = """
              p2pke-1 direct | p2pke-1 PSEC
        1a    y                y
        1b    y                y
        1c    y                y
        2a    y                y
        2b    y                y
        3a    y                y
        4a    y                y
        5a    y                y
        5b    n                y
        5c    n                y
        6a    y                y
        6b    y                y
        6c    n                n
        7a    y                y
        7b    y                y
        7c    y                y
        7d    y                y
        8a    n                n
        8b    n                n
        9a    n                n
        9b    n                n
        10a   y                y
        10b   y                y
        11a   n                n
        12a   y                y
        13a   y                y
        13b   y                y
        14a   n                n
        15a   n                n
        16a   n                n
        16b   y                y
        16c   n                n
        16d   n                n
        """;

    private static readonly Dictionary<(string Game, string Contestant), bool> Cells = Read();

    /// <summary>Returns whether a contestant must pass a game; null where the matrix does not say.</summary>
    public static bool? Of(string game, string contestant) => Cells.TryGetValue((game, contestant), out var expected) ? expected : null;

    private static Dictionary<(string, string), bool> Read()
    {
        var cells = new Dictionary<(string, string), bool>();
        var lines = Matrix.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var contestants = lines[0].Split('|', StringSplitOptions.TrimEntries);
        foreach (var line in lines[1..])
        {
            var parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            for (var i = 0; i < contestants.Length; i++)
            {
                cells[(parts[0], contestants[i])] = parts[i + 1] == "y";
            }
        }

        return cells;
    }
}
