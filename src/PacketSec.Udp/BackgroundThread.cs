using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using PacketSec.Udp.Linux;

namespace PacketSec.Udp;

/// <summary>Makes a thread stand back where processors are scarce.</summary>
internal static class BackgroundThread
{
    private const int WhichProcess = 0;

    // A tenth of the share of an ordinary thread.
    private const int Niceness = 10;

    // The shortest that Linux takes. A thread that wakes up waits for the end of the running one's, 3 ms if nobody asks for less.
    private const ulong SliceNanoseconds = 100_000;

    /// <summary>
    /// Lowers the calling thread's share of a busy processor, and how long it keeps one from a thread that wakes up; for good, as raising it again
    /// needs privileges. The framework's own thread priorities have no effect on Linux. Without effect where the system has no such thing.
    /// </summary>
    public static void StandBack()
    {
        if (!OperatingSystem.IsLinux())
        {
            Thread.CurrentThread.Priority = ThreadPriority.BelowNormal;
        }
        else if (!TryShortenSlice())
        {
            // Of Linux's threads each has a niceness of its own, and 0 is the one that calls. It may always be raised.
            _ = LibC.SetPriority(WhichProcess, 0, Niceness);
        }
    }

    // Since Linux 6.12; before, it is the niceness alone that counts.
    [SupportedOSPlatform("linux")]
    private static unsafe bool TryShortenSlice()
    {
        int number = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => LibC.SetScheduleOnX64,
            Architecture.Arm64 => LibC.SetScheduleOnArm64,
            _ => 0,
        };
        var schedule = new LibC.Schedule { Size = (uint)sizeof(LibC.Schedule), Niceness = Niceness, Slice = SliceNanoseconds };
        return number != 0 && LibC.SystemCall(number, 0, &schedule, 0) == 0;
    }
}
