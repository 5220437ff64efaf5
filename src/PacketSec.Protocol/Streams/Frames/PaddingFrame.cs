using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>Fills a packet: a run of bytes of value 0 is taken as one frame.</summary>
/// <param name="Length">The number of bytes, 1 or more.</param>
//= rfc9000#section-19.1
internal readonly record struct PaddingFrame(int Length) : IFrame<PaddingFrame>
{
    public int EncodedLength => Length;

    public static bool TryRead(byte type, scoped ref WireReader reader, out PaddingFrame frame)
    {
        var ahead = reader;
        var rest = ahead.ReadRest();
        var more = rest.IndexOfAnyExcept(FrameType.Padding);
        more = more < 0 ? rest.Length : more;
        frame = new(1 + more);
        return reader.TryReadBytes(more, out _);
    }

    public void WriteTo(ref WireWriter writer) => writer.Take(Length).Clear();
}
