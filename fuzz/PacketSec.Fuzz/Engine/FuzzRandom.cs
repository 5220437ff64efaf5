using System.Buffers.Binary;
using PacketSec.Crypto;

namespace PacketSec.Fuzz.Engine;

/// <summary>SplitMix64: small, and the same on every machine and runtime, so that a seed names a run.</summary>
internal sealed class FuzzRandom(ulong seed) : IRandomSource
{
    private ulong _state = seed;

    public ulong Next()
    {
        unchecked
        {
            _state += 0x9e3779b97f4a7c15;
            var z = _state;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
            z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
            return z ^ (z >> 31);
        }
    }

    /// <summary>Returns a number below a bound of at least 1.</summary>
    public int Below(int bound) => (int)(Next() % (ulong)bound);

    public void Fill(Span<byte> destination)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        while (!destination.IsEmpty)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, Next());
            var count = Math.Min(word.Length, destination.Length);
            word[..count].CopyTo(destination);
            destination = destination[count..];
        }
    }
}
