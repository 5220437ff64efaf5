using System.Buffers.Binary;

namespace PacketSec.Interop.Faults;

/// <summary>What a datagram is, as far as its first four bytes tell.</summary>
internal enum PacketClass
{
    /// <summary>A counter of 0 to 15.</summary>
    Handshake,

    /// <summary>Everything else: data, empty packets, the closing message, and what is too short for a header.</summary>
    Data,
}

/// <summary>Where a datagram goes.</summary>
internal enum PacketDirection
{
    /// <summary>From the dialler to the listener.</summary>
    ToListener,

    /// <summary>From the listener to the dialler.</summary>
    ToDialler,
}

/// <summary>Tells the classes apart.</summary>
internal static class PacketClasses
{
    private const int HeaderSize = 4;
    private const uint DirectionBit = 1u << 31;
    private const uint HandshakeCounters = 16;

    public static PacketClass Classify(ReadOnlySpan<byte> datagram)
        => datagram.Length >= HeaderSize && (BinaryPrimitives.ReadUInt32BigEndian(datagram) & ~DirectionBit) < HandshakeCounters
            ? PacketClass.Handshake
            : PacketClass.Data;
}
