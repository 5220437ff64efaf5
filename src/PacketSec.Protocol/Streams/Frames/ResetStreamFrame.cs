using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>The sender of a stream gives it up.</summary>
/// <param name="StreamId">The stream.</param>
/// <param name="ErrorCode">The application's reason.</param>
/// <param name="FinalSize">The number of bytes that flow control counts for the stream.</param>
//= rfc9000#section-19.4
internal readonly record struct ResetStreamFrame(long StreamId, long ErrorCode, long FinalSize) : IFrame<ResetStreamFrame>
{
    public int EncodedLength => 1 + QuicVarint.Length(StreamId) + QuicVarint.Length(ErrorCode) + QuicVarint.Length(FinalSize);

    public static bool TryRead(byte type, scoped ref WireReader reader, out ResetStreamFrame frame)
    {
        frame = default;
        if (!reader.TryReadQuicVarint(out var streamId) || !reader.TryReadQuicVarint(out var errorCode)
            || !reader.TryReadQuicVarint(out var finalSize))
        {
            return false;
        }

        frame = new(streamId, errorCode, finalSize);
        return true;
    }

    public void WriteTo(ref WireWriter writer)
    {
        writer.WriteByte(FrameType.ResetStream);
        writer.WriteQuicVarint(StreamId);
        writer.WriteQuicVarint(ErrorCode);
        writer.WriteQuicVarint(FinalSize);
    }
}
