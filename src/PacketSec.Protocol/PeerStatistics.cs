namespace PacketSec.Protocol;

/// <summary>Counters of one channel. Written under the peer's exclusion; read by anyone.</summary>
public sealed class PeerStatistics
{
    private long _sent;
    private long _sentBytes;
    private long _received;
    private long _receivedBytes;
    private long _cachedAnswers;
    private long _sessions;

    /// <summary>Gets the datagrams of the application that were sealed.</summary>
    public long DatagramsSent => Volatile.Read(ref _sent);

    /// <summary>Gets their payload bytes.</summary>
    public long BytesSent => Volatile.Read(ref _sentBytes);

    /// <summary>Gets the datagrams delivered to the application.</summary>
    public long DatagramsReceived => Volatile.Read(ref _received);

    /// <summary>Gets their payload bytes.</summary>
    public long BytesReceived => Volatile.Read(ref _receivedBytes);

    /// <summary>Gets the repeated handshake messages that drew the answer they drew before.</summary>
    public long CachedAnswers => Volatile.Read(ref _cachedAnswers);

    /// <summary>Gets the sessions that were confirmed.</summary>
    public long SessionsConfirmed => Volatile.Read(ref _sessions);

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
