namespace PacketSec.Protocol.Streams;

/// <summary>
/// The bytes of a stream between two offsets, in an array that is used in circles: a byte's place follows from its offset. The array grows as it is
/// needed, by doubling up to what its owner allows.
/// </summary>
internal sealed class ByteRing
{
    private const int MinCapacity = 4096;

    private byte[] _bytes = [];

    /// <summary>Gets the bytes that the array takes.</summary>
    public int Capacity => _bytes.Length;

    /// <summary>Makes room for the bytes from an offset to another.</summary>
    /// <param name="from">The offset of the oldest byte that is kept.</param>
    /// <param name="kept">Where the bytes end that are there by now.</param>
    /// <param name="to">Where the bytes are to end.</param>
    /// <param name="bound">The largest capacity; the bytes have to fit it.</param>
    public void EnsureRoom(long from, long kept, long to, long bound)
    {
        var needed = to - from;
        if (needed <= _bytes.Length)
        {
            return;
        }

        if (needed > bound)
        {
            throw new ArgumentOutOfRangeException(nameof(to), to, $"The stream may hold {bound} bytes and {needed} are to be held.");
        }

        var grown = new byte[(int)Math.Min(Math.Max(Math.Max(needed, 2L * _bytes.Length), MinCapacity), bound)];
        var old = _bytes;
        for (var offset = from; offset < kept;)
        {
            var source = old.AsSpan((int)(offset % old.Length));
            var target = grown.AsSpan((int)(offset % grown.Length));
            var count = (int)Math.Min(Math.Min(source.Length, target.Length), kept - offset);
            source[..count].CopyTo(target);
            offset += count;
        }

        _bytes = grown;
    }

    /// <summary>Puts bytes at an offset, for which there is room.</summary>
    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            var target = _bytes.AsSpan((int)(offset % _bytes.Length));
            var count = Math.Min(target.Length, source.Length);
            source[..count].CopyTo(target);
            source = source[count..];
            offset += count;
        }
    }

    /// <summary>Takes bytes from an offset.</summary>
    public void Read(long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            var source = _bytes.AsSpan((int)(offset % _bytes.Length));
            var count = Math.Min(source.Length, destination.Length);
            source[..count].CopyTo(destination);
            destination = destination[count..];
            offset += count;
        }
    }

    /// <summary>Returns the bytes from an offset that lie in one piece.</summary>
    /// <param name="offset">The offset.</param>
    /// <param name="length">How many are wanted; fewer come where the array ends.</param>
    public Memory<byte> Piece(long offset, long length)
    {
        if (length == 0)
        {
            return default;
        }

        var at = (int)(offset % _bytes.Length);
        return _bytes.AsMemory(at, (int)Math.Min(length, _bytes.Length - at));
    }

    /// <summary>Gives the memory back; nothing is kept.</summary>
    public void Release() => _bytes = [];
}
