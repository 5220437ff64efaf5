namespace PacketSec.Protocol.Wire;

/// <summary>
/// Unsigned LEB128 in two strictnesses: the minimal form of multiformats and PSEC, where each number has one encoding, and the form of
/// Protocol Buffers, where a receiver takes padded encodings too.
/// </summary>
internal static class Varint
{
    /// <summary>The longest strict encoding in bytes; it holds 63 bits.</summary>
    public const int MaxStrictLength = 9;

    /// <summary>The longest lenient encoding in bytes; it holds 64 bits.</summary>
    public const int MaxLenientLength = 10;

    /// <summary>The largest number with a strict encoding.</summary>
    public const ulong MaxStrictValue = (1UL << 63) - 1;

    /// <summary>Returns how many bytes the minimal encoding of a number takes, 1 to 10.</summary>
    /// <param name="value">The number.</param>
    public static int Length(ulong value) => 1 + ((63 - int.CreateTruncating(ulong.LeadingZeroCount(value | 1))) / 7);

    /// <summary>Reads a number in its minimal encoding of at most 9 bytes.</summary>
    /// <param name="source">Bytes that begin with the number.</param>
    /// <param name="value">The number.</param>
    /// <param name="length">How many bytes it took.</param>
    /// <returns>False when the bytes end inside the number, or the encoding is longer than needed or than 9 bytes.</returns>
    public static bool TryReadStrict(ReadOnlySpan<byte> source, out ulong value, out int length)
        => TryRead(source, MaxStrictLength, out value, out length) && (length == 1 || source[length - 1] != 0);

    /// <summary>Reads a number as Protocol Buffers encode it: at most 10 bytes, which may be padded.</summary>
    /// <param name="source">Bytes that begin with the number.</param>
    /// <param name="value">The number.</param>
    /// <param name="length">How many bytes it took.</param>
    /// <returns>False when the bytes end inside the number, or it does not fit 64 bits.</returns>
    public static bool TryReadLenient(ReadOnlySpan<byte> source, out ulong value, out int length)
        => TryRead(source, MaxLenientLength, out value, out length) && (length < MaxLenientLength || source[length - 1] <= 1);

    /// <summary>Writes the minimal encoding of a number.</summary>
    /// <param name="destination">At least <see cref="Length"/> bytes.</param>
    /// <param name="value">The number.</param>
    /// <returns>How many bytes it took.</returns>
    public static int Write(Span<byte> destination, ulong value)
    {
        var length = 0;
        while (value >= 0x80)
        {
            destination[length++] = (byte)((value & 0x7f) | 0x80);
            value >>= 7;
        }

        destination[length++] = (byte)value;
        return length;
    }

    private static bool TryRead(ReadOnlySpan<byte> source, int maxLength, out ulong value, out int length)
    {
        value = 0;
        var end = Math.Min(source.Length, maxLength);
        for (var i = 0; i < end; i++)
        {
            value |= (ulong)(source[i] & 0x7f) << (7 * i);
            if (source[i] < 0x80)
            {
                length = i + 1;
                return true;
            }
        }

        length = 0;
        return false;
    }
}
