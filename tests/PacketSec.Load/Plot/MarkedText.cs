namespace PacketSec.Load.Plot;

/// <summary>Replaces parts of a page that stand between the lines <c>&lt;!-- name:begin --&gt;</c> and <c>&lt;!-- name:end --&gt;</c>.</summary>
internal static class MarkedText
{
    /// <exception cref="PlotException">The markers are missing, more than once there, or the wrong way round.</exception>
    public static string Replace(string page, string name, string text)
    {
        var (begin, end) = ($"<!-- {name}:begin -->\n", $"<!-- {name}:end -->");
        var from = Single(page, begin) + begin.Length;
        var to = Single(page, end);
        return to < from
            ? throw new PlotException($"The page ends '{name}' before it begins it.")
            : page[..from] + text.TrimEnd('\n') + "\n" + page[to..];
    }

    private static int Single(string page, string marker)
    {
        var at = page.IndexOf(marker, StringComparison.Ordinal);
        return at < 0 || page.IndexOf(marker, at + 1, StringComparison.Ordinal) >= 0
            ? throw new PlotException($"The page has the line '{marker.TrimEnd()}' not exactly once: put it where the table is to go.")
            : at;
    }
}
