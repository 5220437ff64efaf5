using PacketSec.Udp.Linux;

namespace PacketSec.Udp;

/// <summary>Makes a thread stand back where processors are scarce.</summary>
internal static class BackgroundThread
{
    private const int WhichProcess = 0;

    // A tenth of the share of an ordinary thread.
    private const int Niceness = 10;

    /// <summary>
    /// Lowers the calling thread's share of a busy processor; for good, as raising it again needs privileges. The framework's own thread priorities
    /// have no effect on Linux. Without effect where the system has no such thing.
    /// </summary>
    public static void StandBack()
    {
        if (OperatingSystem.IsLinux())
        {
            // Of Linux's threads each has a niceness of its own, and 0 is the one that calls. It may always be raised.
            _ = LibC.SetPriority(WhichProcess, 0, Niceness);
        }
        else
        {
            Thread.CurrentThread.Priority = ThreadPriority.BelowNormal;
        }
    }
}
