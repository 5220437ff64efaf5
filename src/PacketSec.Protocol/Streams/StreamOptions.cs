using PacketSec.Protocol.Streams.Frames;
using PacketSec.Protocol.Streams.Tracing;

namespace PacketSec.Protocol.Streams;

/// <summary>Which rule bounds what is in flight.</summary>
internal enum CongestionControl
{
    /// <summary>RFC 9438.</summary>
    Cubic,

    /// <summary>RFC 9002.</summary>
    NewReno,
}

/// <summary>What a side of a connection lets the other do, and what it holds.</summary>
internal sealed record StreamOptions
{
    // What a HELLO has room for, so that a datagram of 1,100 bytes fits beside it.
    private const int MaxFirstWindow = (1 << 30) - 1;
    private const int MaxStreams = (1 << 14) - 1;

    /// <summary>Gets after which silence the connection ends; zero = never.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Gets after which silence the peer is asked for a sign of life; zero = never.</summary>
    public TimeSpan KeepAlive { get; init; }

    /// <summary>Gets how many bytes the peer may send on each stream at first.</summary>
    public int StreamWindow { get; init; } = 256 * 1024;

    /// <summary>Gets what <see cref="StreamWindow"/> may grow to.</summary>
    public int MaxStreamWindow { get; init; } = 8 * 1024 * 1024;

    /// <summary>Gets how many bytes the peer may send on all streams together at first.</summary>
    public int ConnectionWindow { get; init; } = 512 * 1024;

    /// <summary>Gets what <see cref="ConnectionWindow"/> may grow to.</summary>
    public int MaxConnectionWindow { get; init; } = 16 * 1024 * 1024;

    /// <summary>Gets how many streams of both directions the peer may have open.</summary>
    public int MaxStreamsBidirectional { get; init; } = 1024;

    /// <summary>Gets how many streams of one direction the peer may have open.</summary>
    public int MaxStreamsUnidirectional { get; init; } = 64;

    /// <summary>Gets how many bytes of a stream are held until the peer has acknowledged them.</summary>
    public int SendBuffer { get; init; } = 8 * 1024 * 1024;

    /// <summary>Gets the largest payload of a datagram that is taken.</summary>
    public int MaxDatagramSize { get; init; } = ushort.MaxValue;

    /// <summary>Gets how many bytes of datagrams wait to be sent, and how many to be read by the application.</summary>
    public int DatagramBuffer { get; init; } = 256 * 1024;

    public CongestionControl CongestionControl { get; init; } = CongestionControl.Cubic;

    /// <summary>Gets what hears of all that happens; null for nobody.</summary>
    public IConnectionTrace? Trace { get; init; }

    /// <summary>Returns what the HELLO says.</summary>
    /// <exception cref="ArgumentException">A figure is too small for what a peer may send before it has heard it, or too large.</exception>
    public TransportParameters ToParameters()
    {
        var parameters = new TransportParameters(
            (long)IdleTimeout.TotalMilliseconds, ConnectionWindow, StreamWindow, MaxStreamsBidirectional, MaxStreamsUnidirectional, MaxDatagramSize);
        Check(nameof(IdleTimeout), parameters.IdleTimeoutMilliseconds, 0, MaxFirstWindow);
        Check(nameof(KeepAlive), (long)KeepAlive.TotalMilliseconds, 0, MaxFirstWindow);
        Check(nameof(ConnectionWindow), ConnectionWindow, TransportParameters.Minimum.MaxData, MaxFirstWindow);
        Check(nameof(StreamWindow), StreamWindow, TransportParameters.Minimum.MaxStreamData, MaxFirstWindow);
        Check(nameof(MaxConnectionWindow), MaxConnectionWindow, ConnectionWindow, int.MaxValue);
        Check(nameof(MaxStreamWindow), MaxStreamWindow, StreamWindow, Array.MaxLength);
        Check(nameof(MaxStreamsBidirectional), MaxStreamsBidirectional, TransportParameters.Minimum.MaxStreamsBidirectional, MaxStreams);
        Check(nameof(MaxStreamsUnidirectional), MaxStreamsUnidirectional, 0, MaxStreams);
        Check(nameof(SendBuffer), SendBuffer, 1, Array.MaxLength);
        Check(nameof(MaxDatagramSize), MaxDatagramSize, TransportParameters.Minimum.MaxDatagramSize, ushort.MaxValue);
        Check(nameof(DatagramBuffer), DatagramBuffer, MaxDatagramSize, Array.MaxLength);
        return parameters;
    }

    private static void Check(string name, long value, long least, long most)
    {
        if (value < least || value > most)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {least} to {most}.");
        }
    }
}
