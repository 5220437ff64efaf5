using System.Buffers;
using System.Text.Json;
using PacketSec.Protocol.Streams;
using PacketSec.Protocol.Streams.Frames;
using PacketSec.Protocol.Streams.Tracing;

namespace PacketSec.Cli.Tracing;

/// <summary>
/// Writes events as qlog does (draft-ietf-quic-qlog-main-schema and -quic-events, version 0.3): a record is U+001E, a JSON object, and a line feed. Names
/// and members are those of QUIC; what has no name there is in the namespace <c>packetsec</c>. Times are milliseconds since the first event.
/// </summary>
internal sealed class QlogWriter(Stream output, string title, bool isDialler) : IDisposable
{
    public const byte RecordSeparator = 0x1e;

    private static readonly (FrameKinds Kind, string Name)[] FrameNames =
    [
        (FrameKinds.Hello, "hello"), (FrameKinds.Ack, "ack"), (FrameKinds.MaxData, "max_data"), (FrameKinds.DataBlocked, "data_blocked"),
        (FrameKinds.MaxStreams, "max_streams"), (FrameKinds.StreamsBlocked, "streams_blocked"), (FrameKinds.ResetStream, "reset_stream"),
        (FrameKinds.StopSending, "stop_sending"), (FrameKinds.MaxStreamData, "max_stream_data"), (FrameKinds.StreamDataBlocked, "stream_data_blocked"),
        (FrameKinds.Datagram, "datagram"), (FrameKinds.Stream, "stream"), (FrameKinds.Ping, "ping"), (FrameKinds.ConnectionClose, "connection_close"),
        (FrameKinds.Padding, "padding"),
    ];

    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly Utf8JsonWriter _json = new(Stream.Null);
    private long? _reference;
    private double _last;

    /// <summary>Writes events in their order.</summary>
    /// <param name="entries">The events.</param>
    /// <param name="dropped">How many were lost after them.</param>
    public void Write(ReadOnlySpan<QlogEntry> entries, long dropped)
    {
        foreach (ref readonly var entry in entries)
        {
            if (_reference is null)
            {
                _reference = entry.Event.Time;
                WriteHeader();
            }

            WriteEvent(entry);
        }

        if (dropped > 0)
        {
            Begin("packetsec:events_dropped", _last, 0);
            _json.WriteNumber("count", dropped);
            End();
        }

        output.Flush();
    }

    public void Dispose()
    {
        _json.Dispose();
        output.Dispose();
    }

    private void WriteHeader()
    {
        Begin();
        _json.WriteString("qlog_version", "0.3");
        _json.WriteString("qlog_format", "JSON-SEQ");
        _json.WriteString("title", title);
        _json.WriteStartObject("trace");
        _json.WriteStartObject("vantage_point");
        _json.WriteString("name", "psec");
        _json.WriteString("type", isDialler ? "client" : "server");
        _json.WriteEndObject();
        _json.WriteStartObject("common_fields");
        _json.WriteString("time_format", "relative");
        _json.WriteNumber("reference_time", DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        _json.WriteEndObject();
        _json.WriteEndObject();
        Finish();
    }

    private void WriteEvent(in QlogEntry entry)
    {
        var happening = entry.Event;
        _last = Math.Max((happening.Time - _reference!.Value) / 1e6, 0);
        Begin(NameOf(happening.Kind), _last, entry.Connection);
        switch (happening.Kind)
        {
            case TraceEventKind.PacketSent:
            case TraceEventKind.PacketReceived:
                WritePacket(happening);
                _json.WriteStartArray("frames");
                foreach (var (kind, name) in FrameNames)
                {
                    if ((happening.Frames & kind) != 0)
                    {
                        _json.WriteStartObject();
                        _json.WriteString("frame_type", name);
                        _json.WriteEndObject();
                    }
                }

                _json.WriteEndArray();
                WriteProbe(happening);
                break;
            case TraceEventKind.PacketLost:
                WritePacket(happening);
                WriteProbe(happening);
                break;
            case TraceEventKind.PacketDropped:
                _json.WriteString("trigger", happening.Verdict.ToString());
                break;
            case TraceEventKind.Metrics:
                WriteMetrics(happening.Metrics);
                break;
            case TraceEventKind.CongestionState:
                _json.WriteString("new", happening.InSlowStart ? "slow_start" : "congestion_avoidance");
                break;
            case TraceEventKind.Mtu:
                if (happening.FormerLength > 0)
                {
                    _json.WriteNumber("old", happening.FormerLength);
                }

                _json.WriteNumber("new", happening.Length);
                break;
            case TraceEventKind.Closed:
                _json.WriteString("owner", happening.Cause == CloseCause.Peer ? "remote" : "local");
                _json.WriteNumber(happening.ByApplication ? "application_code" : "connection_code", happening.Number);
                _json.WriteString("trigger", happening.Cause.ToString());
                break;
            default:
                throw new InvalidOperationException($"Nobody writes {happening.Kind}.");
        }

        End();
    }

    private void WritePacket(in TraceEvent happening)
    {
        _json.WriteStartObject("header");
        _json.WriteString("packet_type", "1RTT");
        _json.WriteNumber("packet_number", happening.Number);
        _json.WriteEndObject();
        _json.WriteStartObject("raw");
        _json.WriteNumber("length", happening.Length);
        _json.WriteEndObject();
    }

    private void WriteProbe(in TraceEvent happening)
    {
        if (happening.IsMtuProbe)
        {
            _json.WriteBoolean("is_mtu_probe_packet", true);
        }
    }

    private void WriteMetrics(in TracedMetrics metrics)
    {
        if (metrics.Smoothed > 0)
        {
            _json.WriteNumber("min_rtt", metrics.Min / 1e6);
            _json.WriteNumber("smoothed_rtt", metrics.Smoothed / 1e6);
            _json.WriteNumber("latest_rtt", metrics.Latest / 1e6);
        }

        _json.WriteNumber("congestion_window", metrics.Window);
        _json.WriteNumber("bytes_in_flight", metrics.InFlight);
    }

    private static string NameOf(TraceEventKind kind) => kind switch
    {
        TraceEventKind.PacketSent => "transport:packet_sent",
        TraceEventKind.PacketReceived => "transport:packet_received",
        TraceEventKind.PacketDropped => "transport:packet_dropped",
        TraceEventKind.PacketLost => "recovery:packet_lost",
        TraceEventKind.Metrics => "recovery:metrics_updated",
        TraceEventKind.CongestionState => "recovery:congestion_state_updated",
        TraceEventKind.Mtu => "recovery:mtu_updated",
        TraceEventKind.Closed => "connectivity:connection_closed",
    };

    private void Begin()
    {
        _buffer.ResetWrittenCount();
        _json.Reset(_buffer);
        _json.WriteStartObject();
    }

    private void Begin(string name, double time, int connection)
    {
        Begin();
        _json.WriteNumber("time", time);
        _json.WriteString("name", name);
        if (connection > 0)
        {
            _json.WriteNumber("group_id", connection);
        }

        _json.WriteStartObject("data");
    }

    private void End()
    {
        _json.WriteEndObject();
        Finish();
    }

    private void Finish()
    {
        _json.WriteEndObject();
        _json.Flush();
        output.WriteByte(RecordSeparator);
        output.Write(_buffer.WrittenSpan);
        output.WriteByte((byte)'\n');
    }
}
