using PacketSec.Cli.Tracing;

namespace PacketSec.Cli.Plot;

/// <summary>What a trace tells of one connection, in bounded memory.</summary>
internal sealed class TraceCourse
{
    private const int LineBuckets = 512;
    private const int RateBuckets = 128;
    private const int MostConnections = 4096;

    private TraceCourse(string title, double begin) => (Title, Begin) = (title, begin);

    public string Title { get; }

    /// <summary>Gets when it begins, in milliseconds of the trace.</summary>
    public double Begin { get; }

    /// <summary>Gets how long it is, in milliseconds.</summary>
    public double Length { get; private set; }

    public TimeBuckets Window { get; } = new(LineBuckets);

    public TimeBuckets InFlight { get; } = new(LineBuckets);

    public TimeBuckets Smoothed { get; } = new(LineBuckets);

    public TimeBuckets Latest { get; } = new(LineBuckets);

    public TimeBuckets Min { get; } = new(LineBuckets);

    public TimeBuckets Sent { get; } = new(RateBuckets);

    public TimeBuckets Received { get; } = new(RateBuckets);

    public TimeBuckets Lost { get; } = new(RateBuckets);

    public long PacketsSent { get; private set; }

    public long PacketsLost { get; private set; }

    /// <summary>Gets the events that were not written, of all connections: the buffer was full.</summary>
    public long Dropped { get; private set; }

    /// <summary>Reads a trace.</summary>
    /// <param name="path">The file.</param>
    /// <param name="connection">The number of a connection; null takes the one of which most is told.</param>
    /// <exception cref="CliException">The file is no trace, or tells nothing of the connection.</exception>
    public static TraceCourse Read(string path, int? connection)
    {
        var reader = new QlogReader(path);
        var connections = new Dictionary<long, (long Count, double Begin)>();
        foreach (var happening in reader.Read())
        {
            if (connections.TryGetValue(happening.Connection, out var known))
            {
                connections[happening.Connection] = known with { Count = known.Count + 1 };
            }
            else if (happening.Connection > 0 && connections.Count < MostConnections)
            {
                connections.Add(happening.Connection, (1, happening.Time));
            }
        }

        if (connections.Count == 0 || (connection is { } wanted && !connections.ContainsKey(wanted)))
        {
            throw new CliException(
                ExitCodes.File, $"'{path}' tells nothing of connection {connection ?? 1}: it has {connections.Count}, with numbers from 1 on.");
        }

        var number = connection ?? connections.MaxBy(one => one.Value.Count).Key;
        var which = connections.Count == 1 ? string.Empty : $", connection {number} of {connections.Count}";
        var course = new TraceCourse($"{(reader.Title.Length is > 0 and < 80 ? reader.Title : "trace")}{which}", connections[number].Begin);
        foreach (var happening in reader.Read())
        {
            course.Add(reader, happening, number);
        }

        return course;
    }

    private void Add(QlogReader reader, in QlogEvent happening, long number)
    {
        if (happening.Name == "packetsec:events_dropped")
        {
            Dropped += (long)reader.Number(happening, "count");
        }

        if (happening.Connection != number)
        {
            return;
        }

        var time = Math.Max(happening.Time - Begin, 0);
        Length = Math.Max(Length, time);
        switch (happening.Name)
        {
            case "recovery:metrics_updated":
                AddMetrics(reader, happening, time);
                break;
            case "transport:packet_sent":
                PacketsSent++;
                Sent.Add(time, reader.Number(happening, "raw", "length"));
                break;
            case "transport:packet_received":
                Received.Add(time, reader.Number(happening, "raw", "length"));
                break;
            case "recovery:packet_lost":
                PacketsLost++;
                Lost.Add(time, 1);
                break;
            default:
                break;
        }
    }

    private void AddMetrics(QlogReader reader, in QlogEvent happening, double time)
    {
        foreach (var (name, buckets) in new[]
        {
            ("congestion_window", Window), ("bytes_in_flight", InFlight), ("smoothed_rtt", Smoothed), ("latest_rtt", Latest), ("min_rtt", Min),
        })
        {
            // Each is there when it has changed.
            if (happening.Data.ValueKind == System.Text.Json.JsonValueKind.Object && happening.Data.TryGetProperty(name, out _))
            {
                buckets.Add(time, reader.Number(happening, name));
            }
        }
    }
}
