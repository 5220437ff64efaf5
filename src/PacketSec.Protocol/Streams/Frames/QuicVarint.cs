using System.Buffers.Binary;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>
/// The variable-length integers of RFC 9000: two bits tell whether 1, 2, 4 or 8 bytes hold the number. They have nothing to do with the
/// varints of multiformats in <see cref="Varint"/>.
/// </summary>
//= rfc9000#section-16
internal static class QuicVarint
{
    /// <summary>The largest number there is, 2^62-1.</summary>
    public const long MaxValue = (1L << 62) - 1;

    /// <summary>The longest encoding in bytes.</summary>
    public const int MaxLength = 8;

    /// <summary>Returns how many bytes the shortest encoding takes.</summary>
    /// <param name="value">The number, 0 to <see cref="MaxValue"/>.</param>
    public static int Length(long value) => value switch
    {
        < 0 or > MaxValue => throw new ArgumentOutOfRangeException(nameof(value), value, "A number in a frame is 0 to 2^62-1."),
        < 1 << 6 => 1,
        < 1 << 14 => 2,
        < 1 << 30 => 4,
        _ => 8,
    };

    /// <summary>Reads a number in any of its encodings; nothing moves when the bytes end inside it.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="value">The number.</param>
    public static bool TryReadQuicVarint(this scoped ref WireReader reader, out long value)
        => reader.TryReadQuicVarint(out value, out _);

    /// <summary>Reads a number, and tells how many bytes it took.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="value">The number.</param>
    /// <param name="length">1, 2, 4 or 8.</param>
    public static bool TryReadQuicVarint(this scoped ref WireReader reader, out long value, out int length)
    {
        value = 0;
        length = 0;
        var ahead = reader;
        if (!ahead.TryReadByte(out var first))
        {
            return false;
        }

        length = 1 << (first >> 6);
        value = first & 0x3f;
        if (!ahead.TryReadBytes(length - 1, out var rest))
        {
            value = 0;
            return false;
        }

        foreach (var next in rest)
        {
            value = (value << 8) | next;
        }

        reader = ahead;
        return true;
    }

    /// <summary>Writes the shortest encoding.</summary>
    /// <param name="writer">A writer with room for it.</param>
    /// <param name="value">The number, 0 to <see cref="MaxValue"/>.</param>
    public static void WriteQuicVarint(this ref WireWriter writer, long value) => WriteQuicVarint(ref writer, value, Length(value));

    /// <summary>Writes an encoding of a length that is chosen, so that room can be kept for a number that is known later.</summary>
    /// <param name="writer">A writer with room for it.</param>
    /// <param name="value">The number; it has to fit.</param>
    /// <param name="length">1, 2, 4 or 8.</param>
    public static void WriteQuicVarint(this ref WireWriter writer, long value, int length) => Write(writer.Take(length), value);

    /// <summary>Fills a span with the encoding that has its length.</summary>
    /// <param name="destination">1, 2, 4 or 8 bytes.</param>
    /// <param name="value">The number; it has to fit.</param>
    public static void Write(Span<byte> destination, long value)
    {
        var length = destination.Length;
        if (length is not (1 or 2 or 4 or 8) || Length(value) > length)
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, $"The number does not fit an encoding of {length} bytes.");
        }

        switch (length)
        {
            case 1:
                destination[0] = (byte)value;
                break;
            case 2:
                BinaryPrimitives.WriteUInt16BigEndian(destination, (ushort)(value | 0x4000));
                break;
            case 4:
                BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)(value | 0x8000_0000));
                break;
            default:
                BinaryPrimitives.WriteUInt64BigEndian(destination, (ulong)value | 0xc000_0000_0000_0000);
                break;
        }
    }
}
