using System.Net;
using System.Net.Sockets;
using PacketSec.Udp.Linux;

namespace PacketSec.Udp;

/// <summary>Binds UDP sockets: the entrance to this assembly.</summary>
internal static class UdpTransport
{
    /// <summary>The size of a receive buffer that no UDP datagram overflows, in bytes.</summary>
    public const int ReceiveBufferSize = 65_536;

    /// <summary>Binds a socket and picks the implementation that serves it.</summary>
    /// <exception cref="UdpBindException">The address cannot be bound; the message says what to do.</exception>
    /// <exception cref="PlatformNotSupportedException">
    /// <see cref="UdpPath.Batched"/> or <see cref="UdpPath.Linux"/> was asked for and does not serve here.
    /// </exception>
    public static IDatagramIo Bind(UdpBindOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return BindOne(options, joins: false, []);
    }

    /// <summary>Binds several sockets to one port; the system spreads the senders over them, each sender always to the same one.</summary>
    /// <param name="options">As for <see cref="Bind"/>. With port 0 the first socket chooses.</param>
    /// <param name="sockets">How many, 1 and up.</param>
    /// <returns>
    /// So many, or one with a warning where a port cannot be shared. Only the first one has warnings; they are about all of them.
    /// </returns>
    /// <exception cref="UdpBindException">As for <see cref="Bind"/>; nothing stays bound.</exception>
    /// <exception cref="PlatformNotSupportedException">As for <see cref="Bind"/>.</exception>
    public static IReadOnlyList<IDatagramIo> BindGroup(UdpBindOptions options, int sockets)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(sockets, 1);
        var warnings = new List<UdpWarning>();
        IDatagramIo first = BindOne(options, joins: false, warnings);
        var group = new List<IDatagramIo> { first };
        if (sockets == 1)
        {
            return group;
        }

        // The first socket has bound its port alone, so that a port in use is noticed; only now may others join it. The portable path
        // wakes a socket by a datagram, which the system might give to another one of the group.
        if (!OperatingSystem.IsLinux() || first is not LinuxDatagramIo { Socket: var socket } || !SocketTuning.TryReusePort(socket))
        {
            warnings.Add(new(
                UdpWarningKind.OneSocket,
                $"One socket was bound instead of {sockets}, because this system or path cannot share a port: one thread receives everything."));
            return group;
        }

        try
        {
            var endPoint = (IPEndPoint)socket.LocalEndPoint!;
            while (group.Count < sockets)
            {
                group.Add(BindOne(options with { LocalEndPoint = endPoint }, joins: true, []));
            }

            return group;
        }
        catch
        {
            group.ForEach(io => io.Dispose());
            throw;
        }
    }

    private static IDatagramIo BindOne(UdpBindOptions options, bool joins, List<UdpWarning> warnings)
    {
        IPEndPoint endPoint = ChooseEndPoint(options, warnings);
        Socket? socket = null;
        try
        {
            socket = CreateSocket(endPoint);
            SocketTuning.Apply(socket, options, warnings);
            bool isLinux = ChooseLinux(socket, endPoint, options.Path, warnings);
            UdpFeatures features = OperatingSystem.IsLinux() && isLinux && options.Path != UdpPath.Linux
                ? LinuxDatagramIo.EnableFeatures(socket, options.AllowedFeatures)
                : UdpFeatures.None;
            if (options.Path == UdpPath.Batched && features == UdpFeatures.None)
            {
                throw new PlatformNotSupportedException(
                    "This system moves one datagram per call (no UDP_SEGMENT, UDP_GRO or recvmmsg): choose the automatic path.");
            }

            if (joins)
            {
                SocketTuning.TryReusePort(socket);
            }

            socket.Bind(endPoint);
            IDatagramIo io = OperatingSystem.IsLinux() && isLinux
                ? new LinuxDatagramIo(socket, joins ? [] : warnings, features, options.SendFault)
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

    private static bool ChooseLinux(Socket socket, IPEndPoint endPoint, UdpPath asked, List<UdpWarning> warnings)
    {
        bool wildcard = UdpAddress.FromEndPoint(endPoint).IsUnspecified;
        if (asked != UdpPath.Portable && OperatingSystem.IsLinux() && (!wildcard || SocketTuning.TryEnablePacketInfo(socket)))
        {
            return true;
        }

        if (asked is UdpPath.Linux or UdpPath.Batched)
        {
            throw new PlatformNotSupportedException(OperatingSystem.IsLinux()
                ? "This system does not tell the local address of datagrams (IP_PKTINFO): choose the automatic path."
                : "This path needs Linux: choose the automatic path.");
        }

        if (wildcard)
        {
            warnings.Add(new(
                UdpWarningKind.NoSourceChoice,
                "Replies may leave from another address than the one the request came to: bind one address if this machine has several."));
        }

        return false;
    }
}
