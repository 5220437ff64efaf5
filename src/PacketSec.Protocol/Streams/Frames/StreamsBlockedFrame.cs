using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>The sender would open more streams than the peer lets it.</summary>
/// <param name="Bidirectional">Whether streams of both directions are meant, or those of one.</param>
/// <param name="Maximum">The limit that it met, at most 2^60.</param>
//= rfc9000#section-19.14
internal readonly record struct StreamsBlockedFrame(bool Bidirectional, long Maximum) : IFrame<StreamsBlockedFrame>
{
    public int EncodedLength => 1 + QuicVarint.Length(Maximum);

    public static bool TryRead(byte type, scoped ref WireReader reader, out StreamsBlockedFrame frame)
    {
        var read = reader.TryReadQuicVarint(out var maximum) && maximum <= StreamId.MaxCount;
        frame = new(type == FrameType.StreamsBlockedBidirectional, maximum);
        return read;
    }

    public void WriteTo(ref WireWriter writer)
    {
        writer.WriteByte(Bidirectional ? FrameType.StreamsBlockedBidirectional : FrameType.StreamsBlockedUnidirectional);
        writer.WriteQuicVarint(Maximum);
    }
}
