using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace PacketSec.Udp;

/// <summary>
/// The address of one end of a UDP path in its one canonical form: 16 bytes with IPv4 mapped (<c>::ffff:a.b.c.d</c>), port and scope.
/// </summary>
/// <remarks>
/// Two values are equal exactly when they name the same end, however the operating system spelled it. The default value is
/// <c>[::]:0</c>, which stands for "unknown" or "any". Conversions to and from <see cref="SocketAddress"/> allocate nothing;
/// those to <see cref="IPEndPoint"/> do.
/// </remarks>
internal readonly record struct UdpAddress
{
    /// <summary>The size of the address without port and scope, in bytes.</summary>
    public const int AddressSize = 16;

    private const ulong MappedPrefix = 0x0000_FFFF_0000_0000;

    // The 16 bytes as two big-endian numbers.
    private readonly ulong _high;
    private readonly ulong _low;

    private UdpAddress(ulong high, ulong low, ushort port, uint scopeId)
    {
        _high = high;
        _low = low;
        Port = port;
        ScopeId = NeedsScope(high) ? scopeId : 0;
    }

    /// <summary>Gets the port, 0 for any.</summary>
    public ushort Port { get; }

    /// <summary>Gets the index of the interface of a link-local address, 0 for all others.</summary>
    public uint ScopeId { get; }

    /// <summary>Gets whether this is an IPv4 address.</summary>
    public bool IsIPv4 => _high == 0 && (_low & 0xFFFF_FFFF_0000_0000) == MappedPrefix;

    /// <summary>Gets whether the address is <c>::</c> or <c>0.0.0.0</c>, whatever the port.</summary>
    public bool IsUnspecified => _high == 0 && (_low == 0 || _low == MappedPrefix);

    /// <summary>Gets the 16 bytes as a big-endian number.</summary>
    public UInt128 Bits => new(_high, _low);

    /// <summary>Gets the four bytes of an IPv4 address as a big-endian number.</summary>
    internal uint IPv4Bits => unchecked((uint)_low);

    /// <summary>Makes an IPv4 address.</summary>
    /// <param name="bits">The four bytes as a big-endian number.</param>
    /// <param name="port">The port.</param>
    public static UdpAddress FromIPv4(uint bits, ushort port) => new(0, MappedPrefix | bits, port, 0);

    /// <summary>Makes an address from its 16 bytes.</summary>
    /// <param name="address">16 bytes in network order, IPv4 mapped.</param>
    /// <param name="port">The port.</param>
    /// <param name="scopeId">The interface of a link-local address; ignored for all others.</param>
    public static UdpAddress FromBytes(ReadOnlySpan<byte> address, ushort port, uint scopeId = 0)
    {
        if (address.Length != AddressSize)
        {
            throw new ArgumentException($"An address has {AddressSize} bytes, not {address.Length}.", nameof(address));
        }

        return new(BinaryPrimitives.ReadUInt64BigEndian(address), BinaryPrimitives.ReadUInt64BigEndian(address[8..]), port, scopeId);
    }

    /// <summary>Makes an address from its 16 bytes.</summary>
    /// <param name="bits">The bytes as a big-endian number, IPv4 mapped.</param>
    /// <param name="port">The port.</param>
    /// <param name="scopeId">The interface of a link-local address; ignored for all others.</param>
    public static UdpAddress FromBits(UInt128 bits, ushort port, uint scopeId = 0) =>
        new((ulong)(bits >> 64), unchecked((ulong)bits), port, scopeId);

    /// <summary>Converts an endpoint of the framework.</summary>
    /// <exception cref="ArgumentException">The endpoint is neither IPv4 nor IPv6.</exception>
    public static UdpAddress FromEndPoint(IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        Span<byte> bytes = stackalloc byte[AddressSize];
        if (!endPoint.Address.TryWriteBytes(bytes, out int written))
        {
            throw new ArgumentException("The endpoint has no IPv4 or IPv6 address.", nameof(endPoint));
        }

        var port = (ushort)endPoint.Port;
        return written == 4
            ? FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes), port)
            : FromBytes(bytes, port, unchecked((uint)endPoint.Address.ScopeId));
    }

    /// <summary>Reads a socket address that the operating system filled in.</summary>
    /// <returns>False when it is neither IPv4 nor IPv6, or too short.</returns>
    public static bool TryFromSocketAddress(SocketAddress socketAddress, out UdpAddress address)
    {
        ReadOnlySpan<byte> bytes = socketAddress.Buffer.Span[..socketAddress.Size];
        return TryReadSockaddr(socketAddress.Family, bytes, out address);
    }

    /// <summary>Reads the bytes of a sockaddr_in or sockaddr_in6.</summary>
    internal static bool TryReadSockaddr(AddressFamily family, ReadOnlySpan<byte> sockaddr, out UdpAddress address)
    {
        switch (family)
        {
            case AddressFamily.InterNetwork when sockaddr.Length >= Sockaddr.IPv4Size:
                address = FromIPv4(
                    BinaryPrimitives.ReadUInt32BigEndian(sockaddr[4..]), BinaryPrimitives.ReadUInt16BigEndian(sockaddr[2..]));
                return true;
            case AddressFamily.InterNetworkV6 when sockaddr.Length >= Sockaddr.IPv6Size:
                address = FromBytes(
                    sockaddr.Slice(8, AddressSize),
                    BinaryPrimitives.ReadUInt16BigEndian(sockaddr[2..]),
                    Sockaddr.ReadNative(sockaddr[24..]));
                return true;
            default:
                address = default;
                return false;
        }
    }

    /// <summary>Writes the address into a socket address of the given socket's family.</summary>
    /// <param name="socketAddress">
    /// One made for <see cref="AddressFamily.InterNetwork"/> or <see cref="AddressFamily.InterNetworkV6"/>.
    /// </param>
    /// <returns>False for an IPv6 address and an IPv4 <paramref name="socketAddress"/>.</returns>
    public bool TryWriteTo(SocketAddress socketAddress) => TryWriteSockaddr(socketAddress.Family, socketAddress.Buffer.Span);

    /// <summary>Writes the part behind the family of a sockaddr_in or sockaddr_in6.</summary>
    internal bool TryWriteSockaddr(AddressFamily family, Span<byte> sockaddr)
    {
        BinaryPrimitives.WriteUInt16BigEndian(sockaddr[2..], Port);
        if (family == AddressFamily.InterNetwork)
        {
            BinaryPrimitives.WriteUInt32BigEndian(sockaddr[4..], IPv4Bits);
            sockaddr[8..Sockaddr.IPv4Size].Clear();
            return IsIPv4;
        }

        sockaddr[4..8].Clear();
        WriteBytes(sockaddr.Slice(8, AddressSize));
        Sockaddr.WriteNative(sockaddr[24..], ScopeId);
        return true;
    }

    /// <summary>Writes the 16 bytes of the address in network order.</summary>
    public void WriteBytes(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _high);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _low);
    }

    /// <summary>Gets the same address with another port.</summary>
    public UdpAddress WithPort(ushort port) => new(_high, _low, port, ScopeId);

    /// <summary>Converts to an endpoint of the framework; an IPv4 address becomes an IPv4 endpoint.</summary>
    public IPEndPoint ToEndPoint()
    {
        Span<byte> bytes = stackalloc byte[AddressSize];
        WriteBytes(bytes);
        return new(IsIPv4 ? new IPAddress(bytes[12..]) : new IPAddress(bytes, ScopeId), Port);
    }

    /// <inheritdoc/>
    public override string ToString() => ToEndPoint().ToString();

    /// <inheritdoc/>
    public bool Equals(UdpAddress other) =>
        _low == other._low && _high == other._high && Port == other.Port && ScopeId == other.ScopeId;

    /// <summary>Gets a hash code that is keyed per process: remote peers choose these values.</summary>
    public override int GetHashCode() => HashCode.Combine(_high, _low, Port, ScopeId);

    // The same rule as Linux: link-local unicast (fe80::/10), and multicast of interface or link scope (ff01, ff02).
    private static bool NeedsScope(ulong high) =>
        high >> 54 == 0xFE80 >> 6 || (high >> 56 == 0xFF && (high >> 48 & 0xF) is 1 or 2);

    /// <summary>What sockaddr_in and sockaddr_in6 have in common on all platforms.</summary>
    internal static class Sockaddr
    {
        public const int IPv4Size = 16;
        public const int IPv6Size = 28;

        public static uint ReadNative(ReadOnlySpan<byte> bytes) => BitConverter.ToUInt32(bytes);

        public static void WriteNative(Span<byte> bytes, uint value) => BitConverter.TryWriteBytes(bytes, value);
    }
}
