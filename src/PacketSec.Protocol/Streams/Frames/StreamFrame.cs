using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>A piece of a stream; a view of its bytes.</summary>
//= rfc9000#section-19.8
internal readonly ref struct StreamFrame : IFrame<StreamFrame>
{
    /// <summary>Creates a frame that says its length.</summary>
    public StreamFrame(long streamId, long offset, ReadOnlySpan<byte> data, bool fin)
    {
        StreamId = streamId;
        Offset = offset;
        Data = data;
        Fin = fin;
    }

    public long StreamId { get; }

    public long Offset { get; }

    public ReadOnlySpan<byte> Data { get; }

    /// <summary>Gets whether the stream ends with this piece.</summary>
    public bool Fin { get; }

    public int EncodedLength => HeaderLength(StreamId, Offset, Data.Length) + Data.Length;

    /// <summary>Returns how many bytes stand before the data.</summary>
    public static int HeaderLength(long streamId, long offset, int length)
        => 1 + QuicVarint.Length(streamId) + (offset == 0 ? 0 : QuicVarint.Length(offset)) + QuicVarint.Length(length);

    public static bool TryRead(byte type, scoped ref WireReader reader, out StreamFrame frame)
    {
        frame = default;
        long offset = 0;
        if (!reader.TryReadQuicVarint(out var streamId) || ((type & FrameType.StreamOffset) != 0 && !reader.TryReadQuicVarint(out offset)))
        {
            return false;
        }

        ReadOnlySpan<byte> data;
        if ((type & FrameType.StreamLength) == 0)
        {
            data = reader.ReadRest();
        }
        else if (!reader.TryReadQuicVarint(out var length) || length > reader.Remaining || !reader.TryReadBytes((int)length, out data))
        {
            return false;
        }

        frame = new(streamId, offset, data, (type & FrameType.StreamFin) != 0);
        return offset <= QuicVarint.MaxValue - data.Length;
    }

    public void WriteTo(ref WireWriter writer)
    {
        WriteHeader(ref writer, StreamId, Offset, Data.Length, Fin);
        writer.WriteBytes(Data);
    }

    /// <summary>Writes what stands before the data, so that the data can be copied from where they are.</summary>
    public static void WriteHeader(ref WireWriter writer, long streamId, long offset, int length, bool fin)
    {
        var type = FrameType.Stream | FrameType.StreamLength | (offset == 0 ? 0 : FrameType.StreamOffset) | (fin ? FrameType.StreamFin : 0);
        writer.WriteByte((byte)type);
        writer.WriteQuicVarint(streamId);
        if (offset != 0)
        {
            writer.WriteQuicVarint(offset);
        }

        writer.WriteQuicVarint(length);
    }
}
