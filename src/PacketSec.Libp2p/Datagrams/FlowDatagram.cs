using PacketSec.Protocol.Streams.Frames;
using PacketSec.Protocol.Wire;

namespace PacketSec.Libp2p.Datagrams;

/// <summary>A datagram of a flow: the number of its control stream as a varint of RFC 9000, then the payload.</summary>
internal static class FlowDatagram
{
    /// <summary>Reads a datagram.</summary>
    /// <param name="datagram">All of it.</param>
    /// <param name="flow">The number of the control stream.</param>
    /// <param name="payload">A view of the payload.</param>
    /// <returns>False when the datagram ends inside the number.</returns>
    //= spec/libp2p.md#flow-datagram
    public static bool TryRead(ReadOnlySpan<byte> datagram, out long flow, out ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(datagram);
        var valid = reader.TryReadQuicVarint(out flow);
        payload = valid ? reader.ReadRest() : default;
        return valid;
    }

    /// <summary>Returns how many bytes stand before the payload.</summary>
    /// <param name="flow">The number of the control stream.</param>
    public static int Overhead(long flow) => QuicVarint.Length(flow);

    /// <summary>Writes a datagram.</summary>
    /// <param name="destination">Room for <see cref="Overhead"/> and the payload.</param>
    /// <param name="flow">The number of the control stream.</param>
    /// <param name="payload">The payload.</param>
    public static void Write(Span<byte> destination, long flow, ReadOnlySpan<byte> payload)
    {
        var writer = new WireWriter(destination);
        writer.WriteQuicVarint(flow);
        writer.WriteBytes(payload);
    }
}
