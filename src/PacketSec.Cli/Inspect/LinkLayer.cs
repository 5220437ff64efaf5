using System.Buffers.Binary;

namespace PacketSec.Cli.Inspect;

/// <summary>What stands before the IP header, for the kinds of links that capture programs meet.</summary>
internal static class LinkLayer
{
    private const int EtherTypeIPv4 = 0x0800;
    private const int EtherTypeIPv6 = 0x86dd;
    private const int EtherTypeVlan = 0x8100;
    private const int EtherTypeServiceVlan = 0x88a8;

    /// <summary>Returns whether packets of a link type can be read.</summary>
    public static bool IsKnown(int linkType) => HeaderSize(linkType) >= 0;

    /// <summary>Finds the IP packet.</summary>
    /// <param name="linkType">A known one.</param>
    /// <param name="packet">What was captured.</param>
    /// <param name="ip">The packet from its IP header on.</param>
    /// <returns>False when it is no IP packet, or too short to tell.</returns>
    public static bool TryFindIp(int linkType, ReadOnlySpan<byte> packet, out ReadOnlySpan<byte> ip)
    {
        var size = HeaderSize(linkType);
        ip = default;
        if (size < 0 || packet.Length < size)
        {
            return false;
        }

        ip = packet[size..];
        return linkType switch
        {
            LinkTypes.Null or LinkTypes.Loop => IsIpFamily(packet),
            LinkTypes.Ethernet => TrySkipTags(BinaryPrimitives.ReadUInt16BigEndian(packet[12..]), ref ip),
            LinkTypes.LinuxCooked => TrySkipTags(BinaryPrimitives.ReadUInt16BigEndian(packet[14..]), ref ip),
            LinkTypes.LinuxCooked2 => TrySkipTags(BinaryPrimitives.ReadUInt16BigEndian(packet), ref ip),
            _ => true,
        };
    }

    private static int HeaderSize(int linkType) => linkType switch
    {
        LinkTypes.Raw or LinkTypes.IPv4 or LinkTypes.IPv6 => 0,
        LinkTypes.Null or LinkTypes.Loop => 4,
        LinkTypes.Ethernet => 14,
        LinkTypes.LinuxCooked => 16,
        LinkTypes.LinuxCooked2 => 20,
        _ => -1,
    };

    // The family is in the byte order of the machine that captured, and IPv6 has another number on each system.
    private static bool IsIpFamily(ReadOnlySpan<byte> packet)
    {
        var family = BinaryPrimitives.ReadUInt32BigEndian(packet);
        return (family <= 0xff ? family : BinaryPrimitives.ReverseEndianness(family)) is 2 or 10 or 24 or 28 or 30;
    }

    private static bool TrySkipTags(int etherType, ref ReadOnlySpan<byte> rest)
    {
        while (etherType is EtherTypeVlan or EtherTypeServiceVlan && rest.Length >= 4)
        {
            etherType = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
            rest = rest[4..];
        }

        return etherType is EtherTypeIPv4 or EtherTypeIPv6;
    }
}

/// <summary>The numbers of link types in capture files.</summary>
internal static class LinkTypes
{
    public const int Null = 0;
    public const int Ethernet = 1;
    public const int Raw = 101;
    public const int Loop = 108;
    public const int LinuxCooked = 113;
    public const int IPv4 = 228;
    public const int IPv6 = 229;
    public const int LinuxCooked2 = 276;
}
