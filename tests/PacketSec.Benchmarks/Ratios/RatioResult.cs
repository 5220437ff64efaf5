namespace PacketSec.Benchmarks.Ratios;

/// <summary>A measured ratio and its target.</summary>
/// <param name="Name">What is compared with what.</param>
/// <param name="Ratio">The ratio.</param>
/// <param name="Target">Its bound.</param>
/// <param name="AtLeast">Whether the bound is the lower one; otherwise it is the upper one.</param>
/// <param name="Detail">The times behind it, for people.</param>
internal sealed record RatioResult(string Name, Quartiles Ratio, double Target, bool AtLeast, string Detail)
{
    public bool Passed => AtLeast ? Ratio.Median >= Target : Ratio.Median <= Target;

    public static RatioResult AtMost(string name, PairedTimes times, double target, double operations, string first, string second)
        => new(name, times.Ratio, target, AtLeast: false, $"{first} {times.First / operations:F0} ns, {second} {times.Second / operations:F0} ns");
}
