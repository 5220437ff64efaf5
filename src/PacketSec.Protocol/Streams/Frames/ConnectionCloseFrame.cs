using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>The connection ends; a view of its bytes.</summary>
//= rfc9000#section-19.19
internal readonly ref struct ConnectionCloseFrame : IFrame<ConnectionCloseFrame>
{
    public ConnectionCloseFrame(bool byApplication, long errorCode, long frameType, ReadOnlySpan<byte> reason)
    {
        ByApplication = byApplication;
        ErrorCode = errorCode;
        FrameType = frameType;
        Reason = reason;
    }

    /// <summary>Gets whether the code is the application's, or one of <see cref="StreamError"/>.</summary>
    public bool ByApplication { get; }

    public long ErrorCode { get; }

    /// <summary>Gets the type of the frame that was wrong, or 0; an application's close has none.</summary>
    public long FrameType { get; }

    /// <summary>Gets words for a human, in UTF-8.</summary>
    public ReadOnlySpan<byte> Reason { get; }

    public int EncodedLength
        => 1 + QuicVarint.Length(ErrorCode) + (ByApplication ? 0 : QuicVarint.Length(FrameType)) + QuicVarint.Length(Reason.Length) + Reason.Length;

    public static bool TryRead(byte type, scoped ref WireReader reader, out ConnectionCloseFrame frame)
    {
        frame = default;
        var byApplication = type == Frames.FrameType.ApplicationClose;
        long frameType = 0;
        if (!reader.TryReadQuicVarint(out var errorCode) || (!byApplication && !reader.TryReadQuicVarint(out frameType))
            || !reader.TryReadQuicVarint(out var length) || length > reader.Remaining || !reader.TryReadBytes((int)length, out var reason))
        {
            return false;
        }

        frame = new(byApplication, errorCode, frameType, reason);
        return true;
    }

    public void WriteTo(ref WireWriter writer)
    {
        writer.WriteByte(ByApplication ? Frames.FrameType.ApplicationClose : Frames.FrameType.ConnectionClose);
        writer.WriteQuicVarint(ErrorCode);
        if (!ByApplication)
        {
            writer.WriteQuicVarint(FrameType);
        }

        writer.WriteQuicVarint(Reason.Length);
        writer.WriteBytes(Reason);
    }
}
