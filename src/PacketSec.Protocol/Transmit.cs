namespace PacketSec.Protocol;

/// <summary>What the driver is to send: the bytes are in the buffer that it polled with.</summary>
/// <param name="Path">From where to where.</param>
/// <param name="Length">The number of bytes.</param>
/// <param name="SegmentSize">The size of each datagram but the last, which may be shorter; equal to the length for a single one.</param>
/// <param name="Ecn">The ECN codepoint, 0 to 3.</param>
public readonly record struct Transmit(PathAddress Path, int Length, int SegmentSize, byte Ecn);
