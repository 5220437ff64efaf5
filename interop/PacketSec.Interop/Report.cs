using System.Text.Json;
using PacketSec.Interop.Cells;
using PacketSec.Interop.Faults;

namespace PacketSec.Interop;

/// <summary>How a cell ended.</summary>
internal enum CellStatus
{
    Passed,
    Failed,
    Skipped,
}

/// <summary>What is told about a cell.</summary>
internal sealed record CellReport(Cell Cell, CellStatus Status, TimeSpan Time, CellRun? Run, string? Detail);

/// <summary>Prints what happened: lines for people with the matrix at the end, or lines of JSON for programs.</summary>
internal sealed class Report(TextWriter output, bool json)
{
    private const int ScenarioWidth = 41;

    private static readonly JsonSerializerOptions JsonNames = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private readonly Lock _gate = new();
    private readonly List<CellReport> _cells = [];
    private int _otherFailures;

    public int Failed => _cells.Count(report => report.Status == CellStatus.Failed) + _otherFailures;

    /// <summary>Prints what concerns all cells.</summary>
    public void Say(string text)
    {
        lock (_gate)
        {
            output.WriteLine(json ? JsonSerializer.Serialize(new { v = 1, @event = "note", text }) : text);
        }
    }

    /// <summary>Prints a failure that is none of a cell.</summary>
    public void Fail(string text)
    {
        Say(text);
        _otherFailures++;
    }

    public void Add(CellReport report)
    {
        lock (_gate)
        {
            _cells.Add(report);
            output.WriteLine(json ? ToJson(report) : ToLine(report));
        }
    }

    /// <summary>Prints the matrix and the sums.</summary>
    public void Finish()
    {
        int Count(CellStatus status) => _cells.Count(report => report.Status == status);
        var (passed, skipped) = (Count(CellStatus.Passed), Count(CellStatus.Skipped));
        var meetings = _cells.Select(report => report.Run?.Meetings).OfType<Meetings>().Aggregate(new Meetings(), (sum, more) => sum + more);
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(new { v = 1, @event = "summary", passed, failed = Failed, skipped, meetings }, JsonNames));
            return;
        }

        PrintMatrix();
        if (meetings.Runs > 0)
        {
            output.WriteLine($"both sides dialled in {meetings}");
        }

        output.WriteLine($"{passed} passed, {Failed} failed, {skipped} skipped");
    }

    private static string Word(CellStatus status) => status switch
    {
        CellStatus.Passed => "passed",
        CellStatus.Failed => "FAILED",
        CellStatus.Skipped => "skipped",
    };

    private static string ToJson(CellReport report) => JsonSerializer.Serialize(
        new
        {
            v = 1,
            @event = "cell",
            name = report.Cell.Name,
            status = Word(report.Status).ToLowerInvariant(),
            seed = report.Run?.Seed,
            ms = (long)report.Time.TotalMilliseconds,
            sent = report.Run?.Sent,
            echoed = report.Run?.Echoed,
            duplicated = report.Run?.Duplicated,
            sessions = report.Run?.Sessions,
            meetings = report.Run?.Meetings,
            handshake = report.Run?.Counts(PacketClass.Handshake),
            data = report.Run?.Counts(PacketClass.Data),
            detail = report.Detail,
        },
        JsonNames);

    private static string ToLine(CellReport report)
    {
        var line = $"{Word(report.Status),-8}{report.Cell.Name,-52}";
        if (report.Run is { } run)
        {
            line += $" {report.Time.TotalSeconds,5:0.0} s  {(run.Meetings is null ? "" : $"{run.Meetings} | ")}echoed {run.Echoed}/{run.Sent}, sessions {run.Sessions}"
                + $" | handshake {run.Counts(PacketClass.Handshake)} | data {run.Counts(PacketClass.Data)} | seed {run.Seed:x16}";
        }

        return report.Detail is null ? line.TrimEnd() : $"{line} | {report.Detail}";
    }

    private void PrintMatrix()
    {
        if (_cells.Count == 0)
        {
            return;
        }

        var pairs = _cells.Select(report => report.Cell.Pair).Distinct().Order(StringComparer.Ordinal).ToList();
        var scenarios = _cells.Select(report => report.Cell.Scenario).Distinct().Order(StringComparer.Ordinal).ToList();
        output.WriteLine();
        output.WriteLine($"{"dialler-listener:",-ScenarioWidth}{string.Concat(pairs.Select(pair => $"{pair,-15}"))}".TrimEnd());
        foreach (var scenario in scenarios)
        {
            var row = pairs.Select(pair => _cells.Find(report => report.Cell.Scenario == scenario && report.Cell.Pair == pair));
            output.WriteLine($"{scenario,-ScenarioWidth}{string.Concat(row.Select(report => $"{(report is null ? "-" : Word(report.Status)),-15}"))}".TrimEnd());
        }

        output.WriteLine();
    }
}
