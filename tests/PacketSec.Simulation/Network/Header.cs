using System.Buffers.Binary;

namespace PacketSec.Simulation.Network;

/// <summary>Reads the first word of datagrams, for adversaries and traces. It is written from the wire format and shares no code with the core.</summary>
public static class Header
{
    public const uint InitHello = 0x00000000;
    public const uint RespHello = 0x80000001;
    public const uint InitDone = 0x00000002;
    public const uint DirectionBit = 0x80000000;
    public const uint FirstData = 16;
    public const uint Closing = 0x7FFFFFFF;

    /// <summary>Returns the first word, or 0 where the datagram is shorter.</summary>
    public static uint Read(ReadOnlySpan<byte> datagram) => datagram.Length >= 4 ? BinaryPrimitives.ReadUInt32BigEndian(datagram) : 0;

    public static uint Counter(ReadOnlySpan<byte> datagram) => Read(datagram) & ~DirectionBit;

    public static bool FromResponder(ReadOnlySpan<byte> datagram) => (Read(datagram) & DirectionBit) != 0;

    public static bool IsInitHello(ReadOnlySpan<byte> datagram) => datagram.Length > 4 && Read(datagram) == InitHello;

    public static bool IsRespHello(ReadOnlySpan<byte> datagram) => datagram.Length > 4 && Read(datagram) == RespHello;

    public static bool IsInitDone(ReadOnlySpan<byte> datagram) => datagram.Length > 4 && Read(datagram) == InitDone;

    /// <summary>Returns whether the counter is one of data, the closing message excluded.</summary>
    public static bool IsData(ReadOnlySpan<byte> datagram) => datagram.Length >= 20 && Counter(datagram) is >= FirstData and < Closing;

    public static bool IsClosing(ReadOnlySpan<byte> datagram) => datagram.Length >= 20 && Counter(datagram) == Closing;

    public static string Describe(uint word) => word switch
    {
        InitHello => "InitHello",
        RespHello => "RespHello",
        InitDone => "InitDone",
        _ when (word & ~DirectionBit) == Closing => (word & DirectionBit) == 0 ? "closing>" : "closing<",
        _ => $"{((word & DirectionBit) == 0 ? '>' : '<')}{word & ~DirectionBit}",
    };
}
