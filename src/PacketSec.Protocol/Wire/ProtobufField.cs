namespace PacketSec.Protocol.Wire;

/// <summary>Writes proto3 fields with small numbers, as their canonical form wants: one tag byte, minimal varints, no empty scalars.</summary>
internal static class ProtobufField
{
    /// <summary>Returns the encoded length of a bytes or string field; a scalar that is empty is not written.</summary>
    /// <param name="value">The content.</param>
    public static int ScalarLength(ReadOnlySpan<byte> value) => value.IsEmpty ? 0 : MessageLength(value.Length);

    /// <summary>Returns the encoded length of a field that is written even when it is empty: a message, an element of a repeated field.</summary>
    /// <param name="contentLength">The content's length in bytes.</param>
    public static int MessageLength(int contentLength) => 1 + Varint.Length((ulong)contentLength) + contentLength;

    /// <summary>Writes a bytes or string field, unless it is empty.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="number">1 to 15.</param>
    /// <param name="value">The content.</param>
    public static void WriteScalar(ref WireWriter writer, int number, ReadOnlySpan<byte> value)
    {
        if (!value.IsEmpty)
        {
            WriteHead(ref writer, number, value.Length);
            writer.WriteBytes(value);
        }
    }

    /// <summary>Writes the tag and the length of a field whose content the caller writes next.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="number">1 to 15.</param>
    /// <param name="contentLength">The content's length in bytes.</param>
    public static void WriteHead(ref WireWriter writer, int number, int contentLength)
    {
        writer.WriteByte((byte)((number << 3) | (int)ProtobufType.Bytes));
        writer.WriteVarint((ulong)contentLength);
    }
}
