using System.Buffers.Binary;

namespace PacketSec.Protocol.Wire;

/// <summary>
/// The four bytes every packet begins with, big-endian: the direction in the top bit, the counter in the other 31.
/// </summary>
/// <param name="Direction">The way the packet travels.</param>
/// <param name="Counter">The packet's counter.</param>
internal readonly record struct PacketHeader(Direction Direction, PacketCounter Counter)
{
    /// <summary>The size in bytes.</summary>
    public const int Size = 4;

    private const uint DirectionBit = 1U << 31;

    /// <summary>Gets the header as one number.</summary>
    public uint Word => Counter.Value | (Direction == Direction.ResponderToInitiator ? DirectionBit : 0);

    /// <summary>Reads the header at the front of a datagram.</summary>
    /// <param name="datagram">The datagram.</param>
    /// <param name="header">The header.</param>
    /// <returns>False when the datagram has fewer than 4 bytes; every 4 bytes are a header.</returns>
    public static bool TryRead(ReadOnlySpan<byte> datagram, out PacketHeader header)
    {
        var complete = BinaryPrimitives.TryReadUInt32BigEndian(datagram, out var word);
        header = FromWord(word);
        return complete;
    }

    /// <summary>Splits the first word of a packet.</summary>
    /// <param name="word">The word.</param>
    public static PacketHeader FromWord(uint word) => new(
        (word & DirectionBit) == 0 ? Direction.InitiatorToResponder : Direction.ResponderToInitiator,
        new PacketCounter(word & PacketCounter.MaxValue));

    /// <summary>Writes the header to the front of a datagram.</summary>
    /// <param name="datagram">At least 4 bytes.</param>
    public void WriteTo(Span<byte> datagram) => BinaryPrimitives.WriteUInt32BigEndian(datagram, Word);
}
