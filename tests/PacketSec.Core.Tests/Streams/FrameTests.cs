using PacketSec.Protocol.Streams.Frames;
using PacketSec.Protocol.Wire;

namespace PacketSec.Core.Tests.Streams;

public sealed class FrameTests
{
    /// <summary>A frame's name and its bytes, laid out by hand after RFC 9000 section 19, RFC 9221 section 4 and the specification.</summary>
    public static TheoryData<string, string> Samples => new()
    {
        { "padding", "00000000" },
        { "ping", "01" },
        { "ack", "020a000005" },
        { "ack", "0240640a020501020103" },
        { "reset", "04044101" + "7bbd" },
        { "stop", "050825" },
        { "stream", "0a0403616263" },
        { "stream", "0f0841000161" },
        { "stream", "0b0400" },
        { "max-data", "1080010000" },
        { "max-stream-data", "11047fff" },
        { "max-streams", "1225" },
        { "max-streams", "1325" },
        { "data-blocked", "1425" },
        { "stream-data-blocked", "150425" },
        { "streams-blocked", "1601" },
        { "streams-blocked", "1701" },
        { "close", "1c0a0803627965" },
        { "close", "1d0a03627965" },
        { "datagram", "3103616263" },
        { "hello", "3f0120" + "000102030405060708090a0b0c0d0e0f" + "101112131415161718191a1b1c1d1e1f" },
    };

    //= spec/streams.md#frame-strict
    //= rfc9000#section-19
    [Theory]
    [MemberData(nameof(Samples))]
    public void A_frame_reads_and_writes_the_same_and_each_shorter_piece_is_refused(string name, string hex)
    {
        var bytes = Convert.FromHexString(hex);
        Assert.Equal(name == "hello" ? HelloWithParameters(bytes) : hex, Convert.ToHexStringLower(Rewrite(bytes)!));
        for (var length = 1; length < bytes.Length && name != "padding"; length++)
        {
            Assert.Null(Rewrite(bytes[..length]));
        }
    }

    //= spec/streams.md#frame-strict
    [Theory]
    [MemberData(nameof(Samples))]
    public void A_changed_frame_is_refused_or_reads_back_as_it_was_written(string name, string hex)
    {
        var original = Convert.FromHexString(hex);
        Assert.NotEmpty(name);
        for (var at = 0; at < original.Length; at++)
        {
            for (var value = 0; value < 256; value++)
            {
                var bytes = (byte[])original.Clone();
                bytes[at] = (byte)value;
                if (Rewrite(bytes) is { } written)
                {
                    Assert.Equal(written, Rewrite(written));
                }
            }
        }
    }

    [Theory]
    [InlineData("0204000005")]
    [InlineData("020a00010500")]
    [InlineData("020a0001050301")]
    [InlineData("020a0001050400")]
    [InlineData("020a00ffffffffffffffff05")]
    public void Ranges_that_reach_below_zero_or_beyond_the_packet_are_refused(string hex)
        => Assert.Null(Rewrite(Convert.FromHexString(hex)));

    [Fact]
    public void The_lowest_range_may_end_at_packet_0()
    {
        var reader = new WireReader(Convert.FromHexString("0a0001050201"));
        Assert.True(AckFrame.TryRead(FrameType.Ack, ref reader, out var frame));
        var ranges = new List<(long, long)>();
        foreach (var range in frame)
        {
            ranges.Add((range.First, range.Last));
        }

        Assert.Equal([(5, 10), (0, 1)], ranges);
    }

    [Theory]
    [InlineData("0effffffffffffffff0000", true)]
    [InlineData("0e00ffffffffffffffff00", true)]
    [InlineData("0e00ffffffffffffffff0161", false)]
    [InlineData("0a00ffffffffffffffff", false)]
    [InlineData("12d000000000000000", true)]
    [InlineData("12d000000000000001", false)]
    [InlineData("17d000000000000001", false)]
    [InlineData("31ffffffffffffffff", false)]
    [InlineData("1d00ffffffffffffffff", false)]
    public void A_stream_ends_at_2_to_the_62_and_there_are_2_to_the_60_of_them(string hex, bool valid)
    {
        var bytes = Convert.FromHexString(hex);
        Assert.Equal(valid, Rewrite(bytes) is not null);
    }

    [Fact]
    public void Frames_without_a_length_take_the_rest_of_the_packet()
    {
        Assert.Equal("0a0403616263", Convert.ToHexStringLower(Rewrite(Convert.FromHexString("0804616263"))!));
        Assert.Equal("3103616263", Convert.ToHexStringLower(Rewrite(Convert.FromHexString("30616263"))!));
    }

