using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>How many streams the peer may open in all.</summary>
/// <param name="Bidirectional">Whether streams of both directions are meant, or those of one.</param>
/// <param name="Maximum">The number of streams since the beginning, at most 2^60.</param>
//= rfc9000#section-19.11
internal readonly record struct MaxStreamsFrame(bool Bidirectional, long Maximum) : IFrame<MaxStreamsFrame>
{
    public int EncodedLength => 1 + QuicVarint.Length(Maximum);

    public static bool TryRead(byte type, scoped ref WireReader reader, out MaxStreamsFrame frame)
    {
        var read = reader.TryReadQuicVarint(out var maximum) && maximum <= StreamId.MaxCount;
        frame = new(type == FrameType.MaxStreamsBidirectional, maximum);
        return read;
    }

    public void WriteTo(ref WireWriter writer)
    {
        writer.WriteByte(Bidirectional ? FrameType.MaxStreamsBidirectional : FrameType.MaxStreamsUnidirectional);
        writer.WriteQuicVarint(Maximum);
    }
}
