using System.Globalization;

namespace PacketSec.Cli.Plot;

/// <summary>Draws the course of a connection: window and bytes in flight, round trip, throughput and losses, above each other over one time.</summary>
internal static class TracePlot
{
    private const int Width = 960;
    private const int Left = 84;
    private const int Right = Width - 24;
    private const int FirstTop = 78;
    private const int PanelHeight = 170;
    private const int PanelStep = 236;
    private const int LegendStep = 190;
    private const int Below = 34;

    /// <summary>Draws it.</summary>
    public static string Draw(TraceCourse course)
    {
        var seconds = Math.Max(course.Length / 1000, 1e-6);
        Panel[] panels =
        [
            new("window (KiB)",
            [
                Line.Of("congestion window", 0, course.Window, 1.0 / 1024),
                Line.Of("bytes in flight", 1, course.InFlight, 1.0 / 1024),
            ]),
            new("round trip (ms)",
            [
                Line.Of("latest", 2, course.Latest, 1),
                Line.Of("smoothed", 0, course.Smoothed, 1),
                Line.Of("shortest", 1, course.Min, 1),
            ]),
            new("throughput (MB/s)", [Line.OfRate("sent", 0, course.Sent, course.Length), Line.OfRate("received", 1, course.Received, course.Length)]),
            new("lost (packets)", [new("lost, by time of discovery", 1, [.. course.Lost.Sums()], IsBars: true)]),
        ];
        var height = FirstTop + ((panels.Length - 1) * PanelStep) + PanelHeight + 56;
        var writer = new SvgWriter(Width, height, course.Title, $"{string.Join(", ", panels.Select(panel => panel.Label))} over time.");
        writer.Text(Right, 28, Summary(course, seconds), "small", TextAnchor.End);
        var x = Scale.Linear(seconds, Left, Right);
        for (var i = 0; i < panels.Length; i++)
        {
            DrawPanel(writer, panels[i], x, FirstTop + (i * PanelStep));
        }

        writer.Text((Left + Right) / 2.0, height - 12, "time since the connection's begin (s)", anchor: TextAnchor.Middle);
        return writer.End();
    }

    private static string Summary(TraceCourse course, double seconds)
    {
        var dropped = course.Dropped == 0 ? string.Empty : $", {course.Dropped} events not traced";
        return string.Create(CultureInfo.InvariantCulture, $"{seconds:0.00} s, {course.PacketsSent} packets sent, {course.PacketsLost} lost{dropped}");
    }

    private static void DrawPanel(SvgWriter writer, Panel panel, Scale x, double top)
    {
        var bottom = top + PanelHeight;
        var largest = panel.Lines.SelectMany(line => line.Points).Select(point => point.Value).DefaultIfEmpty().Max();
        var y = Scale.Linear(largest > 0 ? largest : 1, bottom, top);
        foreach (var tick in y.Ticks)
        {
            writer.Line(Left, y.Map(tick), Right, y.Map(tick), "grid");
            writer.Text(Left - 8, y.Map(tick) + 4, Scale.Label(tick), "small", TextAnchor.End);
        }

        foreach (var tick in x.Ticks)
        {
            writer.Line(x.Map(tick), bottom, x.Map(tick), bottom + 5, "axis");
            writer.Text(x.Map(tick), bottom + 19, Scale.Label(tick), "small", TextAnchor.Middle);
        }

        writer.Line(Left, bottom, Right, bottom, "axis");
        writer.Line(Left, top, Left, bottom, "axis");
        writer.UprightText(18, (top + bottom) / 2, panel.Label);
        for (var i = 0; i < panel.Lines.Count; i++)
        {
            DrawLine(writer, panel.Lines[i], x, y);
            DrawLegend(writer, panel.Lines[i], Left + (i * LegendStep), top - (PanelStep - PanelHeight - Below - 18));
        }
    }

    private static void DrawLine(SvgWriter writer, Line line, Scale x, Scale y)
    {
        if (line.IsBars)
        {
            foreach (var (time, value) in line.Points)
            {
                writer.Rectangle(x.Map(time / 1000) - 1.5, y.Map(value), 3, y.Map(0) - y.Map(value), $"f{line.Color}");
            }
        }
        else if (line.Points.Count > 0)
        {
            writer.Polyline(line.Points.Select(point => (x.Map(point.Time / 1000), y.Map(point.Value))), $"line l{line.Color}");
        }
    }

    private static void DrawLegend(SvgWriter writer, Line line, double left, double y)
    {
        writer.Line(left, y - 4, left + 24, y - 4, $"line l{line.Color}");
        writer.Text(left + 30, y, line.Points.Count > 0 ? line.Name : $"{line.Name} (none)", "small");
    }

    private sealed record Panel(string Label, IReadOnlyList<Line> Lines);

    private sealed record Line(string Name, int Color, IReadOnlyList<(double Time, double Value)> Points, bool IsBars = false)
    {
        public static Line Of(string name, int color, TimeBuckets buckets, double unit)
            => new(name, color, [.. buckets.Course().Select(point => (point.Time, point.Value * unit))]);

        public static Line OfRate(string name, int color, TimeBuckets buckets, double until)
            => new(name, color, buckets.IsEmpty ? [] : [.. buckets.Rates(until).Select(point => (point.Time, point.PerSecond / 1e6))]);
    }
}
