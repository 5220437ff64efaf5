using System.Buffers.Binary;
using System.Net;

namespace PacketSec.Cli.Inspect;

/// <summary>A UDP datagram in an IP packet, a fragment of one, or an IP packet that is neither one thing nor another.</summary>
/// <remarks>Checksums are not looked at: where a network card computes them, a capture on the sending machine has none.</remarks>
internal readonly ref struct UdpPacket
{
    private const int UdpProtocol = 17;
    private const int UdpHeaderSize = 8;
    private const int IPv4HeaderSize = 20;
    private const int IPv6HeaderSize = 40;

    /// <summary>Gets the sender; port 0 where the packet does not say. Null where not even the address is known.</summary>
    public IPEndPoint? From { get; private init; }

    /// <summary>Gets the receiver, as <see cref="From"/>.</summary>
    public IPEndPoint? To { get; private init; }

    /// <summary>Gets the datagram, or what was captured of it.</summary>
    public ReadOnlySpan<byte> Payload { get; private init; }

    /// <summary>Gets the datagram's length in bytes as its header says.</summary>
    public int Length { get; private init; }

    /// <summary>Gets which fragment this is, or null when it is a whole datagram.</summary>
    public string? Fragment { get; private init; }

    /// <summary>Gets what is wrong with the packet, or null.</summary>
    public string? Problem { get; private init; }

    /// <summary>Reads an IP packet.</summary>
    /// <param name="ip">The packet from its IP header on.</param>
    /// <param name="isCut">Whether less was captured than there was.</param>
    /// <param name="packet">What it carries.</param>
    /// <returns>False when it carries something other than UDP.</returns>
    public static bool TryRead(ReadOnlySpan<byte> ip, bool isCut, out UdpPacket packet)
    {
        packet = default;
        if (ip.IsEmpty)
        {
            packet = Bad("the IP header is missing");
            return true;
        }

        return (ip[0] >> 4) switch
        {
            4 => TryReadIPv4(ip, isCut, out packet),
            6 => TryReadIPv6(ip, isCut, out packet),
            var version => (packet = Bad($"the IP version is {version}")).Problem is not null,
        };
    }

    private static bool TryReadIPv4(ReadOnlySpan<byte> ip, bool isCut, out UdpPacket packet)
    {
        var headerSize = (ip[0] & 0xf) * 4;
        if (headerSize < IPv4HeaderSize || ip.Length < headerSize)
        {
            packet = Bad(headerSize < IPv4HeaderSize ? $"the IPv4 header claims {headerSize} bytes" : "the IPv4 header is not complete");
            return true;
        }

        packet = default;
        if (ip[9] != UdpProtocol)
        {
            return false;
        }

        // Where a network card splits large packets, the length is 0 on the sending machine.
        int total = BinaryPrimitives.ReadUInt16BigEndian(ip[2..]);
        var declared = (total == 0 ? ip.Length : total) - headerSize;
        var ends = new Ends(new IPAddress(ip.Slice(12, 4)), new IPAddress(ip.Slice(16, 4)));
        var fragmentWord = BinaryPrimitives.ReadUInt16BigEndian(ip[6..]);
        var fragment = new FragmentPlace((fragmentWord & 0x1fff) * 8, (fragmentWord & 0x2000) != 0, BinaryPrimitives.ReadUInt16BigEndian(ip[4..]));
        packet = declared < 0
            ? Bad($"the IPv4 packet claims {total} bytes, less than its header", ends)
            : ReadUdp(ip[headerSize..], declared, isCut, ends, fragment);
        return true;
    }

    private static bool TryReadIPv6(ReadOnlySpan<byte> ip, bool isCut, out UdpPacket packet)
    {
        if (ip.Length < IPv6HeaderSize)
        {
            packet = Bad("the IPv6 header is not complete");
            return true;
        }

        var ends = new Ends(new IPAddress(ip.Slice(8, 16)), new IPAddress(ip.Slice(24, 16)));
        int declared = BinaryPrimitives.ReadUInt16BigEndian(ip[4..]);
        var rest = ip[IPv6HeaderSize..];
        declared = declared == 0 ? rest.Length : declared;
        var fragment = default(FragmentPlace);
        int next = ip[6];
        while (ExtensionSize(next, rest) is { } size)
        {
            if (size > rest.Length || size > declared)
            {
                packet = Bad("an IPv6 extension header is not complete", ends);
                return true;
            }

            if (next == FragmentPlace.Header)
            {
                var word = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
                fragment = new(word & 0xfff8, (word & 1) != 0, BinaryPrimitives.ReadUInt32BigEndian(rest[4..]));
            }

            next = rest[0];
            declared -= size;
            rest = rest[size..];

            // What follows the header of a later fragment is the middle of something.
            if (fragment.Offset > 0)
            {
                break;
            }
        }

        packet = next == UdpProtocol ? ReadUdp(rest, declared, isCut, ends, fragment) : default;
        return next == UdpProtocol;
    }

    // Null for what is no extension header. One that is too short for its own length takes more than there is.
    private static int? ExtensionSize(int header, ReadOnlySpan<byte> rest) => header switch
    {
        FragmentPlace.Header => FragmentPlace.HeaderSize,
        0 or 43 or 60 or 135 or 139 or 140 => rest.Length < 2 ? int.MaxValue : (rest[1] + 1) * 8,
        51 => rest.Length < 2 ? int.MaxValue : (rest[1] + 2) * 4,
        _ => null,
    };

    private static UdpPacket ReadUdp(ReadOnlySpan<byte> bytes, int declared, bool isCut, Ends ends, FragmentPlace fragment)
    {
        if (declared < bytes.Length)
        {
            bytes = bytes[..declared];
        }

        if (bytes.Length < declared && !isCut)
        {
            return Bad($"the IP packet claims {declared - bytes.Length} bytes more than it has", ends);
        }

        if (fragment.Offset > 0)
        {
            return Part(ends, fragment, declared);
        }

        if (bytes.Length < UdpHeaderSize)
        {
            return Bad("the UDP header is not complete", ends);
        }

        ends = ends.WithPorts(BinaryPrimitives.ReadUInt16BigEndian(bytes), BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]));
        if (fragment.HasMore)
        {
            return Part(ends, fragment, declared);
        }

        int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        length = length == 0 ? declared : length;
        if (length < UdpHeaderSize || length > declared)
        {
            return Bad($"the UDP header claims {length} bytes, and the IP packet has {declared} for it", ends);
        }

        bytes = bytes[UdpHeaderSize..Math.Min(length, bytes.Length)];
        return new() { From = ends.From, To = ends.To, Payload = bytes, Length = length - UdpHeaderSize };
    }

    private static UdpPacket Part(Ends ends, FragmentPlace fragment, int length) => new()
    {
        From = ends.From,
        To = ends.To,
        Length = length,
        Fragment = $"bytes {fragment.Offset} to {fragment.Offset + length}{(fragment.HasMore ? "" : ", the last ones,")} of IP packet {fragment.Id}",
    };

    private static UdpPacket Bad(string problem, Ends ends = default) => new() { From = ends.From, To = ends.To, Problem = problem };

    private readonly record struct FragmentPlace(int Offset, bool HasMore, uint Id)
    {
        public const int Header = 44;
        public const int HeaderSize = 8;
    }

    private readonly struct Ends(IPAddress from, IPAddress to)
    {
        public IPEndPoint? From { get; private init; } = new(from, 0);

        public IPEndPoint? To { get; private init; } = new(to, 0);

        public Ends WithPorts(int from, int to) => new() { From = new(From!.Address, from), To = new(To!.Address, to) };
    }
}
