using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>An unreliable datagram; a view of its bytes.</summary>
//= rfc9221#section-4
internal readonly ref struct DatagramFrame : IFrame<DatagramFrame>
{
    /// <summary>Creates a frame that says its length.</summary>
    public DatagramFrame(ReadOnlySpan<byte> data) => Data = data;

    public ReadOnlySpan<byte> Data { get; }

    public int EncodedLength => Overhead(Data.Length) + Data.Length;

    /// <summary>Returns how many bytes stand before the data.</summary>
    public static int Overhead(int length) => 1 + QuicVarint.Length(length);

    public static bool TryRead(byte type, scoped ref WireReader reader, out DatagramFrame frame)
    {
        ReadOnlySpan<byte> data;
        if (type == FrameType.Datagram)
        {
            data = reader.ReadRest();
        }
        else if (!reader.TryReadQuicVarint(out var length) || length > reader.Remaining || !reader.TryReadBytes((int)length, out data))
        {
            frame = default;
            return false;
        }

        frame = new(data);
        return true;
    }

    public void WriteTo(ref WireWriter writer)
    {
        writer.WriteByte(FrameType.DatagramWithLength);
        writer.WriteQuicVarint(Data.Length);
        writer.WriteBytes(Data);
    }
}
