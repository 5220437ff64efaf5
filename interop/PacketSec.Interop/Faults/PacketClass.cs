using System.Buffers.Binary;

namespace PacketSec.Interop.Faults;

/// <summary>What a datagram is to the faults.</summary>
internal enum PacketClass
{
    /// <summary>A frame of PSEC, or a packet with a counter of 0 to 15.</summary>
    Handshake,

    /// <summary>Everything else: data, empty packets, the closing message, and what is too short for a header.</summary>
    Data,
}

/// <summary>Where a datagram goes.</summary>
internal enum PacketDirection
{
    /// <summary>From the dialler to the listener; where both dial, from the left one to the right one.</summary>
    ToListener,

    /// <summary>From the listener to the dialler; where both dial, from the right one to the left one.</summary>
    ToDialler,
}

/// <summary>Tells the classes apart.</summary>
internal static class PacketClasses
{
    private const int HeaderSize = 4;
    private const uint DirectionBit = 1u << 31;
    private const uint HandshakeCounters = 16;

    public static PacketClass Classify(ReadOnlySpan<byte> datagram)
        => IsHandshakePacket(datagram) || PsecFrames.Read(datagram) != PsecFrame.None ? PacketClass.Handshake : PacketClass.Data;

    private static bool IsHandshakePacket(ReadOnlySpan<byte> datagram)
        => datagram.Length >= HeaderSize && (BinaryPrimitives.ReadUInt32BigEndian(datagram) & ~DirectionBit) < HandshakeCounters;
}
