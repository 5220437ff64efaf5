using PacketSec.Cli.Plot;

namespace PacketSec.Load.Plot;

/// <summary>One bar.</summary>
/// <param name="Name">Left of it.</param>
/// <param name="Parts">As many as the plot has names for; what is below zero is not drawn.</param>
/// <param name="Total">What is written behind it.</param>
internal sealed record StackedBar(string Name, IReadOnlyList<double> Parts, double Total);

/// <summary>Lying bars of parts one after the other.</summary>
/// <param name="Title">What is shown.</param>
/// <param name="Label">What the axis counts, with its unit.</param>
/// <param name="Parts">The names of the parts, for the legend.</param>
/// <param name="Bars">From top to bottom.</param>
internal sealed record StackedBars(string Title, string Label, IReadOnlyList<string> Parts, IReadOnlyList<StackedBar> Bars)
{
    private const int Width = 760;
    private const int Left = 190;
    private const int Right = Width - 80;
    private const int Top = 74;
    private const int RowHeight = 44;
    private const int BarHeight = 26;
    private const int LegendY = 52;
    private const int LegendStep = 168;
    private const int DigitRoom = 40;

    public string Draw()
    {
        var bottom = Top + (Bars.Count * RowHeight);
        var writer = new SvgWriter(Width, bottom + 56, Title, $"{Label}: {string.Join("; ", Bars.Select(Describe))}.");
        var x = Scale.Linear(Bars.Max(bar => bar.Parts.Sum(part => Math.Max(part, 0))), Left, Right);
        foreach (var tick in x.Ticks)
        {
            writer.Line(x.Map(tick), Top, x.Map(tick), bottom, "grid");
            writer.Text(x.Map(tick), bottom + 18, Scale.Label(tick), "small", TextAnchor.Middle);
        }

        for (var i = 0; i < Parts.Count; i++)
        {
            writer.Rectangle(Left + (i * LegendStep), LegendY - 11, 12, 12, $"f{i}");
            writer.Text(Left + (i * LegendStep) + 18, LegendY, Parts[i]);
        }

        for (var i = 0; i < Bars.Count; i++)
        {
            DrawBar(writer, Bars[i], Top + (i * RowHeight) + ((RowHeight - BarHeight) / 2.0), x);
        }

        writer.Line(Left, Top, Left, bottom, "axis");
        writer.Text((Left + Right) / 2.0, bottom + 42, Label, anchor: TextAnchor.Middle);
        return writer.End();
    }

    private static void DrawBar(SvgWriter writer, StackedBar bar, double y, Scale x)
    {
        var before = 0.0;
        for (var i = 0; i < bar.Parts.Count; i++)
        {
            var after = before + Math.Max(bar.Parts[i], 0);
            var width = x.Map(after) - x.Map(before);
            writer.Rectangle(x.Map(before), y, width, BarHeight, $"f{i}");
            if (width >= DigitRoom)
            {
                writer.Text((x.Map(before) + x.Map(after)) / 2, y + (BarHeight / 2.0) + 4, Round(bar.Parts[i]), "inside", TextAnchor.Middle);
            }

            before = after;
        }

        writer.Text(Left - 10, y + (BarHeight / 2.0) + 4, bar.Name, anchor: TextAnchor.End);
        writer.Text(x.Map(before) + 6, y + (BarHeight / 2.0) + 4, Round(bar.Total));
    }

    private static string Round(double value) => Scale.Label(Math.Round(value));

    private string Describe(StackedBar bar)
        => $"{bar.Name} {Round(bar.Total)} ({string.Join(", ", Parts.Zip(bar.Parts, (name, part) => $"{name} {Round(part)}"))})";
}