    //= spec/streams.md#hello-layout
    //= spec/streams.md#hello-parameters
    [Fact]
    public void A_hello_tells_both_incarnations_and_what_is_allowed()
    {
        var parameters = new TransportParameters(30_000, 1 << 20, 1 << 18, 100, 3, 1200);
        var hello = new HelloFrame(1, new(1), new(2), parameters);
        var bytes = new byte[hello.EncodedLength];
        var writer = new WireWriter(bytes);
        hello.WriteTo(ref writer);

        Assert.Equal(bytes.Length, writer.Length);
        Assert.Equal(
            "3f013d" + "00000000000000000000000000000001" + "00000000000000000000000000000002"
            + "010480007530" + "040480100000" + "050480040000" + "08024064" + "090103" + "200244b0",
            Convert.ToHexStringLower(bytes));
        Assert.True(ReadHello(bytes, out var read));
        Assert.Equal(hello, read);
    }

    //= spec/streams.md#hello-parameters
    [Theory]
    [InlineData("", true)]
    [InlineData("7abc020000", true)]
    [InlineData("040480010000", true)]
    [InlineData("04048000ffff", false)]
    [InlineData("040480010000" + "040480010000", false)]
    [InlineData("0401", false)]
    [InlineData("0405800100000000", false)]
    [InlineData("0400", false)]
    [InlineData("080100", false)]
    [InlineData("080101", true)]
    [InlineData("0808d000000000000001", false)]
    [InlineData("2002444b", false)]
    [InlineData("2002444c", true)]
    public void Unknown_parameters_are_skipped_and_known_ones_come_once_whole_and_allow_the_minimum(string parameters, bool valid)
    {
        var body = Convert.FromHexString("000102030405060708090a0b0c0d0e0f" + "00000000000000000000000000000000" + parameters);
        Assert.Equal(valid, ReadHello([FrameType.Hello, 1, (byte)body.Length, .. body], out _));
    }

    //= spec/streams.md#hello-version
    [Fact]
    public void Of_another_version_only_the_number_is_read()
    {
        Assert.True(ReadHello([FrameType.Hello, 2, 3, 1, 2, 3], out var hello));
        Assert.Equal(2, hello.Version);
        Assert.False(ReadHello([FrameType.Hello, 2, 4, 1, 2, 3], out _));
    }

    [Fact]
    public void Nobody_has_the_incarnation_of_zeros()
        => Assert.False(ReadHello([FrameType.Hello, 1, 32, .. new byte[16], .. Enumerable.Repeat((byte)1, 16)], out _));

    private static bool ReadHello(ReadOnlySpan<byte> bytes, out HelloFrame frame)
    {
        var reader = new WireReader(bytes[1..]);
        return HelloFrame.TryRead(FrameType.Hello, ref reader, out frame) && reader.IsAtEnd;
    }

    // Parameters that are not there are written with the minimum's values.
    private static string HelloWithParameters(byte[] bytes)
    {
        Assert.True(ReadHello(bytes, out var frame));
        var written = new byte[frame.EncodedLength];
        var writer = new WireWriter(written);
        frame.WriteTo(ref writer);
        Assert.Equal(TransportParameters.Minimum, frame.Parameters);
        return Convert.ToHexStringLower(written);
    }

    /// <summary>Reads one frame that takes all the bytes and writes it again; null when it is refused.</summary>
    private static byte[]? Rewrite(byte[] bytes) => bytes[0] switch
    {
        FrameType.Padding => Rewrite<PaddingFrame>(bytes),
        FrameType.Ping => Rewrite<PingFrame>(bytes),
        FrameType.Ack => Rewrite<AckFrame>(bytes),
        FrameType.ResetStream => Rewrite<ResetStreamFrame>(bytes),
        FrameType.StopSending => Rewrite<StopSendingFrame>(bytes),
        >= FrameType.Stream and <= FrameType.StreamLast => Rewrite<StreamFrame>(bytes),
        FrameType.MaxData => Rewrite<MaxDataFrame>(bytes),
        FrameType.MaxStreamData => Rewrite<MaxStreamDataFrame>(bytes),
        FrameType.MaxStreamsBidirectional or FrameType.MaxStreamsUnidirectional => Rewrite<MaxStreamsFrame>(bytes),
        FrameType.DataBlocked => Rewrite<DataBlockedFrame>(bytes),
        FrameType.StreamDataBlocked => Rewrite<StreamDataBlockedFrame>(bytes),
        FrameType.StreamsBlockedBidirectional or FrameType.StreamsBlockedUnidirectional => Rewrite<StreamsBlockedFrame>(bytes),
        FrameType.ConnectionClose or FrameType.ApplicationClose => Rewrite<ConnectionCloseFrame>(bytes),
        FrameType.Datagram or FrameType.DatagramWithLength => Rewrite<DatagramFrame>(bytes),
        FrameType.Hello => Rewrite<HelloFrame>(bytes),
        _ => null,
    };

    private static byte[]? Rewrite<TFrame>(byte[] bytes)
        where TFrame : struct, IFrame<TFrame>, allows ref struct
    {
        var reader = new WireReader(bytes.AsSpan(1));
        if (!TFrame.TryRead(bytes[0], ref reader, out var frame) || !reader.IsAtEnd)
        {
            return null;
        }

        var written = new byte[frame.EncodedLength];
        var writer = new WireWriter(written);
        frame.WriteTo(ref writer);
        Assert.Equal(written.Length, writer.Length);
        return written;
    }
}
