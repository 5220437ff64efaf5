using System.Text.Json;

namespace PacketSec.Cli.Tracing;

/// <summary>An event of a trace that a plot shows. Times are milliseconds, sizes bytes.</summary>
/// <param name="Name">What happened.</param>
/// <param name="Time">When.</param>
/// <param name="Connection">To which connection; 0 to none.</param>
/// <param name="Data">What the event says.</param>
/// <param name="Line">Where it stands.</param>
internal readonly record struct QlogEvent(string Name, double Time, long Connection, JsonElement Data, int Line);

/// <summary>Reads traces: strictly, a line at a time, and lines of a bounded length.</summary>
internal sealed class QlogReader(string path)
{
    private const int LongestLine = 64 * 1024;
    private const double LatestTime = 1e11;
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 16 };

    /// <summary>Gets the trace's title, once it is read.</summary>
    public string Title { get; private set; } = string.Empty;

    /// <summary>Reads the events one by one; each is valid until the next.</summary>
    /// <exception cref="CliException">The file cannot be read, or a line is no record of a trace.</exception>
    public IEnumerable<QlogEvent> Read()
    {
        using var file = Open();
        var number = 0;
        foreach (var line in LinesOf(file))
        {
            number++;
            using var json = Parse(line, number);
            if (number == 1)
            {
                ReadHeader(json.RootElement);
            }
            else
            {
                yield return ReadEvent(json.RootElement, number);
            }
        }

        if (number == 0)
        {
            throw new CliException(ExitCodes.File, $"'{path}' is empty: nothing was traced.");
        }
    }

    /// <summary>Reads a number that an event has to have.</summary>
    public double Number(in QlogEvent happening, params ReadOnlySpan<string> names)
    {
        var value = happening.Data;
        foreach (var name in names)
        {
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out value))
            {
                throw Malformed(happening.Line, $"{happening.Name} has no {string.Join('.', names)}");
            }
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number is >= 0 and < 1e15
            ? number
            : throw Malformed(happening.Line, $"{string.Join('.', names)} is no number of 0 or more");
    }

    private FileStream Open()
    {
        try
        {
            return new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException(ExitCodes.File, $"The trace cannot be read: {error.Message}", error);
        }
    }

    private IEnumerable<ReadOnlyMemory<byte>> LinesOf(FileStream file)
    {
        var buffer = new byte[2 * LongestLine];
        var (start, end, lines) = (0, 0, 0);
        while (true)
        {
            var length = buffer.AsSpan(start..end).IndexOf((byte)'\n');
            if (length > LongestLine || (length < 0 && end - start > LongestLine))
            {
                throw Malformed(lines + 1, $"it is longer than {LongestLine} bytes");
            }

            if (length >= 0)
            {
                lines++;
                yield return buffer.AsMemory(start, length);
                start += length + 1;
                continue;
            }

            buffer.AsSpan(start..end).CopyTo(buffer);
            (start, end) = (0, end - start);
            var count = file.Read(buffer.AsSpan(end));
            if (count == 0)
            {
                break;
            }

            end += count;
        }

        if (end > 0)
        {
            throw Malformed(lines + 1, "it has no end: the trace was cut off. Remove the line");
        }
    }

    private JsonDocument Parse(ReadOnlyMemory<byte> line, int number)
    {
        try
        {
            var json = JsonDocument.Parse(line.Length > 0 && line.Span[0] == QlogWriter.RecordSeparator ? line[1..] : line, Options);
            if (json.RootElement.ValueKind == JsonValueKind.Object)
            {
                return json;
            }

            json.Dispose();
        }
        catch (JsonException error)
        {
            throw Malformed(number, error.Message);
        }

        throw Malformed(number, "it is no object");
    }

    private void ReadHeader(JsonElement root)
    {
        if (!root.TryGetProperty("qlog_version", out _))
        {
            throw Malformed(1, "it has no qlog_version: a trace is what --trace writes");
        }

        Title = root.TryGetProperty("title", out var title) && title.ValueKind == JsonValueKind.String ? title.GetString()! : string.Empty;
    }

    private QlogEvent ReadEvent(JsonElement root, int number)
    {
        if (!root.TryGetProperty("name", out var name) || name.ValueKind != JsonValueKind.String)
        {
            throw Malformed(number, "it has no name");
        }

        if (!root.TryGetProperty("time", out var time) || time.ValueKind != JsonValueKind.Number || !time.TryGetDouble(out var at)
            || at is not (>= 0 and < LatestTime))
        {
            throw Malformed(number, "it has no time in milliseconds since the begin");
        }

        var connection = 0L;
        if (root.TryGetProperty("group_id", out var group) && (group.ValueKind != JsonValueKind.Number || !group.TryGetInt64(out connection)))
        {
            throw Malformed(number, "its group_id is no whole number");
        }

        return root.TryGetProperty("data", out var data)
            ? new(name.GetString()!, at, connection, data, number)
            : throw Malformed(number, "it has no data");
    }

    private CliException Malformed(int line, string problem) => new(ExitCodes.File, $"'{path}', line {line}, is no record of a trace: {problem}.");
}
