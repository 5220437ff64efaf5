namespace PacketSec.Protocol.Channels;

/// <summary>Datagrams that wait for a session that may send. Bounded in number and bytes; when full, the new one is refused.</summary>
internal sealed class SendQueue
{
    private readonly Queue<byte[]> _datagrams = new();
    private int _bytes;

    public int Count => _datagrams.Count;

    //= spec/sessions.md#queue
    public bool TryAdd(ReadOnlySpan<byte> payload)
    {
        if (_datagrams.Count >= ImplementationLimits.QueuedDatagrams || _bytes + payload.Length > ImplementationLimits.QueuedBytes)
        {
            return false;
        }

        _datagrams.Enqueue(payload.ToArray());
        _bytes += payload.Length;
        return true;
    }

    public ReadOnlySpan<byte> Peek() => _datagrams.Peek();

    /// <summary>Removes the first datagram and wipes it: it is the application's plaintext.</summary>
    public void Remove()
    {
        var first = _datagrams.Dequeue();
        _bytes -= first.Length;
        Array.Clear(first);
    }

    public void Clear()
    {
        while (_datagrams.Count > 0)
        {
            Remove();
        }
    }

    /// <summary>Removes datagrams that have become too long.</summary>
    /// <returns>How many.</returns>
    public int RemoveLongerThan(int length)
    {
        var removed = 0;
        for (var i = _datagrams.Count; i > 0; i--)
        {
            if (_datagrams.Peek().Length > length)
            {
                Remove();
                removed++;
            }
            else
            {
                _datagrams.Enqueue(_datagrams.Dequeue());
            }
        }

        return removed;
    }

    public void AddTo(StateDigestBuilder digest)
    {
        digest.Add(_bytes);
        foreach (var datagram in _datagrams)
        {
            digest.Add(datagram);
        }
    }
}
