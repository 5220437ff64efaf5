using System.CommandLine;
using PacketSec.Cli.Vectors;
using PacketSec.Crypto;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec vectors DIR</c>: replays published vectors against this build and this machine's libraries.</summary>
internal static class VectorsCommand
{
    public static Command Create(CliContext context)
    {
        var folder = new Argument<string>("DIR") { Description = "A folder with vector files, searched with its subfolders." };
        var command = new Command("vectors", "Replay test vectors on every cryptographic provider; exit 1 if any fails.") { folder };
        command.SetAction(parsed => Run(context, parsed.GetRequiredValue(folder), parsed.GetValue(context.Json)));
        return command;
    }

    private static int Run(CliContext context, string folder, bool json)
    {
        if (!Directory.Exists(folder))
        {
            throw new CliException(ExitCodes.File, $"There is no folder '{folder}'. Name the one that holds the vector files.");
        }

        var (passed, failed, skipped, unknown) = (0, 0, 0, 0);
        foreach (var report in VectorRunner.Run(folder, CryptoProvider.Available))
        {
            (passed, failed, skipped) = (passed + report.Passed, failed + report.Failed, skipped + report.Skipped);
            unknown += report.Format is null ? 1 : 0;
            Print(context, report, json);
        }

        if (json)
        {
            context.PrintJson("total", line =>
            {
                line.WriteNumber("passed", passed);
                line.WriteNumber("failed", failed);
                line.WriteNumber("skipped", skipped);
                line.WriteNumber("unknown_files", unknown);
            });
        }
        else
        {
            context.Output.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped; {unknown} files of no known format");
        }

        if (passed + failed == 0)
        {
            throw new CliException(ExitCodes.Failed, $"No vector was found in '{folder}': nothing is proven.");
        }

        return failed == 0 ? ExitCodes.Success : ExitCodes.Failed;
    }

    private static void Print(CliContext context, VectorReport report, bool json)
    {
        if (json)
        {
            context.PrintJson(report.Format is null ? "unknown" : "file", line =>
            {
                line.WriteString("file", report.Path);
                if (report.Format is not null)
                {
                    line.WriteString("format", report.Format);
                    line.WriteNumber("passed", report.Passed);
                    line.WriteNumber("failed", report.Failed);
                    line.WriteNumber("skipped", report.Skipped);
                    WriteAll(line, "failures", report.Failures);
                    WriteAll(line, "notes", report.Notes);
                }
            });
            return;
        }

        if (report.Format is null)
        {
            context.Output.WriteLine($"unknown   {report.Path}");
            return;
        }

        var verdict = report.Failed == 0 ? "ok" : "FAILED";
        var notes = report.Notes.Count == 0 ? "" : $"  ({string.Join("; ", report.Notes)})";
        context.Output.WriteLine(
            $"{verdict,-8}  {report.Path}: {report.Passed} passed, {report.Failed} failed, {report.Skipped} skipped{notes}");
        foreach (var failure in report.Failures)
        {
            context.Output.WriteLine($"          {failure}");
        }
    }

    private static void WriteAll(System.Text.Json.Utf8JsonWriter line, string name, IReadOnlyList<string> texts)
    {
        line.WriteStartArray(name);
        foreach (var text in texts)
        {
            line.WriteStringValue(text);
        }

        line.WriteEndArray();
    }
}
