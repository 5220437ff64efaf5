using PacketSec.Protocol.Streams.Frames;
using PacketSec.Protocol.Streams.Recovery;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Tracing;

/// <summary>Turns what a machine does into the events of a trace. There is one only where there is a trace.</summary>
internal sealed class ConnectionTracer(IConnectionTrace trace, LossRecovery recovery)
{
    private long _now;
    private TracedMetrics _metrics;
    private bool? _inSlowStart;
    private int _mtu;

    public void Sent(long now, in BuiltPacket packet, ReadOnlySpan<byte> payload, bool isMtuProbe)
        => trace.Add(OfPacket(TraceEventKind.PacketSent, now, payload, packet.Number) with { IsMtuProbe = isMtuProbe });

    /// <summary>A packet came; what becomes of it follows.</summary>
    public void Received(long now, ReadOnlySpan<byte> payload)
    {
        _now = now;
        trace.Add(OfPacket(TraceEventKind.PacketReceived, now, payload, -1));
    }

    /// <summary>The packet that came has had its effect.</summary>
    public void Taken(PacketVerdict verdict)
    {
        if (verdict != PacketVerdict.Processed)
        {
            trace.Add(new() { Kind = TraceEventKind.PacketDropped, Time = _now, Verdict = verdict });
        }

        Compare(_now);
    }

    public void Lost(long now, in SettledPacket settled) => trace.Add(new()
    {
        Kind = TraceEventKind.PacketLost,
        Time = now,
        Number = settled.Number,
        Length = settled.Packet.Size,
        IsMtuProbe = settled.Packet.MtuProbe,
    });

    public void Closed(CloseCause cause, long code, bool byApplication) => trace.Add(new()
    {
        Kind = TraceEventKind.Closed,
        Time = _now,
        Cause = cause,
        Number = code,
        ByApplication = byApplication,
    });

    /// <summary>Tells what is otherwise than it was told last.</summary>
    public void Compare(long now)
    {
        _now = now;
        if (_mtu != recovery.DatagramSize)
        {
            trace.Add(new() { Kind = TraceEventKind.Mtu, Time = now, Length = recovery.DatagramSize, FormerLength = _mtu });
            _mtu = recovery.DatagramSize;
        }

        if (_inSlowStart != recovery.Controller.InSlowStart)
        {
            _inSlowStart = recovery.Controller.InSlowStart;
            trace.Add(new() { Kind = TraceEventKind.CongestionState, Time = now, InSlowStart = recovery.Controller.InSlowStart });
        }

        var rtt = recovery.Rtt;
        var metrics = new TracedMetrics(
            recovery.Controller.Window, recovery.BytesInFlight, rtt.HasSample ? rtt.Smoothed : 0, rtt.Latest, rtt.Min);
        if (metrics != _metrics)
        {
            _metrics = metrics;
            trace.Add(new() { Kind = TraceEventKind.Metrics, Time = now, Metrics = metrics });
        }
    }

    private TraceEvent OfPacket(TraceEventKind kind, long now, ReadOnlySpan<byte> payload, long number)
    {
        _now = now;
        var reader = new WireReader(payload);
        var numbered = reader.TryReadQuicVarint(out var read);
        var frames = FrameKinds.None;
        if (numbered)
        {
            FrameWalk.TryRead(reader, out frames);
        }

        return new()
        {
            Kind = kind,
            Time = now,
            Number = numbered ? read : number,
            Length = payload.Length + SpecLimits.DatagramOverhead,
            Frames = frames,
        };
    }
}
