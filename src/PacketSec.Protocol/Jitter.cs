using System.Buffers.Binary;
using PacketSec.Crypto;

namespace PacketSec.Protocol;

/// <summary>Random spreading of timers, so that peers that started together do not stay together.</summary>
internal static class Jitter
{
    /// <summary>Lengthens an interval by 0 to 20 %.</summary>
    public static TimeSpan Lengthen(TimeSpan interval, IRandomSource random) => interval + Fraction(interval / 5, random);

    /// <summary>Returns a random part of an interval.</summary>
    public static TimeSpan Fraction(TimeSpan interval, IRandomSource random)
    {
        Span<byte> bytes = stackalloc byte[4];
        random.Fill(bytes);
        return interval * (BinaryPrimitives.ReadUInt32LittleEndian(bytes) / (double)uint.MaxValue);
    }
}
