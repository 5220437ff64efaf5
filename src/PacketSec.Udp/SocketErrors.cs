using System.Net.Sockets;

namespace PacketSec.Udp;

/// <summary>What an error of a datagram socket means to us.</summary>
internal enum SocketErrorClass
{
    /// <summary>No error.</summary>
    None,

    /// <summary>Nothing to read, or no room to write, for now.</summary>
    WouldBlock,

    /// <summary>A signal came first; the call can be repeated.</summary>
    Interrupted,

    /// <summary>The datagram is larger than the path, UDP, or the receive buffer allows.</summary>
    TooLarge,

    /// <summary>
    /// An ICMP message that the system reports on the next call, whichever that is. It is not authenticated: whoever can guess
    /// two ports can forge it, so it is counted and otherwise ignored.
    /// </summary>
    Unauthenticated,

    /// <summary>This machine cannot or may not send to that address now: no route, interface down, a firewall rule.</summary>
    Unreachable,

    /// <summary>The address to send from is not one of this machine's, or the arguments make no sense together.</summary>
    Invalid,

    /// <summary>The system is short of memory or buffers for a moment.</summary>
    Resources,

    /// <summary>The descriptor is gone: somebody disposes the socket.</summary>
    Closed,

    /// <summary>None of the above. The socket is kept, the error counted.</summary>
    Unknown,
}

/// <summary>Sorts socket errors; the one place that knows their codes.</summary>
internal static class SocketErrors
{
    /// <summary>Sorts an error of the framework's socket class.</summary>
    public static SocketErrorClass Classify(SocketError error) => error switch
    {
        SocketError.WouldBlock or SocketError.IOPending or SocketError.TimedOut => SocketErrorClass.WouldBlock,
        SocketError.MessageSize => SocketErrorClass.TooLarge,
        // Windows reports port-unreachable as a reset of the connection that UDP does not have, and TTL-exceeded as NetworkReset.
        SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.NetworkReset => SocketErrorClass.Unauthenticated,
        SocketError.NetworkUnreachable or SocketError.HostUnreachable or SocketError.HostDown or SocketError.NetworkDown
            or SocketError.AccessDenied or SocketError.AddressFamilyNotSupported => SocketErrorClass.Unreachable,
        SocketError.InvalidArgument or SocketError.AddressNotAvailable or SocketError.Fault => SocketErrorClass.Invalid,
        SocketError.NoBufferSpaceAvailable or SocketError.TooManyOpenSockets => SocketErrorClass.Resources,
        // The framework ends a call on a socket that is being disposed with one of these.
        SocketError.OperationAborted or SocketError.Interrupted or SocketError.NotSocket or SocketError.Shutdown
            or SocketError.Disconnecting => SocketErrorClass.Closed,
        _ => SocketErrorClass.Unknown,
    };

    /// <summary>Sorts an error number of Linux.</summary>
    public static SocketErrorClass ClassifyErrno(int errno) => errno switch
    {
        0 => SocketErrorClass.None,
        Errno.EAGAIN => SocketErrorClass.WouldBlock,
        Errno.EINTR => SocketErrorClass.Interrupted,
        Errno.EMSGSIZE => SocketErrorClass.TooLarge,
        Errno.ECONNREFUSED or Errno.EPROTO => SocketErrorClass.Unauthenticated,
        // EPERM is a firewall rule, EACCES a broadcast address without leave.
        Errno.ENETUNREACH or Errno.EHOSTUNREACH or Errno.EHOSTDOWN or Errno.ENETDOWN or Errno.ENODEV or Errno.EPERM or Errno.EACCES
            or Errno.EAFNOSUPPORT => SocketErrorClass.Unreachable,
        Errno.EINVAL or Errno.EADDRNOTAVAIL => SocketErrorClass.Invalid,
        Errno.ENOMEM or Errno.ENOBUFS => SocketErrorClass.Resources,
        Errno.EBADF or Errno.ENOTSOCK => SocketErrorClass.Closed,
        _ => SocketErrorClass.Unknown,
    };

    /// <summary>Gets what the caller of a send is told; <see cref="SendStatus.Failed"/> is also counted.</summary>
    public static SendStatus ToSendStatus(SocketErrorClass error) => error switch
    {
        SocketErrorClass.None => SendStatus.Sent,
        SocketErrorClass.WouldBlock or SocketErrorClass.Interrupted or SocketErrorClass.Resources => SendStatus.WouldBlock,
        SocketErrorClass.TooLarge => SendStatus.TooLarge,
        SocketErrorClass.Unreachable => SendStatus.Unreachable,
        SocketErrorClass.Closed => SendStatus.Closed,
        SocketErrorClass.Unauthenticated or SocketErrorClass.Invalid or SocketErrorClass.Unknown => SendStatus.Failed,
    };

    /// <summary>
    /// Gets whether a segmented send may have failed for being segmented: the kernel, the device or a tunnel cannot cut it.
    /// </summary>
    public static bool MayRefuseSegments(int errno) => errno is Errno.EMSGSIZE or Errno.EIO or Errno.EINVAL or Errno.EOPNOTSUPP;

    // The numbers of every Linux architecture that .NET supports.
    internal static class Errno
    {
        public const int EPERM = 1;
        public const int EINTR = 4;
        public const int EIO = 5;
        public const int EBADF = 9;
        public const int EAGAIN = 11;
        public const int ENOMEM = 12;
        public const int EACCES = 13;
        public const int ENODEV = 19;
        public const int EINVAL = 22;
        public const int EPROTO = 71;
        public const int ENOTSOCK = 88;
        public const int EMSGSIZE = 90;
        public const int EOPNOTSUPP = 95;
        public const int EAFNOSUPPORT = 97;
        public const int EADDRNOTAVAIL = 99;
        public const int ENETDOWN = 100;
        public const int ENETUNREACH = 101;
        public const int ENOBUFS = 105;
        public const int ECONNREFUSED = 111;
        public const int EHOSTDOWN = 112;
        public const int EHOSTUNREACH = 113;
    }
}
