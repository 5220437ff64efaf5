using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace PacketSec.Protocol;

/// <summary>
/// One UDP address in canonical form: sixteen bytes of IPv6, where IPv4 is mapped, so that <c>::ffff:a.b.c.d</c> equals <c>a.b.c.d</c>.
/// </summary>
/// <param name="Address">The IPv6 or IPv4-mapped address as a big-endian number.</param>
/// <param name="Port">The UDP port.</param>
/// <param name="ScopeId">The IPv6 zone of a link-local address, otherwise 0.</param>
public readonly record struct NetworkAddress(UInt128 Address, ushort Port, uint ScopeId = 0)
{
    private const uint MappedPrefix = 0x0000FFFF;

    /// <summary>Gets a value indicating whether this is an IPv4 address.</summary>
    public bool IsIPv4 => (Address >> 32) == MappedPrefix;

    /// <summary>Gets a value indicating whether nothing is set.</summary>
    public bool IsUnspecified => this == default;

    /// <summary>Converts an endpoint. IPv4 becomes mapped.</summary>
    /// <param name="endPoint">The endpoint.</param>
    public static NetworkAddress FromEndPoint(IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        Span<byte> bytes = stackalloc byte[16];
        if (endPoint.AddressFamily == AddressFamily.InterNetwork)
        {
            endPoint.Address.TryWriteBytes(bytes[12..], out _);
            BinaryPrimitives.WriteUInt16BigEndian(bytes[10..], 0xFFFF);
            return new(BinaryPrimitives.ReadUInt128BigEndian(bytes), (ushort)endPoint.Port);
        }

        endPoint.Address.TryWriteBytes(bytes, out _);
        var scope = endPoint.Address.IsIPv6LinkLocal ? (uint)endPoint.Address.ScopeId : 0;
        return new(BinaryPrimitives.ReadUInt128BigEndian(bytes), (ushort)endPoint.Port, scope);
    }

    /// <summary>Returns the endpoint, IPv4 where the address is mapped.</summary>
    public IPEndPoint ToEndPoint()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Address);
        return IsIPv4 ? new(new IPAddress(bytes[12..]), Port) : new(new IPAddress(bytes, ScopeId), Port);
    }

    /// <summary>Returns the network that admission limits count by: /24 of IPv4, /64 of IPv6.</summary>
    internal UInt128 ToPrefix() => IsIPv4 ? Address >> 8 << 8 : Address >> 64 << 64;

    /// <summary>Returns a hash that is seeded per process, so that nobody can choose addresses that collide.</summary>
    public override int GetHashCode() => HashCode.Combine((ulong)(Address >> 64), unchecked((ulong)Address), Port, ScopeId);

    /// <inheritdoc/>
    public override string ToString() => ToEndPoint().ToString();
}

/// <summary>The two ends of a datagram's way.</summary>
/// <param name="Local">The address at this machine; the port may be left 0.</param>
/// <param name="Remote">The peer's address.</param>
public readonly record struct PathAddress(NetworkAddress Local, NetworkAddress Remote);
