using PacketSec.Adversary.Games;

namespace PacketSec.Adversary.Suite;

/// <summary>The page whose tables are generated, between the lines <c>&lt;!-- name:begin --&gt;</c> and <c>&lt;!-- name:end --&gt;</c>.</summary>
internal static class Page
{
    private const string Name = "spec/properties.md";

    /// <summary>Finds the page in a folder above.</summary>
    /// <exception cref="GameException">There is none.</exception>
    public static string Find(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            var path = Path.Combine(at.FullName, Name);
            if (File.Exists(path))
            {
                return path;
            }
        }

        throw new GameException($"There is no {Name} in a folder above {folder}: run the command inside the repository.");
    }

    public static string Rewrite(string page, IReadOnlyList<Measurement> measurements, string how)
    {
        page = Replace(page, "how", how);
        page = Replace(page, "matrix", Report.Matrix(measurements));
        page = Replace(page, "games", Report.Games(measurements));
        return Replace(page, "controls", Report.Controls(measurements));
    }

    /// <summary>Finds the page that shows the matrix, and nothing else of it, to whoever comes first.</summary>
    public static string FindReadme(string page) => Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(page)!)!, "README.md");

    /// <summary>Returns the lines of the matrix as they stand in a page.</summary>
    public static string MatrixOf(string page)
    {
        const string Begin = "<!-- matrix:begin -->";
        var from = page.IndexOf(Begin, StringComparison.Ordinal);
        var to = page.IndexOf("<!-- matrix:end -->", StringComparison.Ordinal);
        return from < 0 || to < from ? string.Empty : page[(from + Begin.Length)..to].Trim('\n');
    }

    /// <summary>Puts the matrix of one page into another.</summary>
    public static string CopyMatrix(string from, string to) => Replace(to, "matrix", MatrixOf(from));

    private static string Replace(string page, string name, string text)
    {
        var (begin, end) = ($"<!-- {name}:begin -->\n", $"<!-- {name}:end -->");
        var (from, to) = (page.IndexOf(begin, StringComparison.Ordinal), page.IndexOf(end, StringComparison.Ordinal));
        return from < 0 || to < from
            ? throw new GameException($"The page lacks the lines '{begin.TrimEnd()}' and '{end}': put them where the table is to go.")
            : page[..(from + begin.Length)] + text.TrimEnd('\n') + "\n" + page[to..];
    }
}
