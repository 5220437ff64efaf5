using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;

namespace PacketSec.Udp.Linux;

/// <summary>What stands beside a datagram: its local address (IP_PKTINFO) and the size of its segments (UDP_SEGMENT, UDP_GRO).</summary>
[SupportedOSPlatform("linux")]
internal static unsafe class ControlMessages
{
    /// <summary>The room for all messages of one send: an in6_pktinfo and a size, with their headers.</summary>
    public const int SendSize = 64;

    /// <summary>The room for all messages asked for of one receive; the kernel cuts others.</summary>
    public const int ReceiveSize = 96;

    /// <summary>Writes the message that sets the source.</summary>
    /// <param name="control">Where to; aligned for a pointer.</param>
    /// <param name="isIPv4Socket">False for a dual-stack socket, which takes mapped addresses in the IPv6 form.</param>
    /// <param name="local">The source.</param>
    /// <returns>Its size with padding.</returns>
    public static nuint WriteSource(byte* control, bool isIPv4Socket, in UdpAddress local)
    {
        var header = (LibC.ControlHeader*)control;
        if (isIPv4Socket)
        {
            uint bits = local.IPv4Bits;
            *(LibC.PacketInfo*)(header + 1) = new()
            {
                LocalAddress = BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(bits) : bits,
            };
            return WriteHeader(header, SocketTuning.IPLevel, SocketTuning.LinuxPacketInfo, sizeof(LibC.PacketInfo));
        }

        var packet = (LibC.PacketInfoV6*)(header + 1);
        local.WriteBytes(new(packet->Address, UdpAddress.AddressSize));
        packet->Interface = local.ScopeId;
        return WriteHeader(header, SocketTuning.IPv6Level, SocketTuning.LinuxIPv6PacketInfo, sizeof(LibC.PacketInfoV6));
    }

    /// <summary>Writes the message that has a send cut into segments.</summary>
    /// <param name="control">Where to; aligned for a pointer.</param>
    /// <param name="segmentSize">The size of each but the last.</param>
    /// <returns>Its size with padding.</returns>
    public static nuint WriteSegmentSize(byte* control, int segmentSize)
    {
        var header = (LibC.ControlHeader*)control;
        *(ushort*)(header + 1) = (ushort)segmentSize;
        return WriteHeader(header, SocketTuning.LinuxUdpLevel, SocketTuning.LinuxSegment, sizeof(ushort));
    }

    /// <summary>Reads the messages of a received piece.</summary>
    /// <param name="message">The header that the kernel filled in.</param>
    /// <param name="local">The address the piece came to, with the port it has before; unchanged when no message tells.</param>
    /// <param name="segmentSize">The size of its segments; unchanged when it is one datagram.</param>
    public static void Read(in LibC.MessageHeader message, ref UdpAddress local, ref int segmentSize)
    {
        var control = (byte*)message.Control;
        nuint left = message.ControlLength;
        while (left >= (nuint)sizeof(LibC.ControlHeader))
        {
            var header = (LibC.ControlHeader*)control;
            if (header->Length < (nuint)sizeof(LibC.ControlHeader) || header->Length > left)
            {
                return;
            }

            ReadOne(header, ref local, ref segmentSize);
            nuint padded = Pad(header->Length);
            control += padded;
            left = padded < left ? left - padded : 0;
        }
    }

    private static void ReadOne(LibC.ControlHeader* header, ref UdpAddress local, ref int segmentSize)
    {
        void* content = header + 1;
        nuint length = header->Length - (nuint)sizeof(LibC.ControlHeader);
        switch (header->Level, header->Type)
        {
            case (SocketTuning.IPLevel, SocketTuning.LinuxPacketInfo) when length >= (nuint)sizeof(LibC.PacketInfo):
                // For a broadcast the header's address cannot be a source; this one always can.
                uint bits = ((LibC.PacketInfo*)content)->LocalAddress;
                local = UdpAddress.FromIPv4(BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(bits) : bits, local.Port);
                break;
            case (SocketTuning.IPv6Level, SocketTuning.LinuxIPv6PacketInfo) when length >= (nuint)sizeof(LibC.PacketInfoV6):
                var packet = (LibC.PacketInfoV6*)content;
                local = UdpAddress.FromBytes(new(packet->Address, UdpAddress.AddressSize), local.Port, packet->Interface);
                break;
            case (SocketTuning.LinuxUdpLevel, SocketTuning.LinuxCoalesce) when length >= sizeof(int):
                segmentSize = Unsafe.ReadUnaligned<int>(content);
                break;
        }
    }

    private static nuint WriteHeader(LibC.ControlHeader* header, int level, int type, int contentSize)
    {
        *header = new() { Length = (nuint)(sizeof(LibC.ControlHeader) + contentSize), Level = level, Type = type };
        return Pad(header->Length);
    }

    private static nuint Pad(nuint length) => (length + (nuint)sizeof(nuint) - 1) & ~((nuint)sizeof(nuint) - 1);
}
