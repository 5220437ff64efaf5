using System.Buffers.Binary;

namespace PacketSec.Protocol.Wire;

/// <summary>
/// Reads a datagram from front to back. Each read either succeeds whole or returns false and moves nothing; nothing is copied.
/// </summary>
/// <param name="source">The bytes to read; the spans handed out are views of them.</param>
internal ref struct WireReader(ReadOnlySpan<byte> source)
{
    private ReadOnlySpan<byte> _rest = source;

    /// <summary>Gets the number of bytes not read yet.</summary>
    public readonly int Remaining => _rest.Length;

    /// <summary>Gets whether everything is read.</summary>
    public readonly bool IsAtEnd => _rest.IsEmpty;

    /// <summary>Reads one byte.</summary>
    /// <param name="value">The byte.</param>
    public bool TryReadByte(out byte value)
    {
        if (_rest.IsEmpty)
        {
            value = 0;
            return false;
        }

        value = _rest[0];
        _rest = _rest[1..];
        return true;
    }

    /// <summary>Reads a big-endian 16-bit number.</summary>
    /// <param name="value">The number.</param>
    public bool TryReadUInt16(out ushort value)
        => BinaryPrimitives.TryReadUInt16BigEndian(_rest, out value) && Skip(sizeof(ushort));

    /// <summary>Reads a big-endian 32-bit number.</summary>
    /// <param name="value">The number.</param>
    public bool TryReadUInt32(out uint value)
        => BinaryPrimitives.TryReadUInt32BigEndian(_rest, out value) && Skip(sizeof(uint));

    /// <summary>Reads a big-endian 64-bit number.</summary>
    /// <param name="value">The number.</param>
    public bool TryReadUInt64(out ulong value)
        => BinaryPrimitives.TryReadUInt64BigEndian(_rest, out value) && Skip(sizeof(ulong));

    /// <summary>Reads a number of bytes.</summary>
    /// <param name="count">How many, zero or more.</param>
    /// <param name="bytes">A view of them.</param>
    public bool TryReadBytes(int count, out ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count > _rest.Length)
        {
            bytes = default;
            return false;
        }

        bytes = _rest[..count];
        return Skip(count);
    }

    /// <summary>Reads a varint in its one minimal encoding.</summary>
    /// <param name="value">The number, below 2^63.</param>
    public bool TryReadVarint(out ulong value)
        => Varint.TryReadStrict(_rest, out value, out var length) && Skip(length);

    /// <summary>Reads a varint as Protocol Buffers encode it.</summary>
    /// <param name="value">The number.</param>
    public bool TryReadLenientVarint(out ulong value)
        => Varint.TryReadLenient(_rest, out value, out var length) && Skip(length);

    /// <summary>Reads a minimal varint and as many bytes as it says.</summary>
    /// <param name="bytes">A view of the bytes after the varint.</param>
    public bool TryReadDelimited(out ReadOnlySpan<byte> bytes)
        => Delimited(Varint.TryReadStrict(_rest, out var count, out var prefix), count, prefix, out bytes);

    /// <summary>Reads a varint as Protocol Buffers encode it, and as many bytes as it says.</summary>
    /// <param name="bytes">A view of the bytes after the varint.</param>
    public bool TryReadLenientDelimited(out ReadOnlySpan<byte> bytes)
        => Delimited(Varint.TryReadLenient(_rest, out var count, out var prefix), count, prefix, out bytes);

    /// <summary>Reads everything that remains.</summary>
    public ReadOnlySpan<byte> ReadRest()
    {
        var rest = _rest;
        _rest = default;
        return rest;
    }

    private bool Delimited(bool hasCount, ulong count, int prefix, out ReadOnlySpan<byte> bytes)
    {
        if (!hasCount || count > (ulong)(_rest.Length - prefix))
        {
            bytes = default;
            return false;
        }

        bytes = _rest.Slice(prefix, (int)count);
        return Skip(prefix + (int)count);
    }

    private bool Skip(int count)
    {
        _rest = _rest[count..];
        return true;
    }
}
