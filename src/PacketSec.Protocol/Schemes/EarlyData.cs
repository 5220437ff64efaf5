namespace PacketSec.Protocol.Schemes;

/// <summary>Datagrams that came before the handshake that will tell whether they are authentic. Bounded in number and bytes.</summary>
internal sealed class EarlyData
{
    private readonly Queue<byte[]> _datagrams = new();
    private int _bytes;

    public int Count => _datagrams.Count;

    //= spec/sessions.md#early-data-held
    public bool TryAdd(ReadOnlySpan<byte> datagram)
    {
        if (_datagrams.Count >= ImplementationLimits.EarlyPackets || _bytes + datagram.Length > ImplementationLimits.EarlyBytes)
        {
            return false;
        }

        _datagrams.Enqueue(datagram.ToArray());
        _bytes += datagram.Length;
        return true;
    }

    public bool TryTake(out byte[] datagram)
    {
        if (!_datagrams.TryDequeue(out datagram!))
        {
            return false;
        }

        _bytes -= datagram.Length;
        return true;
    }
}
