using System.Globalization;
using System.Text;

namespace PacketSec.Cli.Plot;

/// <summary>Where a text stands to its point.</summary>
internal enum TextAnchor
{
    /// <summary>It begins there.</summary>
    Start,

    /// <summary>It has its middle there.</summary>
    Middle,

    /// <summary>It ends there.</summary>
    End,
}

/// <summary>
/// Writes one picture, an element to a line, with coordinates of one decimal: the same calls make the same bytes, and a small change a small difference.
/// Colours are classes, which a dark page turns into others; the picture brings its own background.
/// </summary>
internal sealed class SvgWriter
{
    /// <summary>How many colours there are for data.</summary>
    public const int Colors = 3;

    private const string Style =
        """
        <style>
        text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-size:16px;font-weight:600}.small{font-size:12px;fill:#57606a}.inside{font-size:12px;fill:#fff}
        .back{fill:#fff}.axis{stroke:#57606a}.grid{stroke:#d8dee4}.target{stroke:#24292f;stroke-width:2}.line{fill:none;stroke-width:2}.dash{stroke-dasharray:6 4}
        .f0{fill:#0969da}.f1{fill:#b35900}.f2{fill:#6e7781}.l0{stroke:#0969da}.l1{stroke:#b35900}.l2{stroke:#6e7781}.faint{opacity:.4}
        @media (prefers-color-scheme:dark){
        text{fill:#e6edf3}.small{fill:#9da7b3}.inside{fill:#0d1117}.back{fill:#0d1117}.axis{stroke:#9da7b3}.grid{stroke:#30363d}.target{stroke:#e6edf3}
        .f0{fill:#58a6ff}.f1{fill:#f0a04b}.f2{fill:#9da7b3}.l0{stroke:#58a6ff}.l1{stroke:#f0a04b}.l2{stroke:#9da7b3}
        }
        </style>
        """;

    private readonly StringBuilder _text = new();

    /// <summary>Begins a picture.</summary>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="title">What it is called; also written into it.</param>
    /// <param name="description">What it shows, for those who do not see it.</param>
    public SvgWriter(int width, int height, string title, string description)
    {
        Line($"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">""");
        Line($"<title>{Escape(title)}</title>");
        Line($"<desc>{Escape(description)}</desc>");
        Line(Style.ReplaceLineEndings("\n"));
        Line($"""<rect class="back" width="{width}" height="{height}"/>""");
        Text(20, 28, title, "title");
    }

    /// <summary>Replaces what has a meaning in XML, and what may not be in it.</summary>
    public static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            escaped.Append(rune.Value switch
            {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                '\'' => "&#39;",
                < ' ' and not ('\t' or '\n') or 0xFFFE or 0xFFFF => "\uFFFD",
                _ => rune.ToString(),
            });
        }

        return escaped.ToString();
    }

    /// <summary>Writes a coordinate with one decimal at most.</summary>
    /// <exception cref="ArgumentException">It is no number that can be drawn.</exception>
    public static string Coordinate(double value)
    {
        if (!double.IsFinite(value))
        {
            throw new ArgumentException($"A coordinate is a finite number, not {value}.", nameof(value));
        }

        // Adding zero makes zero of minus zero.
        return (Math.Round(value, 1, MidpointRounding.AwayFromZero) + 0.0).ToString("0.#", CultureInfo.InvariantCulture);
    }

    public void Line(double x1, double y1, double x2, double y2, string style)
        => Line($"""<line class="{Escape(style)}" x1="{Coordinate(x1)}" y1="{Coordinate(y1)}" x2="{Coordinate(x2)}" y2="{Coordinate(y2)}"/>""");

    public void Rectangle(double x, double y, double width, double height, string style)
        => Line($"""<rect class="{Escape(style)}" x="{Coordinate(x)}" y="{Coordinate(y)}" width="{Coordinate(width)}" height="{Coordinate(height)}"/>""");

    public void Circle(double x, double y, double radius, string style)
        => Line($"""<circle class="{Escape(style)}" cx="{Coordinate(x)}" cy="{Coordinate(y)}" r="{Coordinate(radius)}"/>""");

    public void Polyline(IEnumerable<(double X, double Y)> points, string style)
        => Line($"""<polyline class="{Escape(style)}" points="{string.Join(' ', points.Select(point => $"{Coordinate(point.X)},{Coordinate(point.Y)}"))}"/>""");

    public void Text(double x, double y, string text, string? style = null, TextAnchor anchor = TextAnchor.Start)
        => Line($"""<text{Attributes(style, anchor)} x="{Coordinate(x)}" y="{Coordinate(y)}">{Escape(text)}</text>""");

    /// <summary>Writes a text that reads upwards, with its middle at a point.</summary>
    public void UprightText(double x, double y, string text)
        => Line($"""<text text-anchor="middle" transform="translate({Coordinate(x)} {Coordinate(y)}) rotate(-90)">{Escape(text)}</text>""");

    /// <summary>Ends the picture and returns it.</summary>
    public string End() => _text + "</svg>\n";

    private static string Attributes(string? style, TextAnchor anchor)
        => (style is null ? string.Empty : $" class=\"{Escape(style)}\"")
            + anchor switch
            {
                TextAnchor.Middle => " text-anchor=\"middle\"",
                TextAnchor.End => " text-anchor=\"end\"",
                _ => string.Empty,
            };

    private void Line(string line) => _text.Append(line).Append('\n');
}
