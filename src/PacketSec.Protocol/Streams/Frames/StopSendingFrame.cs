using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>The receiver of a stream asks its sender to give it up.</summary>
/// <param name="StreamId">The stream.</param>
/// <param name="ErrorCode">The application's reason.</param>
//= rfc9000#section-19.5
internal readonly record struct StopSendingFrame(long StreamId, long ErrorCode) : IFrame<StopSendingFrame>
{
    public int EncodedLength => 1 + QuicVarint.Length(StreamId) + QuicVarint.Length(ErrorCode);

    public static bool TryRead(byte type, scoped ref WireReader reader, out StopSendingFrame frame)
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
        writer.WriteByte(FrameType.StopSending);
        writer.WriteQuicVarint(StreamId);
        writer.WriteQuicVarint(ErrorCode);
    }
}
