using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>How many bytes may be sent on all streams together.</summary>
/// <param name="Maximum">The sum of the streams' offsets that may be reached.</param>
//= rfc9000#section-19.9
internal readonly record struct MaxDataFrame(long Maximum) : IFrame<MaxDataFrame>
{
    public int EncodedLength => 1 + QuicVarint.Length(Maximum);

    public static bool TryRead(byte type, scoped ref WireReader reader, out MaxDataFrame frame)
    {
        var read = reader.TryReadQuicVarint(out var maximum);
        frame = new(maximum);
        return read;
    }

    public void WriteTo(ref WireWriter writer)
    {
        writer.WriteByte(FrameType.MaxData);
        writer.WriteQuicVarint(Maximum);
    }
}
