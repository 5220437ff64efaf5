using System.Buffers.Binary;

namespace PacketSec.Cli.Net;

/// <summary>The payload of <c>dial --count</c> and <c>ping</c>: an 8-byte big-endian sequence number, and a pattern that depends on it.</summary>
internal static class NumberedPayload
{
    /// <summary>The smallest payload: the number alone.</summary>
    public const int MinSize = sizeof(ulong);

    /// <summary>Writes a payload.</summary>
    /// <param name="number">The sequence number.</param>
    /// <param name="payload">At least <see cref="MinSize"/> bytes, all of which are written.</param>
    public static void Write(long number, Span<byte> payload)
    {
        BinaryPrimitives.WriteInt64BigEndian(payload, number);
        for (var i = MinSize; i < payload.Length; i++)
        {
            payload[i] = PatternAt(number, i);
        }
    }

    /// <summary>Reads a payload.</summary>
    /// <param name="payload">The payload.</param>
    /// <param name="size">The size that it must have.</param>
    /// <param name="number">The sequence number.</param>
    /// <returns>False unless every byte is as <see cref="Write"/> made it.</returns>
    public static bool TryRead(ReadOnlySpan<byte> payload, int size, out long number)
    {
        number = 0;
        if (payload.Length != size)
        {
            return false;
        }

        number = BinaryPrimitives.ReadInt64BigEndian(payload);
        for (var i = MinSize; i < payload.Length; i++)
        {
            if (payload[i] != PatternAt(number, i))
            {
                return false;
            }
        }

        return number >= 0;
    }

    private static byte PatternAt(long number, int index) => unchecked((byte)((number * 31) + index));
}
