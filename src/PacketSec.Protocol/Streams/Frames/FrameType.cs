namespace PacketSec.Protocol.Streams.Frames;

/// <summary>The types of frames, with the numbers of RFC 9000 and RFC 9221. All of them are encoded in one byte.</summary>
//= rfc9000#section-19
internal static class FrameType
{
    public const byte Padding = 0x00;
    public const byte Ping = 0x01;
    public const byte Ack = 0x02;
    public const byte ResetStream = 0x04;
    public const byte StopSending = 0x05;

    /// <summary>The first of eight types: the bits 1, 2 and 4 are <see cref="StreamFin"/>, <see cref="StreamLength"/> and <see cref="StreamOffset"/>.</summary>
    public const byte Stream = 0x08;

    public const byte StreamFin = 0x01;
    public const byte StreamLength = 0x02;
    public const byte StreamOffset = 0x04;
    public const byte StreamLast = Stream | StreamFin | StreamLength | StreamOffset;

    public const byte MaxData = 0x10;
    public const byte MaxStreamData = 0x11;
    public const byte MaxStreamsBidirectional = 0x12;
    public const byte MaxStreamsUnidirectional = 0x13;
    public const byte DataBlocked = 0x14;
    public const byte StreamDataBlocked = 0x15;
    public const byte StreamsBlockedBidirectional = 0x16;
    public const byte StreamsBlockedUnidirectional = 0x17;
    public const byte ConnectionClose = 0x1c;
    public const byte ApplicationClose = 0x1d;
    public const byte Datagram = 0x30;
    public const byte DatagramWithLength = 0x31;

    /// <summary>A frame that RFC 9000 does not have.</summary>
    public const byte Hello = 0x3f;
}
