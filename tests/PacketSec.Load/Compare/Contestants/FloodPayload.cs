using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PacketSec.Load.Compare.Contestants;

/// <summary>
/// What the datagrams of all contestants carry: an index in the first 64-bit little-endian word, 0 for the first that a sender makes, and words that are
/// the same in all of them. Each one proves by itself that it is whole, so that what the network loses leaves no gap in the proof.
/// </summary>
internal static class FloodPayload
{
    private const ulong Step = 0x9E3779B97F4A7C15;

    /// <summary>Makes the payload with index 0.</summary>
    /// <param name="size">8 bytes or more; what is left over of the last word is zero, and in no sum.</param>
    public static byte[] Create(int size)
    {
        var payload = GC.AllocateArray<byte>(size, pinned: true);
        for (var i = 0; i < size / sizeof(ulong); i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(i * sizeof(ulong)), unchecked((ulong)i * Step));
        }

        return payload;
    }

    public static void SetIndex(Span<byte> payload, long index) => BinaryPrimitives.WriteUInt64LittleEndian(payload, (ulong)index);

    public static ulong IndexOf(ReadOnlySpan<byte> payload) => BinaryPrimitives.ReadUInt64LittleEndian(payload);

    /// <summary>Adds the words up, in four chains as the programs in C do; for little-endian machines, as those.</summary>
    public static ulong Sum(ReadOnlySpan<byte> payload)
    {
        unchecked
        {
            ulong a = 0, b = 0, c = 0, d = 0;
            ref var words = ref Unsafe.As<byte, ulong>(ref MemoryMarshal.GetReference(payload));
            var count = payload.Length / sizeof(ulong);
            var i = 0;
            for (; i + 4 <= count; i += 4)
            {
                a += Unsafe.Add(ref words, i);
                b += Unsafe.Add(ref words, i + 1);
                c += Unsafe.Add(ref words, i + 2);
                d += Unsafe.Add(ref words, i + 3);
            }

            for (; i < count; i++)
            {
                a += Unsafe.Add(ref words, i);
            }

            return a + b + c + d;
        }
    }

    /// <summary>The sum of so many datagrams whose indexes have a sum.</summary>
    public static ulong Expect(int size, long count, ulong indexSum) => unchecked((Sum(Create(size)) * (ulong)count) + indexSum);

    /// <summary>The sum of the first indexes.</summary>
    public static ulong SumOfFirst(long count) => (ulong)((Int128)count * (count - 1) / 2);
}
