namespace PacketSec.Protocol;

/// <summary>The counters of one channel as they were when they were asked for.</summary>
public struct PeerStatistics
{
    private long _sent;
    private long _sentBytes;
    private long _received;
    private long _receivedBytes;
    private long _cachedAnswers;
    private long _sessions;

    /// <summary>Gets the datagrams of the application that were sealed.</summary>
    public readonly long DatagramsSent => _sent;

    /// <summary>Gets their payload bytes.</summary>
    public readonly long BytesSent => _sentBytes;

    /// <summary>Gets the datagrams delivered to the application.</summary>
    public readonly long DatagramsReceived => _received;

    /// <summary>Gets their payload bytes.</summary>
    public readonly long BytesReceived => _receivedBytes;

    /// <summary>Gets the repeated handshake messages that drew the answer they drew before.</summary>
    public readonly long CachedAnswers => _cachedAnswers;

    /// <summary>Gets the sessions that were confirmed.</summary>
    public readonly long SessionsConfirmed => _sessions;

    /// <summary>Copies the counters while another thread may count.</summary>
    internal readonly PeerStatistics Read() => new()
    {
        _sent = Volatile.Read(in _sent),
        _sentBytes = Volatile.Read(in _sentBytes),
        _received = Volatile.Read(in _received),
        _receivedBytes = Volatile.Read(in _receivedBytes),
        _cachedAnswers = Volatile.Read(in _cachedAnswers),
        _sessions = Volatile.Read(in _sessions),
    };

    internal void AddSent(int bytes)
    {
        _sent++;
        _sentBytes += bytes;
    }

    internal void AddReceived(int bytes)
    {
        _received++;
        _receivedBytes += bytes;
    }

    internal void AddCachedAnswer() => _cachedAnswers++;

    internal void AddSession() => _sessions++;
}
