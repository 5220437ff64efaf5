using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>The sender of a stream has more than the peer lets it send.</summary>
/// <param name="StreamId">The stream.</param>
/// <param name="Maximum">The limit that it met.</param>
//= rfc9000#section-19.13
internal readonly record struct StreamDataBlockedFrame(long StreamId, long Maximum) : IFrame<StreamDataBlockedFrame>
{
    public int EncodedLength => 1 + QuicVarint.Length(StreamId) + QuicVarint.Length(Maximum);

    public static bool TryRead(byte type, scoped ref WireReader reader, out StreamDataBlockedFrame frame)
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
        writer.WriteByte(FrameType.StreamDataBlocked);
        writer.WriteQuicVarint(StreamId);
        writer.WriteQuicVarint(Maximum);
    }
}
