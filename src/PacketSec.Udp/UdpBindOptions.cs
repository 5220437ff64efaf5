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

    /// <summary>Gets which calls for several datagrams may be used; set by tests of the fall-back.</summary>
    public UdpFeatures AllowedFeatures { get; init; } = UdpFeatures.All;

    /// <summary>
    /// Gets what makes sends fail on Linux, in tests: from the bytes of a send and the size of its segments (equal when it is one
    /// datagram) to the number of an error, or 0 to let the system have it.
    /// </summary>
    public Func<int, int, int>? SendFault { get; init; }

    /// <summary>Gets whether this machine has IPv6; set by tests of the fall-back.</summary>
    public bool IPv6Available { get; init; } = Socket.OSSupportsIPv6;
}

/// <summary>The implementations of <see cref="IDatagramIo"/>.</summary>
internal enum UdpPath
{
    /// <summary>The best that the machine offers.</summary>
    Automatic,

    /// <summary>
    /// Several datagrams per call, by at least one of <see cref="UdpFeatures"/>; <see cref="PlatformNotSupportedException"/> where
    /// none serves.
    /// </summary>
    Batched,

    /// <summary>
    /// recvmsg and sendmsg, one datagram per call; <see cref="PlatformNotSupportedException"/> where they do not serve.
    /// </summary>
    Linux,

    /// <summary>The framework's socket class alone.</summary>
    Portable,
}

/// <summary>What Linux offers to move several datagrams in one call.</summary>
[Flags]
internal enum UdpFeatures
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>UDP_SEGMENT: the system cuts a send into equal datagrams.</summary>
    SegmentedSend = 1,

    /// <summary>UDP_GRO: equal datagrams of one sender arrive in one piece.</summary>
    CoalescedReceive = 2,

    /// <summary>recvmmsg and sendmmsg: several pieces per call.</summary>
    ManyPerCall = 4,

    /// <summary>All of them.</summary>
    All = SegmentedSend | CoalescedReceive | ManyPerCall,
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

    /// <summary>Several sockets on one port were asked for, and one was bound.</summary>
    OneSocket,
}
