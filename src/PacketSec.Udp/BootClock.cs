using System.Diagnostics;
using System.Runtime.Versioning;
using PacketSec.Udp.Linux;

namespace PacketSec.Udp;

/// <summary>A monotonic clock that also counts the time a machine is suspended, so that old sessions die in it.</summary>
/// <remarks>
/// CLOCK_BOOTTIME on Linux. Elsewhere <see cref="Stopwatch"/>, which may stand still during suspension. Safe from any thread.
/// </remarks>
internal static class BootClock
{
    private const int ClockMonotonic = 1;
    private const int ClockBootTime = 7;
    private const long NanosecondsPerSecond = 1_000_000_000;

    private static readonly int Clock = OperatingSystem.IsLinux() ? Probe() : -1;

    /// <summary>Gets the time since an arbitrary start of this machine, in nanoseconds.</summary>
    public static long GetNanoseconds()
    {
        if (OperatingSystem.IsLinux() && Clock >= 0)
        {
            _ = LibC.GetClock(Clock, out LibC.TimeSpec time);
            return (time.Seconds * NanosecondsPerSecond) + time.Nanoseconds;
        }

        return (long)(Stopwatch.GetTimestamp() * (Int128)NanosecondsPerSecond / Stopwatch.Frequency);
    }

    [SupportedOSPlatform("linux")]
    private static int Probe() =>
        LibC.GetClock(ClockBootTime, out _) == 0 ? ClockBootTime
        : LibC.GetClock(ClockMonotonic, out _) == 0 ? ClockMonotonic
        : -1;
}
