using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PacketSec.Benchmarks.Ratios;

/// <summary>
/// Times blocks of work, on Linux by the processor time of the calling thread, so that what else the machine does costs caches only; elsewhere by
/// the wall clock.
/// </summary>
internal static unsafe partial class Clock
{
    private const int ThreadProcessorTime = 3;

    /// <summary>Does the work and returns its nanoseconds.</summary>
    public static double Time(Action work)
    {
        var start = Now();
        work();
        return Now() - start;
    }

    /// <summary>Returns nanoseconds since some origin.</summary>
    public static double Now()
    {
        if (!OperatingSystem.IsLinux())
        {
            return Stopwatch.GetElapsedTime(0).TotalNanoseconds;
        }

        TimeSpec time;
        return GetTime(ThreadProcessorTime, &time) == 0
            ? (time.Seconds * 1e9) + time.Nanoseconds
            : throw new PlatformNotSupportedException("The clock of a thread's processor time cannot be read.");
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, TimeSpec* time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
