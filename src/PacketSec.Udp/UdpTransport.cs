using System.Net;
using System.Net.Sockets;
using PacketSec.Udp.Linux;

namespace PacketSec.Udp;

/// <summary>Binds UDP sockets: the entrance to this assembly.</summary>
internal static class UdpTransport
{
    /// <summary>The size of a receive buffer that no UDP datagram overflows, in bytes.</summary>
    public const int ReceiveBufferSize = 65_535;

    /// <summary>Binds a socket and picks the implementation that serves it.</summary>
    /// <exception cref="UdpBindException">The address cannot be bound; the message says what to do.</exception>
    /// <exception cref="PlatformNotSupportedException">
    /// <see cref="UdpPath.Linux"/> was asked for and does not serve here.
    /// </exception>
    public static IDatagramIo Bind(UdpBindOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var warnings = new List<UdpWarning>();
        IPEndPoint endPoint = ChooseEndPoint(options, warnings);
        Socket? socket = null;
        try
        {
            socket = CreateSocket(endPoint);
            SocketTuning.Apply(socket, options, warnings);
            UdpPath path = ChoosePath(socket, endPoint, options.Path, warnings);
            socket.Bind(endPoint);
            IDatagramIo io = OperatingSystem.IsLinux() && path == UdpPath.Linux
                ? new LinuxDatagramIo(socket, warnings)
                : new PortableDatagramIo(socket, warnings);
            socket = null;
            return io;
        }
        catch (SocketException e)
        {
            throw UdpBindException.From(e, endPoint);
        }
        finally
        {
            socket?.Dispose();
        }
    }

    private static IPEndPoint ChooseEndPoint(UdpBindOptions options, List<UdpWarning> warnings)
    {
        IPEndPoint asked = options.LocalEndPoint;
        if (asked.Address.IsIPv4MappedToIPv6)
        {
            return new(asked.Address.MapToIPv4(), asked.Port);
        }

        if (options.IPv6Available || !asked.Address.Equals(IPAddress.IPv6Any))
        {
            return asked;
        }

        warnings.Add(new(UdpWarningKind.NoIPv6, "This machine has no IPv6: serving IPv4 only, on 0.0.0.0 instead of [::]."));
        return new(IPAddress.Any, asked.Port);
    }

    private static Socket CreateSocket(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
        {
            socket.DualMode = endPoint.Address.Equals(IPAddress.IPv6Any);
        }

        return socket;
    }

    private static UdpPath ChoosePath(Socket socket, IPEndPoint endPoint, UdpPath asked, List<UdpWarning> warnings)
    {
        bool wildcard = UdpAddress.FromEndPoint(endPoint).IsUnspecified;
        if (asked != UdpPath.Portable && OperatingSystem.IsLinux() && (!wildcard || SocketTuning.TryEnablePacketInfo(socket)))
        {
            return UdpPath.Linux;
        }

        if (asked == UdpPath.Linux)
        {
            throw new PlatformNotSupportedException("This system does not tell the local address of datagrams (IP_PKTINFO).");
        }

        if (wildcard)
        {
            warnings.Add(new(
                UdpWarningKind.NoSourceChoice,
                "Replies may leave from another address than the one the request came to: bind one address if this machine has several."));
        }

        return UdpPath.Portable;
    }
}
