using System.Net;
using System.Net.Sockets;

namespace PacketSec.Udp;

/// <summary>How to bind a UDP socket.</summary>
internal sealed record UdpBindOptions
{
    /// <summary>Gets the address to bind; port 0 lets the system choose, <c>[::]</c> serves IPv6 and IPv4.</summary>
    public required IPEndPoint LocalEndPoint { get; init; }

    /// <summary>Gets the socket's receive buffer in bytes: about 20 ms of 1,200-byte datagrams at 170,000 per second.</summary>
    public int ReceiveBufferBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Gets the socket's send buffer in bytes.</summary>
    public int SendBufferBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Gets which implementation to use.</summary>
    public UdpPath Path { get; init; }

    /// <summary>Gets whether this machine has IPv6; set by tests of the fall-back.</summary>
    public bool IPv6Available { get; init; } = Socket.OSSupportsIPv6;
}

/// <summary>The implementations of <see cref="IDatagramIo"/>.</summary>
internal enum UdpPath
{
    /// <summary>The best that the machine offers.</summary>
    Automatic,

    /// <summary>recvmsg and sendmsg; <see cref="PlatformNotSupportedException"/> where they do not serve.</summary>
    Linux,

    /// <summary>The framework's socket class alone.</summary>
    Portable,
}

/// <summary>Something a bind could not do as wished.</summary>
/// <param name="Kind">What.</param>
/// <param name="Message">A sentence for a log, with what the operator can do.</param>
internal readonly record struct UdpWarning(UdpWarningKind Kind, string Message);

/// <summary>The kinds of <see cref="UdpWarning"/>.</summary>
internal enum UdpWarningKind
{
    /// <summary>IPv6 is absent: <c>[::]</c> was bound as <c>0.0.0.0</c>.</summary>
    NoIPv6,

    /// <summary>The system caps the receive buffer below the wished size.</summary>
    ReceiveBufferCapped,

    /// <summary>The system caps the send buffer below the wished size.</summary>
    SendBufferCapped,

    /// <summary>The don't-fragment bit could not be set.</summary>
    Fragmentation,

    /// <summary>The source of replies on a wildcard bind cannot be chosen.</summary>
    NoSourceChoice,
}
