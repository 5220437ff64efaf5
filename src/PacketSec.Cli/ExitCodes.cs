namespace PacketSec.Cli;

/// <summary>The exit codes of <c>psec</c>. Scripts rely on them: a number keeps its meaning.</summary>
internal static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>The command ran, and what it checks does not hold: a vector failed, a datagram was lost.</summary>
    public const int Failed = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>A key file is missing, unreadable, open to others, no key, or would be overwritten.</summary>
    public const int KeyFile = 3;

    /// <summary>Another file or folder cannot be read or written.</summary>
    public const int File = 4;

    /// <summary>A library that PacketSec needs is not installed.</summary>
    public const int MissingLibrary = 5;
}
