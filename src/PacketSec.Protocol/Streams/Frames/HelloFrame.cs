using System.Buffers.Binary;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>Says who speaks, to whom, and what it lets the other do.</summary>
/// <param name="Version">The version of what follows; only <see cref="CurrentVersion"/> is read further.</param>
/// <param name="Own">The sender's incarnation.</param>
/// <param name="Believed">The incarnation that the sender believes the receiver to have, or <see cref="Incarnation.None"/>.</param>
/// <param name="Parameters">What the sender lets the receiver do.</param>
internal readonly record struct HelloFrame(long Version, Incarnation Own, Incarnation Believed, TransportParameters Parameters) : IFrame<HelloFrame>
{
    public const long CurrentVersion = 1;

    /// <summary>The longest HELLO that this side sends, whatever its options.</summary>
    public const int MaxLength = 68;

    public int EncodedLength
    {
        get
        {
            var body = BodyLength;
            return 1 + QuicVarint.Length(Version) + QuicVarint.Length(body) + body;
        }
    }

    private int BodyLength => (2 * Incarnation.Size) + Parameters.EncodedLength;

    //= spec/streams.md#hello-layout
    public static bool TryRead(byte type, scoped ref WireReader reader, out HelloFrame frame)
    {
        frame = default;
        if (!reader.TryReadQuicVarint(out var version) || !reader.TryReadQuicVarint(out var length) || length > reader.Remaining
            || !reader.TryReadBytes((int)length, out var bytes))
        {
            return false;
        }

        if (version != CurrentVersion)
        {
            frame = new(version, Incarnation.None, Incarnation.None, TransportParameters.Minimum);
            return true;
        }

        var body = new WireReader(bytes);
        if (!body.TryReadBytes(Incarnation.Size, out var own) || !body.TryReadBytes(Incarnation.Size, out var believed)
            || !TransportParameters.TryRead(ref body, out var parameters))
        {
            return false;
        }

        frame = new(
            version, new(BinaryPrimitives.ReadUInt128BigEndian(own)), new(BinaryPrimitives.ReadUInt128BigEndian(believed)), parameters);
        return frame.Own != Incarnation.None;
    }

    public void WriteTo(ref WireWriter writer)
    {
        writer.WriteByte(FrameType.Hello);
        writer.WriteQuicVarint(Version);
        writer.WriteQuicVarint(BodyLength);
        BinaryPrimitives.WriteUInt128BigEndian(writer.Take(Incarnation.Size), Own.Value);
        BinaryPrimitives.WriteUInt128BigEndian(writer.Take(Incarnation.Size), Believed.Value);
        Parameters.WriteTo(ref writer);
    }
}
