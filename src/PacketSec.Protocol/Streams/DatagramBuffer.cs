namespace PacketSec.Protocol.Streams;

/// <summary>Datagrams one behind the other, up to a number of bytes in all.</summary>
internal sealed class DatagramBuffer(int bound)
{
    private readonly ByteRing _ring = new();
    private readonly Queue<int> _lengths = new();
    private long _from;
    private long _to;

    public bool IsEmpty => _lengths.Count == 0;

    /// <summary>Gets the length of the oldest datagram.</summary>
    public int NextLength => _lengths.Peek();

    /// <summary>Adds a datagram.</summary>
    /// <returns>False when there is no room for it.</returns>
    public bool TryAdd(ReadOnlySpan<byte> datagram)
    {
        // An empty datagram takes a place too.
        if (_to - _from + datagram.Length > bound || _lengths.Count >= bound / 16)
        {
            return false;
        }

        _ring.EnsureRoom(_from, _to, _to + datagram.Length, bound);
        _ring.Write(_to, datagram);
        _to += datagram.Length;
        _lengths.Enqueue(datagram.Length);
        return true;
    }

    /// <summary>Moves the oldest datagram out.</summary>
    /// <param name="destination">At least <see cref="NextLength"/> bytes.</param>
    /// <returns>Its length.</returns>
    public int Take(Span<byte> destination)
    {
        var length = _lengths.Dequeue();
        _ring.Read(_from, destination[..length]);
        _from += length;
        return length;
    }

    /// <summary>Lets the oldest datagram go.</summary>
    public void Drop() => _from += _lengths.Dequeue();
}
