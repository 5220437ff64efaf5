using PacketSec.Fuzz.Engine;
using PacketSec.Protocol.Streams.Frames;
using PacketSec.Protocol.Wire;

namespace PacketSec.Fuzz.Targets;

/// <summary>The frames of a packet of streams, one after the other.</summary>
internal sealed class StreamFramesTarget : FuzzTarget
{
    public override string Name => "stream-frames";

    public override string Property => "a frame that is read is written in its shortest form, and that form is read and written the same";

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        Convert.FromHexString("3f0120000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
        Convert.FromHexString("0240640a020501020103"),
        Convert.FromHexString("0f0841000161"),
        Convert.FromHexString("ffffffffffffffff"),
        Convert.FromHexString("d000000000000000"),
        Convert.FromHexString("80010000"),
        Convert.FromHexString("7fff"),
    ];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        var reader = new WireReader(input);
        for (var count = 0; reader.TryReadByte(out var type); count++)
        {
            trace.Reach(1, type);
            if (!TryCheck(type, ref reader, trace))
            {
                trace.Reach(2, FuzzTrace.Magnitude(count));
                return;
            }
        }
    }

    private static bool TryCheck(byte type, ref WireReader reader, FuzzTrace trace) => type switch
    {
        FrameType.Padding => TryCheck<PaddingFrame>(type, ref reader, trace),
        FrameType.Ping => TryCheck<PingFrame>(type, ref reader, trace),
        FrameType.Ack => TryCheck<AckFrame>(type, ref reader, trace),
        FrameType.ResetStream => TryCheck<ResetStreamFrame>(type, ref reader, trace),
        FrameType.StopSending => TryCheck<StopSendingFrame>(type, ref reader, trace),
        >= FrameType.Stream and <= FrameType.StreamLast => TryCheck<StreamFrame>(type, ref reader, trace),
        FrameType.MaxData => TryCheck<MaxDataFrame>(type, ref reader, trace),
        FrameType.MaxStreamData => TryCheck<MaxStreamDataFrame>(type, ref reader, trace),
        FrameType.MaxStreamsBidirectional or FrameType.MaxStreamsUnidirectional => TryCheck<MaxStreamsFrame>(type, ref reader, trace),
        FrameType.DataBlocked => TryCheck<DataBlockedFrame>(type, ref reader, trace),
        FrameType.StreamDataBlocked => TryCheck<StreamDataBlockedFrame>(type, ref reader, trace),
        FrameType.StreamsBlockedBidirectional or FrameType.StreamsBlockedUnidirectional => TryCheck<StreamsBlockedFrame>(type, ref reader, trace),
        FrameType.ConnectionClose or FrameType.ApplicationClose => TryCheck<ConnectionCloseFrame>(type, ref reader, trace),
        FrameType.Datagram or FrameType.DatagramWithLength => TryCheck<DatagramFrame>(type, ref reader, trace),
        FrameType.Hello => TryCheck<HelloFrame>(type, ref reader, trace),
        _ => false,
    };

    private static bool TryCheck<TFrame>(byte type, ref WireReader reader, FuzzTrace trace)
        where TFrame : struct, IFrame<TFrame>, allows ref struct
    {
        var before = reader.Remaining;
        if (!TFrame.TryRead(type, ref reader, out var frame))
        {
            return false;
        }

        trace.Reach(3, (type * 16) + FuzzTrace.Magnitude(before - reader.Remaining));
        var written = Write(frame);
        var again = new WireReader(written.AsSpan(1));
        Require(TFrame.TryRead(written[0], ref again, out var second) && again.IsAtEnd, "the shortest form is read");
        Require(Write(second).AsSpan().SequenceEqual(written), "the shortest form is its own shortest form");
        return true;
    }

    private static byte[] Write<TFrame>(in TFrame frame)
        where TFrame : struct, IFrame<TFrame>, allows ref struct
    {
        var bytes = new byte[frame.EncodedLength];
        var writer = new WireWriter(bytes);
        frame.WriteTo(ref writer);
        Require(writer.Length == bytes.Length, "the announced length is the written one");
        return bytes;
    }
}
