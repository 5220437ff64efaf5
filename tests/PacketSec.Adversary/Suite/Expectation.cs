namespace PacketSec.Adversary.Suite;

/// <summary>What each game must come to, written down by hand from the design; nothing of it is computed.</summary>
internal static class Expectation
{
    // y: the property holds as far as the game sees; n: by design it does not, and the attack must succeed; -: there is nothing to play for.
    private const string Matrix = """
              p2pke-1 direct | p2pke-1 PSEC | noise-xx-1 direct | noise-xx-1 PSEC | secret-handshake-1 direct | secret-handshake-1 direct, network key | secret-handshake-1 PSEC | mychips-1 ticket, direct | mychips-1 ticket, PSEC | mychips-1 known site, direct | mychips-1 known site, PSEC
        1a    y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        1b    y                y              y                   y                 y                           y                                        y                         n                          n                        n                              n
        1c    y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        2a    y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        2b    y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        2c    y                y              y                   y                 y                           y                                        y                         n                          n                        n                              n
        3a    y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        4a    y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        5a    y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        5b    n                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        5c    n                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        5d    y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        6a    y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        6b    y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        6c    n                n              n                   n                 y                           y                                        y                         y                          y                        n                              y
        7a    y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        7b    y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        7c    y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        7d    y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        8a    n                n              n                   n                 y                           y                                        y                         y                          y                        y                              y
        8b    n                n              n                   n                 y                           y                                        y                         y                          y                        y                              y
        8c    -                -              -                   -                 -                           y                                        -                         -                          -                        -                              -
        9a    n                n              y                   n                 y                           y                                        y                         y                          y                        y                              y
        9b    n                n              y                   n                 y                           y                                        y                         n                          n                        n                              n
        10a   y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        10b   y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        11a   n                n              y                   n                 y                           y                                        y                         y                          y                        y                              y
        12a   y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        13a   y                y              y                   y                 y                           y                                        y                         n                          n                        n                              n
        13b   y                y              y                   y                 y                           y                                        y                         n                          n                        n                              n
        14a   n                n              n                   n                 y                           y                                        y                         y                          y                        y                              y
        15a   n                n              n                   n                 y                           y                                        y                         y                          y                        y                              y
        16a   n                n              y                   n                 y                           y                                        y                         y                          y                        y                              y
        16b   y                y              y                   y                 y                           y                                        y                         y                          y                        y                              y
        16c   n                n              y                   n                 y                           y                                        y                         y                          y                        y                              y
        16d   n                n              n                   n                 y                           y                                        y                         y                          y                        y                              y
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
                if (parts[i + 1] != "-")
                {
                    cells[(parts[0], contestants[i])] = parts[i + 1] == "y";
                }
            }
        }

        return cells;
    }
}
