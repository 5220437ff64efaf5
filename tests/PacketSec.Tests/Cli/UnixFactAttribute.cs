namespace PacketSec.Tests.Cli;

/// <summary>A fact about signals and sockets as Unix has them.</summary>
internal sealed class UnixFactAttribute : FactAttribute
{
    public UnixFactAttribute()
    {
        if (OperatingSystem.IsWindows())
        {
            Skip = "Windows has no such signals.";
        }
    }
}
