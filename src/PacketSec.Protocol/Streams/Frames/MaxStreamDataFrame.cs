using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>How many bytes may be sent on a stream in all.</summary>
/// <param name="StreamId">The stream.</param>
/// <param name="Maximum">The offset that may be reached.</param>
//= rfc9000#section-19.10
internal readonly record struct MaxStreamDataFrame(long StreamId, long Maximum) : IFrame<MaxStreamDataFrame>
{
    public int EncodedLength => 1 + QuicVarint.Length(StreamId) + QuicVarint.Length(Maximum);

    public static bool TryRead(byte type, scoped ref WireReader reader, out MaxStreamDataFrame frame)
    {
        frame = default;
        if (!reader.TryReadQuicVarint(out var first) || !reader.TryReadQuicVarint(out var second))
        {
            return false;
        }

        frame = new(first, second);
        return true;
    }

    public void WriteTo(ref WireWriter writer)
    {
        writer.WriteByte(FrameType.MaxStreamData);
        writer.WriteQuicVarint(StreamId);
        writer.WriteQuicVarint(Maximum);
    }
}
