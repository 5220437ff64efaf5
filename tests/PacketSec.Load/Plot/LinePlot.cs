using PacketSec.Cli.Plot;

namespace PacketSec.Load.Plot;

/// <summary>A point of a line.</summary>
/// <param name="X">Where.</param>
/// <param name="Y">The median of what was measured there.</param>
/// <param name="Samples">All of it.</param>
internal sealed record PlotPoint(double X, double Y, IReadOnlyList<double> Samples);

/// <summary>One line of a plot.</summary>
/// <param name="Name">For the legend.</param>
/// <param name="Color">0 to 2.</param>
/// <param name="IsDashed">Tells it from another of the same colour.</param>
/// <param name="Points">In the order of X, at least one.</param>
internal sealed record PlotSeries(string Name, int Color, bool IsDashed, IReadOnlyList<PlotPoint> Points);

/// <summary>Lines through medians over a logarithmic axis, and every single measurement as a faint dot.</summary>
/// <param name="Title">What is shown.</param>
/// <param name="XLabel">With its unit.</param>
/// <param name="YLabel">With its unit.</param>
/// <param name="XBase">The marks of the horizontal axis are the powers of this.</param>
/// <param name="IsYLogarithmic">Otherwise it begins at zero.</param>
/// <param name="Series">The lines.</param>
internal sealed record LinePlot(string Title, string XLabel, string YLabel, int XBase, bool IsYLogarithmic, IReadOnlyList<PlotSeries> Series)
{
    private const int Width = 760;
    private const int Height = 440;
    private const int Left = 96;
    private const int Right = Width - 24;
    private const int Top = 74;
    private const int Bottom = Height - 60;
    private const int LegendY = 52;
    private const int LegendLeft = 20;
    private const int LegendStep = 182;

    public string Draw()
    {
        var writer = new SvgWriter(Width, Height, Title, $"{YLabel} against {XLabel}: {string.Join("; ", Series.Select(series => series.Name))}.");
        List<PlotPoint> points = [.. Series.SelectMany(series => series.Points)];
        List<double> values = [.. points.SelectMany(point => point.Samples.Append(point.Y))];
        var x = Scale.Powers(XBase, points.Min(point => point.X), points.Max(point => point.X), Left + 12, Right - 12);
        var y = IsYLogarithmic ? Scale.Logarithmic(values.Min(), values.Max(), Bottom, Top) : Scale.Linear(values.Max(), Bottom, Top);
        DrawAxes(writer, x, y);
        for (var i = 0; i < Series.Count; i++)
        {
            DrawSeries(writer, Series[i], x, y);
            DrawLegend(writer, Series[i], LegendLeft + (i * LegendStep));
        }

        return writer.End();
    }

    private static string LineStyle(PlotSeries series) => $"line l{series.Color}{(series.IsDashed ? " dash" : string.Empty)}";

    // The shape tells contestants apart where colours do not.
    private static void DrawMark(SvgWriter writer, double x, double y, int color)
    {
        if (color == 0)
        {
            writer.Circle(x, y, 4, "f0");
        }
        else
        {
            writer.Rectangle(x - 3.5, y - 3.5, 7, 7, $"f{color}");
        }
    }

    private static void DrawSeries(SvgWriter writer, PlotSeries series, Scale x, Scale y)
    {
        writer.Polyline(series.Points.Select(point => (x.Map(point.X), y.Map(point.Y))), LineStyle(series));
        foreach (var point in series.Points)
        {
            foreach (var sample in point.Samples)
            {
                writer.Circle(x.Map(point.X), y.Map(sample), 2, $"faint f{series.Color}");
            }

            DrawMark(writer, x.Map(point.X), y.Map(point.Y), series.Color);
        }
    }

    private static void DrawLegend(SvgWriter writer, PlotSeries series, double left)
    {
        writer.Line(left, LegendY - 4, left + 28, LegendY - 4, LineStyle(series));
        DrawMark(writer, left + 14, LegendY - 4, series.Color);
        writer.Text(left + 34, LegendY, series.Name);
    }

    private void DrawAxes(SvgWriter writer, Scale x, Scale y)
    {
        foreach (var tick in y.Ticks)
        {
            writer.Line(Left, y.Map(tick), Right, y.Map(tick), "grid");
            writer.Text(Left - 8, y.Map(tick) + 4, Scale.Label(tick), "small", TextAnchor.End);
        }

        foreach (var tick in x.Ticks)
        {
            writer.Line(x.Map(tick), Bottom, x.Map(tick), Bottom + 5, "axis");
            writer.Text(x.Map(tick), Bottom + 20, Scale.Label(tick), "small", TextAnchor.Middle);
        }

        writer.Line(Left, Bottom, Right, Bottom, "axis");
        writer.Line(Left, Top, Left, Bottom, "axis");
        writer.Text((Left + Right) / 2.0, Height - 16, XLabel, anchor: TextAnchor.Middle);
        writer.UprightText(22, (Top + Bottom) / 2.0, YLabel);
    }
}
