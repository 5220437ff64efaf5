using System.Buffers.Binary;
using PacketSec.Crypto;

namespace PacketSec.Protocol.Streams;

/// <summary>Sixteen random bytes that name one side's life of a connection: after a restart they are others.</summary>
/// <param name="Value">The bytes as a big-endian number.</param>
internal readonly record struct Incarnation(UInt128 Value)
{
    /// <summary>The length in bytes.</summary>
    public const int Size = 16;

    /// <summary>Gets what stands for none.</summary>
    public static Incarnation None => default;

    public static Incarnation Create(IRandomSource random)
    {
        Span<byte> bytes = stackalloc byte[Size];
        random.Fill(bytes);
        return new(BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }
}
