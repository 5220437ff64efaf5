using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>The sender has more than the peer lets it send on all streams together.</summary>
/// <param name="Maximum">The limit that it met.</param>
//= rfc9000#section-19.12
internal readonly record struct DataBlockedFrame(long Maximum) : IFrame<DataBlockedFrame>
{
    public int EncodedLength => 1 + QuicVarint.Length(Maximum);

    public static bool TryRead(byte type, scoped ref WireReader reader, out DataBlockedFrame frame)
    {
        var read = reader.TryReadQuicVarint(out var maximum);
        frame = new(maximum);
        return read;
    }

    public void WriteTo(ref WireWriter writer)
    {
        writer.WriteByte(FrameType.DataBlocked);
        writer.WriteQuicVarint(Maximum);
    }
}
