using System.Globalization;
using PacketSec.Cli.Plot;

namespace PacketSec.Load.Plot;

/// <summary>A ratio and what it should come to.</summary>
/// <param name="Name">Left of it.</param>
/// <param name="Median">The ratio.</param>
/// <param name="Lower">Its lower quartile.</param>
/// <param name="Upper">Its upper quartile.</param>
/// <param name="AtLeast">The target, where it is a lower bound.</param>
/// <param name="AtMost">The target, where it is an upper bound.</param>
/// <param name="Verdict">Whether it is met; empty where there is no target.</param>
internal sealed record RatioBar(string Name, double Median, double Lower, double Upper, double? AtLeast, double? AtMost, string Verdict);

/// <summary>Lying bars that begin at 1, on a logarithmic axis: as much faster is as long as as much slower. Quartiles are thin, targets are marks.</summary>
/// <param name="Title">What is shown.</param>
/// <param name="Label">What the axis counts.</param>
/// <param name="Bars">From top to bottom.</param>
internal sealed record RatioBars(string Title, string Label, IReadOnlyList<RatioBar> Bars)
{
    private const int Width = 760;
    private const int Left = 200;
    private const int Right = Width - 190;
    private const int Top = 74;
    private const int RowHeight = 30;
    private const int BarHeight = 16;
    private const int LegendY = 52;

    public string Draw()
    {
        var bottom = Top + (Bars.Count * RowHeight);
        var writer = new SvgWriter(Width, bottom + 56, Title, $"{Label}: {string.Join("; ", Bars.Select(bar => $"{bar.Name} {Describe(bar)}"))}.");
        List<double> values = [1, .. Bars.SelectMany(bar => new[] { bar.Lower, bar.Upper, bar.AtLeast ?? 1, bar.AtMost ?? 1 })];
        var x = Scale.Logarithmic(values.Min(), values.Max(), Left, Right);
        foreach (var tick in x.Ticks)
        {
            writer.Line(x.Map(tick), Top, x.Map(tick), bottom, "grid");
            writer.Text(x.Map(tick), bottom + 18, Scale.Label(tick), "small", TextAnchor.Middle);
        }

        DrawLegend(writer);
        for (var i = 0; i < Bars.Count; i++)
        {
            DrawBar(writer, Bars[i], Top + (i * RowHeight) + (RowHeight / 2.0), x);
        }

        writer.Line(x.Map(1), Top, x.Map(1), bottom, "axis");
        writer.Text((Left + Right) / 2.0, bottom + 42, Label, anchor: TextAnchor.Middle);
        return writer.End();
    }

    private static void DrawLegend(SvgWriter writer)
    {
        writer.Rectangle(Left, LegendY - 11, 12, 12, "f0");
        writer.Text(Left + 18, LegendY, "median");
        writer.Line(Left + 90, LegendY - 5, Left + 114, LegendY - 5, "line l1");
        writer.Text(Left + 120, LegendY, "quartiles");
        writer.Line(Left + 206, LegendY - 13, Left + 206, LegendY + 3, "target");
        writer.Text(Left + 214, LegendY, "target");
    }

    private static void DrawBar(SvgWriter writer, RatioBar bar, double middle, Scale x)
    {
        var (one, end) = (x.Map(1), x.Map(bar.Median));
        writer.Rectangle(Math.Min(one, end), middle - (BarHeight / 2.0), Math.Abs(end - one), BarHeight, "f0");
        writer.Line(x.Map(bar.Lower), middle, x.Map(bar.Upper), middle, "line l1");
        if ((bar.AtLeast ?? bar.AtMost) is { } target)
        {
            writer.Line(x.Map(target), middle - (RowHeight / 2.0) + 2, x.Map(target), middle + (RowHeight / 2.0) - 2, "target");
        }

        writer.Text(Left - 10, middle + 4, bar.Name, anchor: TextAnchor.End);
        writer.Text(Right + 12, middle + 4, Describe(bar));
    }

    private static string Describe(RatioBar bar)
    {
        var target = bar.AtLeast is { } least ? $" (≥ {Text(least)}: {bar.Verdict})" : bar.AtMost is { } most ? $" (≤ {Text(most)}: {bar.Verdict})" : string.Empty;
        return Text(bar.Median) + target;
    }

    private static string Text(double ratio) => ratio.ToString("0.00", CultureInfo.InvariantCulture);
}
