using System.Buffers.Binary;
using PacketSec.Simulation;

namespace PacketSec.Interop.Faults;

/// <summary>Names one datagram: the client it belongs to, and the how-manieth of its direction and class it is there.</summary>
internal readonly record struct PacketPlace(int Client, PacketDirection Direction, PacketClass Class, long Ordinal);

/// <summary>What happens to one datagram.</summary>
/// <param name="Lost">It does not arrive; the rest is meaningless then.</param>
/// <param name="Delay">How late it arrives.</param>
/// <param name="IsLate">Whether the delay is more than the path's latency.</param>
/// <param name="CorruptBit">Which bit is flipped, modulo the length in bits; null for none.</param>
/// <param name="DuplicateDelay">How late its copy, always a true one, arrives; null for no copy.</param>
internal readonly record struct FaultVerdict(bool Lost, TimeSpan Delay, bool IsLate, ulong? CorruptBit, TimeSpan? DuplicateDelay)
{
    /// <summary>Flips the chosen bit, if any.</summary>
    public void Corrupt(Span<byte> datagram)
    {
        if (CorruptBit is { } draw && !datagram.IsEmpty)
        {
            var bit = (int)(draw % ((ulong)datagram.Length * 8));
            datagram[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }
}

/// <summary>
/// Decides about datagrams. The verdict is a function of the seed and the datagram's place alone: neither the timing of the sockets nor what
/// happened to other datagrams changes it.
/// </summary>
internal sealed class FaultPlan(FaultProfile profile, ulong seed)
{
    public FaultVerdict Decide(in PacketPlace place)
    {
        var faults = profile.Of(place.Class);
        var random = new DeterministicRandom(Mix(seed, place));

        // Every draw is made whatever the ones before it gave, so that one probability does not shift the draws of another.
        var lost = random.NextDouble() < faults.Loss;
        var late = random.NextDouble() < faults.Late;
        var lateBy = profile.LateBy * random.NextDouble();
        var corrupt = random.NextDouble() < faults.Corrupt;
        var bit = random.NextUInt64();
        var duplicated = random.NextDouble() < faults.Duplicate;
        var duplicateBy = profile.LateBy * random.NextDouble();
        return new(
            lost,
            profile.Latency + (late ? lateBy : TimeSpan.Zero),
            late,
            corrupt ? bit : null,
            duplicated ? profile.Latency + duplicateBy : null);
    }

    private static ulong Mix(ulong seed, in PacketPlace place)
    {
        // FNV-1a over the fields; the generator's own seeding spreads what is left of their structure.
        Span<byte> fields = stackalloc byte[24];
        BinaryPrimitives.WriteUInt64LittleEndian(fields, seed);
        BinaryPrimitives.WriteInt32LittleEndian(fields[8..], place.Client);
        BinaryPrimitives.WriteInt16LittleEndian(fields[12..], (short)place.Direction);
        BinaryPrimitives.WriteInt16LittleEndian(fields[14..], (short)place.Class);
        BinaryPrimitives.WriteInt64LittleEndian(fields[16..], place.Ordinal);
        return Seeds.Hash(fields);
    }
}

/// <summary>Makes seeds from seeds.</summary>
internal static class Seeds
{
    private const ulong FnvOffset = 0xCBF29CE484222325;
    private const ulong FnvPrime = 0x100000001B3;

    /// <summary>Returns the seed of one named part of a run.</summary>
    public static ulong For(ulong seed, string name)
    {
        Span<byte> start = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(start, seed);
        return Hash([.. start, .. System.Text.Encoding.UTF8.GetBytes(name)]);
    }

    public static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = FnvOffset;
        foreach (var value in bytes)
        {
            hash = unchecked((hash ^ value) * FnvPrime);
        }

        return hash;
    }
}
