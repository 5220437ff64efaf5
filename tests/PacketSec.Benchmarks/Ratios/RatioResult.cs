using PacketSec.TestSupport;

namespace PacketSec.Benchmarks.Ratios;

/// <summary>A measured ratio and its target.</summary>
/// <param name="Name">What is compared with what.</param>
/// <param name="Median">The median of the paired ratios.</param>
/// <param name="Lower">Their lower quartile.</param>
/// <param name="Upper">Their upper quartile.</param>
/// <param name="Target">The bound of the median.</param>
/// <param name="AtLeast">Whether the bound is the lower one; otherwise it is the upper one.</param>
/// <param name="Detail">The times behind it, for people.</param>
internal sealed record RatioResult(string Name, double Median, double Lower, double Upper, double Target, bool AtLeast, string Detail)
{
    public bool Passed => AtLeast ? Median >= Target : Median <= Target;

    public static RatioResult AtMost(string name, PairedRatios ratios, double target, double operations, string first, string second)
        => Of(name, ratios, target, false, $"{first} {ratios.MedianA / operations:F0} ns, {second} {ratios.MedianB / operations:F0} ns");

    public static RatioResult OfAtLeast(string name, PairedRatios ratios, double target, string detail) => Of(name, ratios, target, true, detail);

    private static RatioResult Of(string name, PairedRatios ratios, double target, bool atLeast, string detail)
        => new(name, ratios.Median, ratios.Lower, ratios.Upper, target, atLeast, detail);
}
