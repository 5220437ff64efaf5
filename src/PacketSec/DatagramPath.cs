namespace PacketSec;

/// <summary>How datagrams go to and come from the system.</summary>
public enum DatagramPath
{
    /// <summary>The best that the machine offers.</summary>
    Automatic,

    /// <summary>
    /// Many datagrams with one system call, as Linux can (UDP_SEGMENT, UDP_GRO, recvmmsg). Where the machine lacks all of that,
    /// <see cref="PacketSecEndpoint.Bind"/> throws <see cref="PlatformNotSupportedException"/>.
    /// </summary>
    Batched,

    /// <summary>The framework's socket class, which serves on every platform: one system call for each datagram.</summary>
    Portable,
}
