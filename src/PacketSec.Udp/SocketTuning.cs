using System.Net.Sockets;

namespace PacketSec.Udp;

/// <summary>Sets the options of a new socket; the one place that knows their numbers.</summary>
internal static class SocketTuning
{
    /// <summary>IPPROTO_IP on every platform.</summary>
    public const int IPLevel = 0;

    /// <summary>IPPROTO_IPV6 on every platform.</summary>
    public const int IPv6Level = 41;

    /// <summary>Linux: IP_PKTINFO, as option and as type of the control message.</summary>
    public const int LinuxPacketInfo = 8;

    /// <summary>Linux: IPV6_PKTINFO, the type of the control message.</summary>
    public const int LinuxIPv6PacketInfo = 50;

    /// <summary>Linux: IP_MTU_DISCOVER.</summary>
    public const int LinuxMtuDiscover = 10;

    /// <summary>Linux: IPV6_MTU_DISCOVER.</summary>
    public const int LinuxIPv6MtuDiscover = 23;

    /// <summary>Linux: SOL_UDP.</summary>
    public const int LinuxUdpLevel = 17;

    /// <summary>Linux: UDP_SEGMENT, as option and as type of the control message.</summary>
    public const int LinuxSegment = 103;

    /// <summary>Linux: UDP_GRO, as option and as type of the control message.</summary>
    public const int LinuxCoalesce = 104;

    /// <summary>
    /// Linux and Windows: set DF, and do not believe ICMP about the path's MTU (anyone can forge it); only the interface's MTU counts.
    /// </summary>
    public const int PathMtuProbe = 3;

    private const int LinuxReceivePacketInfoV6 = 49;
    private const int LinuxSocketLevel = 1;
    private const int LinuxReusePort = 15;
    private const int LinuxMemoryInfo = 55;
    private const int MemoryInfoDrops = 8;
    private const int WindowsMtuDiscover = 71;
    private const int AppleDontFragment = 28;
    private const int AppleDontFragmentV6 = 62;

    // _WSAIOW(IOC_VENDOR, 12) and (IOC_VENDOR, 15).
    private const int WindowsConnectionReset = unchecked((int)0x9800000C);
    private const int WindowsNetworkReset = unchecked((int)0x9800000F);

    /// <summary>Sets everything but the choice of the source, before the bind.</summary>
    public static void Apply(Socket socket, UdpBindOptions options, List<UdpWarning> warnings)
    {
        if (OperatingSystem.IsWindows())
        {
            // Without it another program may bind the same port and take the datagrams.
            socket.ExclusiveAddressUse = true;
            // Without it an ICMP message makes the next receive fail. Systems that lack the call do not report such messages.
            TryIoControl(socket, WindowsConnectionReset);
            TryIoControl(socket, WindowsNetworkReset);
        }

        SetBuffer(socket, SocketOptionName.ReceiveBuffer, options.ReceiveBufferBytes, warnings);
        SetBuffer(socket, SocketOptionName.SendBuffer, options.SendBufferBytes, warnings);
        if (!TryForbidFragmentation(socket))
        {
            warnings.Add(new(
                UdpWarningKind.Fragmentation, "The don't-fragment bit cannot be set: large datagrams may be fragmented on their way."));
        }
    }

    /// <summary>Linux: asks for the local address of every datagram.</summary>
    public static bool TryEnablePacketInfo(Socket socket) => socket.AddressFamily == AddressFamily.InterNetwork
        ? TrySet(socket, IPLevel, LinuxPacketInfo, 1)
        : TrySet(socket, IPv6Level, LinuxReceivePacketInfoV6, 1);

    /// <summary>Linux: gets whether the kernel cuts a send into segments. A kernel that does not ignores the control message.</summary>
    public static bool CanSegment(Socket socket) => TrySet(socket, LinuxUdpLevel, LinuxSegment, 0);

    /// <summary>Linux: asks for equal datagrams of one sender in one piece.</summary>
    public static bool TryCoalesce(Socket socket) => TrySet(socket, LinuxUdpLevel, LinuxCoalesce, 1);

    /// <summary>Linux: lets other sockets of this user join the port.</summary>
    public static bool TryReusePort(Socket socket) => TrySet(socket, LinuxSocketLevel, LinuxReusePort, 1);

    /// <summary>Linux: reads how many datagrams found the receive buffer full.</summary>
    public static bool TryReadDrops(Socket socket, out long drops)
    {
        drops = 0;
        Span<byte> memory = stackalloc byte[(MemoryInfoDrops + 1) * sizeof(uint)];
        try
        {
            if (socket.GetRawSocketOption(LinuxSocketLevel, LinuxMemoryInfo, memory) < memory.Length)
            {
                return false;
            }

            drops = BitConverter.ToUInt32(memory[(MemoryInfoDrops * sizeof(uint))..]);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    private static bool TryForbidFragmentation(Socket socket)
    {
        bool isIPv6 = socket.AddressFamily == AddressFamily.InterNetworkV6;
        bool carriesIPv4 = !isIPv6 || socket.DualMode;
        (int v4, int v6, int value) = OperatingSystem.IsWindows() ? (WindowsMtuDiscover, WindowsMtuDiscover, PathMtuProbe)
            : OperatingSystem.IsMacOS() ? (AppleDontFragment, AppleDontFragmentV6, 1)
            : (LinuxMtuDiscover, LinuxIPv6MtuDiscover, PathMtuProbe);
        bool v6Set = !isIPv6 || TrySet(socket, IPv6Level, v6, value);
        return (!carriesIPv4 || TrySet(socket, IPLevel, v4, value) || TryDontFragment(socket)) && v6Set;
    }

    private static bool TryDontFragment(Socket socket)
    {
        if (socket.AddressFamily != AddressFamily.InterNetwork)
        {
            // The property serves IPv4 sockets alone.
            return false;
        }

        try
        {
            socket.DontFragment = true;
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static void SetBuffer(Socket socket, SocketOptionName option, int wished, List<UdpWarning> warnings)
    {
        // Some systems refuse what they cannot give, others give less.
        for (int size = wished; size >= 64 * 1024 && !TrySetBuffer(socket, option, size); size /= 2)
        {
        }

        int given = (int)socket.GetSocketOption(SocketOptionLevel.Socket, option)!;
        if (given >= wished)
        {
            return;
        }

        bool receive = option == SocketOptionName.ReceiveBuffer;
        string name = receive ? "receive" : "send";
        string remedy = OperatingSystem.IsLinux() ? $"sysctl -w net.core.{(receive ? 'r' : 'w')}mem_max={wished}"
            : OperatingSystem.IsMacOS() ? $"sysctl -w kern.ipc.maxsockbuf={2L * wished}"
            : "the system's limit";
        warnings.Add(new(
            receive ? UdpWarningKind.ReceiveBufferCapped : UdpWarningKind.SendBufferCapped,
            $"The system gives the socket a {name} buffer of {given} bytes instead of {wished}; bursts may be lost. To raise it: {remedy}."));
    }

    private static bool TrySetBuffer(Socket socket, SocketOptionName option, int size)
    {
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, option, size);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static bool TrySet(Socket socket, int level, int option, int value)
    {
        try
        {
            socket.SetRawSocketOption(level, option, BitConverter.GetBytes(value));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static void TryIoControl(Socket socket, int code)
    {
        try
        {
            socket.IOControl(code, new byte[4], null);
        }
        catch (SocketException)
        {
            // An old system: receives classify the error instead (SocketErrors).
        }
    }
}
