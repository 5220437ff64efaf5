using System.Net;
using System.Net.Sockets;

namespace PacketSec.Udp;

/// <summary>Why a socket could not be bound.</summary>
internal enum UdpBindError
{
    /// <summary>Another socket has the port.</summary>
    PortInUse,

    /// <summary>The system forbids the port to this user.</summary>
    PermissionDenied,

    /// <summary>This machine does not have the address, or not its family.</summary>
    AddressNotAvailable,

    /// <summary>Anything else; the inner exception says it.</summary>
    Other,
}

/// <summary>Reports that a UDP socket could not be bound; the message says what to do.</summary>
internal sealed class UdpBindException : IOException
{
    private UdpBindException(UdpBindError error, string message, SocketException inner)
        : base(message, inner) => Error = error;

    /// <summary>Gets the reason.</summary>
    public UdpBindError Error { get; }

    /// <summary>Turns the system's error into one with a sentence for the user.</summary>
    public static UdpBindException From(SocketException exception, IPEndPoint endPoint) => exception.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => new(
            UdpBindError.PortInUse,
            $"UDP port {endPoint.Port} is in use on {endPoint.Address}: stop the other program or choose another port.",
            exception),
        SocketError.AccessDenied => new(
            UdpBindError.PermissionDenied,
            $"The system does not let this user bind {endPoint}: choose a port above 1023 or ask for the permission.",
            exception),
        SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported => new(
            UdpBindError.AddressNotAvailable,
            $"This machine does not have the address {endPoint.Address}: choose one of its own addresses or [::] for all.",
            exception),
        _ => new(UdpBindError.Other, $"Cannot bind {endPoint}: {exception.Message}", exception),
    };
}
