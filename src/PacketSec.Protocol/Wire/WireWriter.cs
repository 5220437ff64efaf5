using System.Buffers.Binary;

namespace PacketSec.Protocol.Wire;

/// <summary>
/// Writes a datagram from front to back into the caller's buffer.
/// </summary>
/// <remarks>A buffer that is too small is the caller's mistake and throws <see cref="ArgumentException"/> or one of its subclasses.</remarks>
/// <param name="destination">The buffer.</param>
internal ref struct WireWriter(Span<byte> destination)
{
    private readonly Span<byte> _destination = destination;

    /// <summary>Gets the number of bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>Gets the bytes written.</summary>
    public readonly Span<byte> Written => _destination[..Length];

    /// <summary>Gets the room that is left in bytes.</summary>
    public readonly int Room => _destination.Length - Length;

    /// <summary>Writes one byte.</summary>
    /// <param name="value">The byte.</param>
    public void WriteByte(byte value) => Take(1)[0] = value;

    /// <summary>Writes a big-endian 16-bit number.</summary>
    /// <param name="value">The number.</param>
    public void WriteUInt16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(sizeof(ushort)), value);

    /// <summary>Writes a big-endian 32-bit number.</summary>
    /// <param name="value">The number.</param>
    public void WriteUInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(sizeof(uint)), value);

    /// <summary>Writes a big-endian 64-bit number.</summary>
    /// <param name="value">The number.</param>
    public void WriteUInt64(ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Take(sizeof(ulong)), value);

    /// <summary>Writes bytes as they are.</summary>
    /// <param name="bytes">The bytes.</param>
    public void WriteBytes(scoped ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>Writes a minimal varint.</summary>
    /// <param name="value">The number.</param>
    public void WriteVarint(ulong value) => Varint.Write(Take(Varint.Length(value)), value);

    /// <summary>Writes the length of bytes as a minimal varint, then the bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    public void WriteDelimited(scoped ReadOnlySpan<byte> bytes)
    {
        WriteVarint((ulong)bytes.Length);
        WriteBytes(bytes);
    }

    /// <summary>Takes the next bytes of the buffer for the caller to fill.</summary>
    /// <param name="count">How many.</param>
    public Span<byte> Take(int count)
    {
        if (count > Room)
        {
            throw new ArgumentException($"The buffer has {Room} bytes left and {count} are to be written.", nameof(count));
        }

        var taken = _destination.Slice(Length, count);
        Length += count;
        return taken;
    }
}
