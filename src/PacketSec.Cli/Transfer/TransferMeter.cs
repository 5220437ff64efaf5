using System.Diagnostics;

namespace PacketSec.Cli.Transfer;

/// <summary>How far a transfer has come, for those who print it while it runs. Thread-safe.</summary>
internal sealed class TransferMeter(string name, long size)
{
    private PacketSecConnection? _connection;
    private long _position;
    private long _moved;
    private long _begunAt;
    private long _endedAt;

    public string Name { get; } = name;

    public long Size { get; } = size;

    /// <summary>Gets the bytes of the file that are at the other side.</summary>
    public long Position => Interlocked.Read(ref _position);

    /// <summary>Gets the bytes of the file that went over the network, in all tries together.</summary>
    public long Moved => Interlocked.Read(ref _moved);

    /// <summary>Gets the time since the first byte, until the end.</summary>
    public TimeSpan Elapsed => Interlocked.Read(ref _begunAt) is var begun && begun == 0 ? TimeSpan.Zero
        : Stopwatch.GetElapsedTime(begun, Interlocked.Read(ref _endedAt) is var ended && ended != 0 ? ended : Stopwatch.GetTimestamp());

    /// <summary>Gets the mean rate in bytes per second.</summary>
    public double Rate => Elapsed > TimeSpan.Zero ? Moved / Elapsed.TotalSeconds : 0;

    /// <summary>Gets what is known of the connection in use; null before there is one.</summary>
    public PacketSecConnectionStatistics? Statistics => Volatile.Read(ref _connection)?.GetStatistics();

    /// <summary>A try begins at a place of the file.</summary>
    public void Begin(PacketSecConnection connection, long position)
    {
        Volatile.Write(ref _connection, connection);
        Interlocked.Exchange(ref _position, position);
        Interlocked.CompareExchange(ref _begunAt, Stopwatch.GetTimestamp(), 0);
    }

    public void Add(int count)
    {
        Interlocked.Add(ref _position, count);
        Interlocked.Add(ref _moved, count);
    }

    /// <summary>The transfer is complete.</summary>
    public void End() => Interlocked.Exchange(ref _endedAt, Stopwatch.GetTimestamp());
}
