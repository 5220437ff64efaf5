namespace PacketSec.Protocol.Streams.Recovery;

/// <summary>Figures of windows that all controllers share.</summary>
internal static class CongestionWindow
{
    /// <summary>Returns the window that a path begins with.</summary>
    //= rfc9002#section-7.2
    public static long Initial(int datagramSize) => Math.Min(10L * datagramSize, Math.Max(14_720L, 2L * datagramSize));

    /// <summary>Returns the window that nothing reduces further.</summary>
    //= rfc9002#section-7.2
    public static long Minimum(int datagramSize) => 2L * datagramSize;
}
