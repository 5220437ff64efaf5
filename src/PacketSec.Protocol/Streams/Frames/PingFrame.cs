using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>Asks for an acknowledgement and says nothing.</summary>
//= rfc9000#section-19.2
internal readonly record struct PingFrame : IFrame<PingFrame>
{
    public int EncodedLength => 1;

    public static bool TryRead(byte type, scoped ref WireReader reader, out PingFrame frame)
    {
        frame = default;
        return true;
    }

    public void WriteTo(ref WireWriter writer) => writer.WriteByte(FrameType.Ping);
}
