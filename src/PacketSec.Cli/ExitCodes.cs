namespace PacketSec.Cli;

/// <summary>The exit codes of <c>psec</c>. Scripts rely on them: a number keeps its meaning.</summary>
internal static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>
    /// The command ran, and what it checks does not hold: a vector failed, a datagram was lost, a file arrived otherwise; or a fault of the program
    /// ended one of the channels that it served.
    /// </summary>
    public const int Failed = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>A key file is missing, unreadable, open to others, no key, or would be overwritten.</summary>
    public const int KeyFile = 3;

    /// <summary>Another file or folder cannot be read or written.</summary>
    public const int File = 4;

    /// <summary>A library that PacketSec needs is not installed.</summary>
    public const int MissingLibrary = 5;

    /// <summary>The local address cannot be bound: the port is in use or forbidden, or the address is another machine's.</summary>
    public const int Address = 6;

    /// <summary>The peer cannot be reached: its host name is unknown, nobody answered in time, or it has gone.</summary>
    public const int Unreachable = 7;

    /// <summary>The peer refused the channel, or the file.</summary>
    public const int Refused = 8;

    /// <summary>Another identity than the expected one answered.</summary>
    public const int WrongIdentity = 9;

    /// <summary>The peer closed the channel before the command was done.</summary>
    public const int PeerClosed = 10;

    /// <summary>The two sides have no scheme in common, or the peer broke the protocol.</summary>
    public const int Protocol = 11;

    /// <summary>Ctrl-C or SIGTERM came before the command was done.</summary>
    public const int Interrupted = 130;

    /// <summary>Gets what <c>psec --help</c> prints.</summary>
    public static IReadOnlyList<(int Code, string Meaning)> Meanings { get; } =
    [
        (Success, "Done; for listen, ping, and dial without --count also when Ctrl-C or SIGTERM ended it."),
        (Failed, "What was checked does not hold: a vector failed, datagrams were lost, no ping came back, a target was missed; or a fault of psec itself ended a channel."),
        (Usage, "The command line is wrong."),
        (KeyFile, "A key file is missing, unreadable, open to others, no key, or would be overwritten."),
        (File, "Another file or folder cannot be read or written."),
        (MissingLibrary, "A library that PacketSec needs is not installed."),
        (Address, "The local address cannot be bound: port in use or forbidden, or not this machine's address."),
        (Unreachable, "The peer cannot be reached: host name unknown, no answer in time, or gone."),
        (Refused, "The peer refused the channel, or the file."),
        (WrongIdentity, "Another identity than the expected one answered."),
        (PeerClosed, "The peer closed the channel before the command was done."),
        (Protocol, "No scheme in common, or the peer broke the protocol."),
        (Interrupted, "Ctrl-C or SIGTERM came before the command was done."),
    ];
}
