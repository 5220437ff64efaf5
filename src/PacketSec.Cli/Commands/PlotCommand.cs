using System.CommandLine;
using PacketSec.Cli.Plot;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec plot FILE</c>: draws what <c>--trace</c> wrote.</summary>
internal static class PlotCommand
{
    public static Command Create(CliContext context)
    {
        var file = new Argument<string>("FILE") { Description = "What --trace of send, receive or bench stream wrote." };
        var output = new Option<string?>("--out") { Description = "The picture; without it FILE.svg. An older picture is replaced.", HelpName = "SVG" };
        var connection = EndpointOptions.Bounded(
            new("--connection")
            {
                Description = "Draw this connection of the trace, counted from 1; without it, the one of which most is told.",
                HelpName = "N",
            },
            1,
            int.MaxValue);
        var command = new Command("plot", "Draw window, bytes in flight, round trip, throughput and losses of a traced connection.") { file, output, connection };
        command.SetAction(parsed =>
        {
            var reporter = new Reporter(context, parsed.GetValue(context.Json));
            var source = parsed.GetRequiredValue(file);
            var course = TraceCourse.Read(source, parsed.GetResult(connection) is null ? null : parsed.GetValue(connection));
            var path = parsed.GetValue(output) ?? $"{source}.svg";
            Write(path, TracePlot.Draw(course));
            reporter.Line(Tone.Plain, "plot", path, line =>
            {
                line.WriteString("file", path);
                line.WriteNumber("packets_sent", course.PacketsSent);
                line.WriteNumber("packets_lost", course.PacketsLost);
                line.WriteNumber("events_dropped", course.Dropped);
                line.WriteNumber("seconds", Math.Round(course.Length / 1000, 3));
            });
            return ExitCodes.Success;
        });
        return command;
    }

    private static void Write(string path, string svg)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > 0 } && !StartsAsSvg(path))
            {
                throw new CliException(ExitCodes.File, $"'{path}' exists and is no picture: name another file by --out.");
            }

            File.WriteAllText(path, svg);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException(ExitCodes.File, $"The picture cannot be written: {error.Message} Name another file by --out.", error);
        }
    }

    private static bool StartsAsSvg(string path)
    {
        var start = new byte[4];
        using var file = File.OpenRead(path);
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.AsSpan().SequenceEqual("<svg"u8);
    }
}
