using System.CommandLine;
using System.Text.Json;
using PacketSec.Load.Compare;

namespace PacketSec.Load.Plot;

/// <summary><c>plot</c>: pictures and tables of what <c>compare</c> and <c>sweep</c> wrote.</summary>
internal static class PlotCommand
{
    private const int CannotPlot = 2;

    private static readonly JsonSerializerOptions Strict = new(CompareCommand.Json)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    public static Command Create()
    {
        var input = new Option<FileInfo[]>("--in")
        {
            Description = "What compare or sweep wrote with --out: one file, or one of each.",
            Required = true,
            AllowMultipleArgumentsPerToken = true,
        };
        var folder = new Option<DirectoryInfo>("--folder") { Description = "Where the pictures go.", DefaultValueFactory = _ => new("spec/plots") };
        var page = new Option<FileInfo>("--page") { Description = "The page whose marked tables are rewritten.", DefaultValueFactory = _ => new("spec/performance.md") };
        var command = new Command("plot", "Draws reports of compare and sweep, and rewrites their tables in the specification.") { input, folder, page };
        command.SetAction(result => Run(result.GetValue(input)!, result.GetValue(folder)!, result.GetValue(page)!, Console.Out, Console.Error));
        return command;
    }

    /// <returns>The exit code: 0, or 2 when nothing was written.</returns>
    public static int Run(IReadOnlyList<FileInfo> inputs, DirectoryInfo folder, FileInfo page, TextWriter output, TextWriter error)
    {
        try
        {
            // All is made before the first file is written.
            List<(IReadOnlyList<PageSection> Sections, IReadOnlyList<PlotFile> Plots)> made = [.. inputs.Select(Make)];
            var text = File.ReadAllText(page.FullName);
            foreach (var repeated in made.SelectMany(one => one.Sections).GroupBy(section => section.Name).Where(group => group.Count() > 1))
            {
                throw new PlotException($"Two of the files are for '{repeated.Key}': give one report of each kind.");
            }

            text = made.SelectMany(one => one.Sections).Aggregate(text, (before, section) => MarkedText.Replace(before, section.Name, section.Text));
            folder.Create();
            foreach (var plot in made.SelectMany(one => one.Plots))
            {
                Write(Path.Combine(folder.FullName, plot.Name), plot.Svg, output);
            }

            Write(page.FullName, text, output);
            return 0;
        }
        catch (Exception failure) when (failure is PlotException or IOException or UnauthorizedAccessException)
        {
            error.WriteLine(failure.Message);
            return CannotPlot;
        }
    }

    private static (IReadOnlyList<PageSection> Sections, IReadOnlyList<PlotFile> Plots) Make(FileInfo file)
    {
        var text = File.ReadAllText(file.FullName);
        try
        {
            using var json = JsonDocument.Parse(text);
            if (json.RootElement.TryGetProperty("comparisons", out _))
            {
                var report = Read<CompareReport>(json);
                return (ReportTables.Of(report), ReportPlots.Of(report));
            }

            if (json.RootElement.TryGetProperty("payloads", out _))
            {
                var report = Read<SweepReport>(json);
                return (ReportTables.Of(report), ReportPlots.Of(report));
            }
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            throw new PlotException($"{file.Name} is no report: {failure.Message}");
        }

        throw new PlotException($"{file.Name} is no report: give what compare or sweep wrote with --out.");
    }

    private static T Read<T>(JsonDocument json) => json.Deserialize<T>(Strict)!;

    private static void Write(string path, string text, TextWriter output)
    {
        File.WriteAllText(path, text);
        output.WriteLine(path);
    }
}
