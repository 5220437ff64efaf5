using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Identity;

/// <summary>
/// Reads the little DER that keys are made of. Each value has one encoding; the others are refused, because keys are compared as bytes.
/// </summary>
/// <param name="source">DER values one after the other.</param>
internal ref struct DerReader(ReadOnlySpan<byte> source)
{
    private WireReader _reader = new(source);

    /// <summary>Gets whether everything is read.</summary>
    public readonly bool IsAtEnd => _reader.IsAtEnd;

    /// <summary>Reads a SEQUENCE.</summary>
    /// <param name="content">A reader of what it holds.</param>
    public bool TryReadSequence(out DerReader content)
    {
        var read = TryRead(DerTag.Sequence, out var bytes);
        content = new DerReader(bytes);
        return read;
    }

    /// <summary>Reads a positive INTEGER in its shortest form.</summary>
    /// <param name="magnitude">Its big-endian bytes without leading zeros.</param>
    public bool TryReadPositive(out ReadOnlySpan<byte> magnitude)
    {
        if (!TryRead(DerTag.Integer, out magnitude) || magnitude.IsEmpty || magnitude[0] >= 0x80)
        {
            return false;
        }

        if (magnitude[0] != 0)
        {
            return true;
        }

        // A leading zero is there only to keep the number positive; zero itself is not positive.
        magnitude = magnitude[1..];
        return !magnitude.IsEmpty && magnitude[0] >= 0x80;
    }

    /// <summary>Reads a BIT STRING of whole bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    public bool TryReadBitString(out ReadOnlySpan<byte> bytes)
    {
        if (!TryRead(DerTag.BitString, out bytes) || bytes.IsEmpty || bytes[0] != 0)
        {
            return false;
        }

        bytes = bytes[1..];
        return true;
    }

    /// <summary>Reads a value if it is the given one.</summary>
    /// <param name="encoded">The value with tag and length.</param>
    public bool TryReadExactly(scoped ReadOnlySpan<byte> encoded)
    {
        var copy = _reader;
        if (!copy.TryReadBytes(encoded.Length, out var bytes) || !bytes.SequenceEqual(encoded))
        {
            return false;
        }

        _reader = copy;
        return true;
    }

    /// <summary>Reads a value of the given tag.</summary>
    /// <param name="tag">The tag.</param>
    /// <param name="content">What it holds.</param>
    /// <returns>False, with nothing read, when the next value has another tag, is cut off, or its length is not minimal.</returns>
    public bool TryRead(DerTag tag, out ReadOnlySpan<byte> content)
    {
        var copy = _reader;
        content = default;
        if (!copy.TryReadByte(out var actual) || actual != (byte)tag || !TryReadLength(ref copy, out var length)
            || !copy.TryReadBytes(length, out content))
        {
            return false;
        }

        _reader = copy;
        return true;
    }

    // No key here is longer than two bytes of length can say.
    private static bool TryReadLength(ref WireReader reader, out int length)
    {
        length = 0;
        if (!reader.TryReadByte(out var first))
        {
            return false;
        }

        switch (first)
        {
            case < 0x80:
                length = first;
                return true;
            case 0x81 when reader.TryReadByte(out var one):
                length = one;
                return one >= 0x80;
            case 0x82 when reader.TryReadUInt16(out var two):
                length = two;
                return two >= 0x100;
            default:
                return false;
        }
    }
}

/// <summary>The DER tags that keys use.</summary>
internal enum DerTag
{
    /// <summary>INTEGER.</summary>
    Integer = 0x02,

    /// <summary>BIT STRING.</summary>
    BitString = 0x03,

    /// <summary>OCTET STRING.</summary>
    OctetString = 0x04,

    /// <summary>SEQUENCE.</summary>
    Sequence = 0x30,

    /// <summary>The public key of RFC 5958, [1] IMPLICIT BIT STRING.</summary>
    PublicKey = 0x81,

    /// <summary>The attributes of RFC 5958, [0] IMPLICIT SET.</summary>
    Attributes = 0xa0,
}
