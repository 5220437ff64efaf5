using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace PacketSec.Udp;

/// <summary>How large a UDP payload the interface towards an address takes in one piece. Thread-safe.</summary>
internal static class InterfaceMtu
{
    /// <summary>What every path is expected to carry, and what is returned where the system does not tell.</summary>
    public const int LeastPayload = 1200;

    /// <summary>The largest payload that is returned, for interfaces such as loopback whose packets are as long as IP allows.</summary>
    public const int MostPayload = 65_000;

    private const int IPv4Headers = 28;
    private const int IPv6Headers = 48;
    private const int LinuxMtu = 14;
    private const int LinuxIPv6Mtu = 24;

    /// <summary>Returns the largest payload, in bytes. Nothing is sent.</summary>
    /// <param name="remote">Where datagrams go.</param>
    public static int FindPayload(IPEndPoint remote)
    {
        var isIPv6 = remote.AddressFamily == AddressFamily.InterNetworkV6;
        try
        {
            // A UDP socket that connects has a route, and with it an interface.
            using var socket = new Socket(remote.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(remote);
            var mtu = OperatingSystem.IsLinux() ? Ask(socket, isIPv6) : Find(((IPEndPoint)socket.LocalEndPoint!).Address, isIPv6);
            return Math.Clamp(mtu - (isIPv6 ? IPv6Headers : IPv4Headers), LeastPayload, MostPayload);
        }
        catch (SocketException)
        {
            // No route now: the path's size is asked for again with the next address.
            return LeastPayload;
        }
    }

    private static int Ask(Socket socket, bool isIPv6)
    {
        Span<byte> value = stackalloc byte[sizeof(int)];
        var length = isIPv6
            ? socket.GetRawSocketOption(SocketTuning.IPv6Level, LinuxIPv6Mtu, value)
            : socket.GetRawSocketOption((int)SocketOptionLevel.IP, LinuxMtu, value);
        return length == sizeof(int) ? BitConverter.ToInt32(value) : 0;
    }

    private static int Find(IPAddress local, bool isIPv6)
    {
        foreach (var one in NetworkInterface.GetAllNetworkInterfaces())
        {
            var properties = one.GetIPProperties();
            foreach (var address in properties.UnicastAddresses)
            {
                if (address.Address.Equals(local))
                {
                    return isIPv6 ? properties.GetIPv6Properties().Mtu : properties.GetIPv4Properties().Mtu;
                }
            }
        }

        return 0;
    }
}
