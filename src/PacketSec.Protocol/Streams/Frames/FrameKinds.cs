using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>The kinds of frames in a packet.</summary>
[Flags]
internal enum FrameKinds
{
    None = 0,
    Padding = 1 << 0,
    Ping = 1 << 1,
    Ack = 1 << 2,
    ResetStream = 1 << 3,
    StopSending = 1 << 4,
    Stream = 1 << 5,
    MaxData = 1 << 6,
    MaxStreamData = 1 << 7,
    MaxStreams = 1 << 8,
    DataBlocked = 1 << 9,
    StreamDataBlocked = 1 << 10,
    StreamsBlocked = 1 << 11,
    ConnectionClose = 1 << 12,
    Datagram = 1 << 13,
    Hello = 1 << 14,
}

/// <summary>Walks over the frames of a packet without acting on any.</summary>
internal static class FrameWalk
{
    /// <summary>Reads frames to the end.</summary>
    /// <param name="reader">Stands behind the packet's number.</param>
    /// <param name="kinds">What there is, up to the first that cannot be read.</param>
    /// <returns>Whether all are well formed.</returns>
    public static bool TryRead(WireReader reader, out FrameKinds kinds)
    {
        kinds = FrameKinds.None;
        while (reader.TryReadByte(out var type))
        {
            var kind = Read(type, ref reader);
            if (kind == FrameKinds.None)
            {
                return false;
            }

            kinds |= kind;
        }

        return true;
    }

    private static FrameKinds Read(byte type, scoped ref WireReader reader) => type switch
    {
        FrameType.Padding when PaddingFrame.TryRead(type, ref reader, out _) => FrameKinds.Padding,
        FrameType.Ping => FrameKinds.Ping,
        FrameType.Ack when AckFrame.TryRead(type, ref reader, out _) => FrameKinds.Ack,
        FrameType.ResetStream when ResetStreamFrame.TryRead(type, ref reader, out _) => FrameKinds.ResetStream,
        FrameType.StopSending when StopSendingFrame.TryRead(type, ref reader, out _) => FrameKinds.StopSending,
        >= FrameType.Stream and <= FrameType.StreamLast when StreamFrame.TryRead(type, ref reader, out _) => FrameKinds.Stream,
        FrameType.MaxData when MaxDataFrame.TryRead(type, ref reader, out _) => FrameKinds.MaxData,
        FrameType.MaxStreamData when MaxStreamDataFrame.TryRead(type, ref reader, out _) => FrameKinds.MaxStreamData,
        FrameType.MaxStreamsBidirectional or FrameType.MaxStreamsUnidirectional
            when MaxStreamsFrame.TryRead(type, ref reader, out _) => FrameKinds.MaxStreams,
        FrameType.DataBlocked when DataBlockedFrame.TryRead(type, ref reader, out _) => FrameKinds.DataBlocked,
        FrameType.StreamDataBlocked when StreamDataBlockedFrame.TryRead(type, ref reader, out _) => FrameKinds.StreamDataBlocked,
        FrameType.StreamsBlockedBidirectional or FrameType.StreamsBlockedUnidirectional
            when StreamsBlockedFrame.TryRead(type, ref reader, out _) => FrameKinds.StreamsBlocked,
        FrameType.ConnectionClose or FrameType.ApplicationClose
            when ConnectionCloseFrame.TryRead(type, ref reader, out _) => FrameKinds.ConnectionClose,
        FrameType.Datagram or FrameType.DatagramWithLength when DatagramFrame.TryRead(type, ref reader, out _) => FrameKinds.Datagram,
        FrameType.Hello when HelloFrame.TryRead(type, ref reader, out _) => FrameKinds.Hello,
        _ => FrameKinds.None,
    };
}
