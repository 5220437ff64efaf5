using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>What a side lets the other do. The numbers of the parameters are those of RFC 9000 and RFC 9221.</summary>
/// <param name="IdleTimeoutMilliseconds">After which silence the sender gives the connection up; 0 = never.</param>
/// <param name="MaxData">The bytes that the receiver may send on all streams together.</param>
/// <param name="MaxStreamData">The bytes that the receiver may send on each stream.</param>
/// <param name="MaxStreamsBidirectional">The streams of both directions that the receiver may open.</param>
/// <param name="MaxStreamsUnidirectional">The streams of one direction that the receiver may open.</param>
/// <param name="MaxDatagramSize">The largest datagram that the sender takes, in bytes of payload.</param>
//= rfc9000#section-18
internal readonly record struct TransportParameters(
    long IdleTimeoutMilliseconds, long MaxData, long MaxStreamData, long MaxStreamsBidirectional, long MaxStreamsUnidirectional, long MaxDatagramSize)
{
    private const int Count = 6;

    /// <summary>Gets what holds before the peer's HELLO; no HELLO may allow less.</summary>
    //= spec/streams.md#before-hello
    public static TransportParameters Minimum { get; } = new(0, 64 * 1024, 64 * 1024, 1, 0, 1100);

    public int EncodedLength
    {
        get
        {
            var length = 0;
            for (var i = 0; i < Count; i++)
            {
                length += 2 + QuicVarint.Length(Value(i));
            }

            return length;
        }
    }

    /// <summary>Reads parameters up to the end of the bytes. Unknown ones are skipped; known ones come once and allow the minimum.</summary>
    //= spec/streams.md#hello-parameters
    public static bool TryRead(scoped ref WireReader reader, out TransportParameters parameters)
    {
        parameters = Minimum;
        Span<long> values = stackalloc long[Count];
        var seen = 0;
        for (var i = 0; i < Count; i++)
        {
            values[i] = Minimum.Value(i);
        }

        while (!reader.IsAtEnd)
        {
            if (!reader.TryReadQuicVarint(out var id) || !reader.TryReadQuicVarint(out var length) || length > reader.Remaining
                || !reader.TryReadBytes((int)length, out var bytes))
            {
                return false;
            }

            var index = IndexOf(id);
            if (index < 0)
            {
                continue;
            }

            var value = new WireReader(bytes);
            if ((seen & (1 << index)) != 0 || !value.TryReadQuicVarint(out values[index]) || !value.IsAtEnd
                || values[index] < Minimum.Value(index))
            {
                return false;
            }

            seen |= 1 << index;
        }

        parameters = new(values[0], values[1], values[2], values[3], values[4], values[5]);
        return parameters.MaxStreamsBidirectional <= StreamId.MaxCount && parameters.MaxStreamsUnidirectional <= StreamId.MaxCount;
    }

    public void WriteTo(ref WireWriter writer)
    {
        for (var i = 0; i < Count; i++)
        {
            writer.WriteQuicVarint(Id(i));
            writer.WriteQuicVarint(QuicVarint.Length(Value(i)));
            writer.WriteQuicVarint(Value(i));
        }
    }

    private static int IndexOf(long id) => id switch { 0x01 => 0, 0x04 => 1, 0x05 => 2, 0x08 => 3, 0x09 => 4, 0x20 => 5, _ => -1 };

    private static long Id(int index) => index switch { 0 => 0x01, 1 => 0x04, 2 => 0x05, 3 => 0x08, 4 => 0x09, _ => 0x20 };

    private long Value(int index) => index switch
    {
        0 => IdleTimeoutMilliseconds,
        1 => MaxData,
        2 => MaxStreamData,
        3 => MaxStreamsBidirectional,
        4 => MaxStreamsUnidirectional,
        _ => MaxDatagramSize,
    };
}
