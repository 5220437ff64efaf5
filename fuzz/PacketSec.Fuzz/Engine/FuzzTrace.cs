namespace PacketSec.Fuzz.Engine;

/// <summary>The features one input has reached: a cheap stand-in for code coverage that every target reports by itself.</summary>
internal sealed class FuzzTrace
{
    private readonly List<ulong> _features = [];

    public IReadOnlyList<ulong> Features => _features;

    /// <summary>Reports a place that was reached.</summary>
    /// <param name="place">A number of the target's own.</param>
    /// <param name="detail">Tells apart ways to be there, such as a field's number; counts are reported by <see cref="Magnitude"/>.</param>
    public void Reach(int place, long detail = 0) => _features.Add(unchecked(((ulong)place << 48) ^ ((ulong)detail & 0xffff_ffff_ffff)));

    /// <summary>Returns the number of bits of a count: counts of one magnitude are one feature.</summary>
    public static long Magnitude(long count) => 64 - long.LeadingZeroCount(count);

    public void Clear() => _features.Clear();
}
