namespace PacketSec.Cli.Forward;

/// <summary>What has been forwarded, over all connections of a command. Thread-safe.</summary>
internal sealed class ForwardTally
{
    private long _connections;
    private long _flows;
    private long _refused;
    private long _dropped;

    /// <summary>Gets the datagrams that were dropped: too large, without room, of no flow, or of one source too many.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    public void CountConnection() => Interlocked.Increment(ref _connections);

    public void CountFlow() => Interlocked.Increment(ref _flows);

    public void CountRefused() => Interlocked.Increment(ref _refused);

    public void CountDropped() => Interlocked.Increment(ref _dropped);

    public void Print(Reporter reporter)
    {
        var (connections, flows, refused, dropped) = (Interlocked.Read(ref _connections), Interlocked.Read(ref _flows), Interlocked.Read(ref _refused), Dropped);
        reporter.Summary(
            "summary",
            $"{connections} TCP connections, {flows} UDP flows, {refused} refused, {dropped} datagrams dropped",
            [("TCP connections", $"{connections}"), ("UDP flows", $"{flows}"), ("refused", $"{refused}"), ("datagrams dropped", $"{dropped}")],
            line =>
            {
                line.WriteNumber("connections", connections);
                line.WriteNumber("flows", flows);
                line.WriteNumber("refused", refused);
                line.WriteNumber("datagrams_dropped", dropped);
            });
    }
}
