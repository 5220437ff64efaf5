using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PacketSec.Cli.Transfer;

/// <summary>Shows how a transfer goes while it runs: a bar on a terminal, otherwise one line each second.</summary>
internal static class TransferProgress
{
    private const int BarWidth = 12;
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BarInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>Runs work and shows how it goes.</summary>
    /// <param name="reporter">Prints the lines.</param>
    /// <param name="terminal">Where the bar goes; null for lines. There is one bar at a time.</param>
    /// <param name="meter">What is shown.</param>
    /// <param name="work">Ends the show.</param>
    public static async Task FollowAsync(Reporter reporter, IAnsiConsole? terminal, TransferMeter meter, Task work)
    {
        if (terminal is null)
        {
            await RepeatAsync(LineInterval, () => PrintLine(reporter, meter), work);
            return;
        }

        var columns = new ProgressColumn[] { new ProgressBarColumn { Width = BarWidth }, new PercentageColumn(), new FiguresColumn(meter) };
        await terminal.Progress().AutoClear(true).Columns(columns).StartAsync(async shown =>
        {
            var task = shown.AddTask("file", maxValue: Math.Max(meter.Size, 1));
            await RepeatAsync(BarInterval, () => task.Value = meter.Size == 0 ? 1 : meter.Position, work);
        });
    }

    /// <summary>Writes sizes as people read them.</summary>
    public static string Size(double bytes) => bytes switch
    {
        >= 1 << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1 << 30):0.00} GiB"),
        >= 1 << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1 << 20):0.0} MiB"),
        >= 1 << 10 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1 << 10):0.0} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes:0} B"),
    };

    public static string Rate(double bytesPerSecond) => string.Create(CultureInfo.InvariantCulture, $"{bytesPerSecond / 1e6:0.0} MB/s");

    private static async Task RepeatAsync(TimeSpan interval, Action show, Task work)
    {
        using var timer = new PeriodicTimer(interval);
        var tick = timer.WaitForNextTickAsync().AsTask();
        while (await Task.WhenAny(work, tick) == tick)
        {
            show();
            tick = timer.WaitForNextTickAsync().AsTask();
        }
    }

    private static void PrintLine(Reporter reporter, TransferMeter meter)
    {
        // Before the other side has answered there is nothing to tell.
        if (meter.Statistics is not { } path)
        {
            return;
        }

        var percent = meter.Size == 0 ? 100 : 100.0 * meter.Position / meter.Size;
        var text = string.Create(CultureInfo.InvariantCulture, $"{meter.Name}: {percent:0} %, {Figures(meter, path)}");
        reporter.Line(Tone.Note, "progress", text, line =>
        {
            line.WriteString("name", meter.Name);
            line.WriteNumber("bytes", meter.Position);
            line.WriteNumber("size", meter.Size);
            line.WriteNumber("bytes_per_second", Math.Round(meter.Rate));
            line.WriteNumber("rtt_us", Math.Round(path.SmoothedRtt.TotalMicroseconds, 1));
            line.WriteNumber("packets_sent", path.PacketsSent);
            line.WriteNumber("packets_lost", path.PacketsLost);
            line.WriteNumber("congestion_window", path.CongestionWindow);
            line.WriteNumber("bytes_in_flight", path.BytesInFlight);
            line.WriteNumber("path_mtu", path.PathMtu);
        });
    }

    private static string Figures(TransferMeter meter, PacketSecConnectionStatistics path) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Rate(meter.Rate)}, RTT {path.SmoothedRtt.TotalMilliseconds:0.0} ms, lost {100.0 * path.PacketsLost / Math.Max(path.PacketsSent, 1):0.00} %, "
        + $"window {Size(path.CongestionWindow)}");

    private sealed class FiguresColumn(TransferMeter meter) : ProgressColumn
    {
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime)
            => new Text(meter.Statistics is { } path ? Figures(meter, path) : "waiting for the peer");
    }
}
