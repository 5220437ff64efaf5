namespace PacketSec.Tests;

/// <summary>A fact about what Linux has: batches of datagrams, groups of sockets, niceness of threads.</summary>
internal sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute()
    {
        if (!OperatingSystem.IsLinux())
        {
            Skip = "It is about what only Linux has.";
        }
    }
}
