using PacketSec.Protocol.Streams;
using PacketSec.Protocol.Streams.Tracing;
using PacketSec.Udp;

namespace PacketSec;

/// <summary>What a side of a connection lets the other do, and what it holds. Sizes are in bytes.</summary>
public sealed record PacketSecConnectionOptions
{
    private static readonly StreamOptions Defaults = new();

    /// <summary>Gets after which silence the connection ends; zero is never. The smaller of both sides' timeouts holds. 30 s by default.</summary>
    public TimeSpan IdleTimeout { get; init; } = Defaults.IdleTimeout;

    /// <summary>
    /// Gets after which silence the peer is asked for a sign of life, so that a connection that nobody uses stays; zero, the default, is never. A third of
    /// the smaller idle timeout leaves room for losses.
    /// </summary>
    public TimeSpan KeepAlive { get; init; } = Defaults.KeepAlive;

    /// <summary>Gets how much the peer may send on a stream beyond what was read, at first: 65,536 and more.</summary>
    public int StreamWindow { get; init; } = Defaults.StreamWindow;

    /// <summary>Gets what <see cref="StreamWindow"/> grows to while the reader is faster: the most that a stream's reader may leave in memory.</summary>
    public int MaxStreamWindow { get; init; } = Defaults.MaxStreamWindow;

    /// <summary>Gets how much the peer may send on all streams together beyond what was read, at first: 65,536 and more.</summary>
    public int ConnectionWindow { get; init; } = Defaults.ConnectionWindow;

    /// <summary>Gets what <see cref="ConnectionWindow"/> grows to: the most that all readers together may leave in memory.</summary>
    public int MaxConnectionWindow { get; init; } = Defaults.MaxConnectionWindow;

    /// <summary>Gets how many streams of both directions the peer may have open: 1 to 16,383.</summary>
    public int MaxStreams { get; init; } = Defaults.MaxStreamsBidirectional;

    /// <summary>Gets how many streams of one direction the peer may have open: 0 to 16,383.</summary>
    public int MaxUnidirectionalStreams { get; init; } = Defaults.MaxStreamsUnidirectional;

    /// <summary>Gets how much of a stream is held until the peer has acknowledged it; writing waits beyond it.</summary>
    public int SendBuffer { get; init; } = Defaults.SendBuffer;

    /// <summary>Gets the largest datagram that is taken from the peer: 1,100 to 65,535.</summary>
    public int MaxDatagramSize { get; init; } = Defaults.MaxDatagramSize;

    /// <summary>Gets how much of datagrams waits to be sent, and as much to be received; <see cref="MaxDatagramSize"/> at least.</summary>
    public int DatagramBuffer { get; init; } = Defaults.DatagramBuffer;

    /// <summary>Gets the largest UDP payload that is tried, whatever the interface takes.</summary>
    internal int MaxUdpPayload { get; init; } = InterfaceMtu.MostPayload;

    /// <summary>Gets what hears of all that happens to a connection, and to those that follow it on its channel; null for nobody.</summary>
    internal IConnectionTrace? Trace { get; init; }

    /// <exception cref="ArgumentOutOfRangeException">A figure is out of its bounds.</exception>
    internal StreamOptions ToStreamOptions()
    {
        var options = new StreamOptions
        {
            IdleTimeout = IdleTimeout,
            KeepAlive = KeepAlive,
            StreamWindow = StreamWindow,
            MaxStreamWindow = MaxStreamWindow,
            ConnectionWindow = ConnectionWindow,
            MaxConnectionWindow = MaxConnectionWindow,
            MaxStreamsBidirectional = MaxStreams,
            MaxStreamsUnidirectional = MaxUnidirectionalStreams,
            SendBuffer = SendBuffer,
            MaxDatagramSize = MaxDatagramSize,
            DatagramBuffer = DatagramBuffer,
            Trace = Trace,
        };
        _ = options.ToParameters();
        return options;
    }
}
