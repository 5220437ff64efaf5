using PacketSec.Protocol.Streams;
using PacketSec.Protocol.Streams.Frames;
using static PacketSec.Core.Tests.Streams.ConnectionPair;

namespace PacketSec.Core.Tests.Streams;

/// <summary>Figures at their limits, and what one kind of traffic leaves of them for another.</summary>
public sealed class ConnectionLimitTests
{
    //= spec/streams.md#stream-memory
    [Fact]
    public void Bytes_of_a_stream_that_both_sides_give_up_are_credited_once()
    {
        const int Window = 64 * 1024;
        var pair = new ConnectionPair(new() { StreamWindow = Window, ConnectionWindow = 2 * Window, MaxConnectionWindow = 2 * Window }).Greeted();
        pair.Deliver(pair.Odd, Packet(90, Bytes(new ResetStreamFrame(2, 1, Window))));
        var given = Events(pair.Odd).Single(what => what.Kind == StreamEventKind.StreamOpened).Stream!;
        pair.Odd.StopSending(pair.Now, given, 0);
        Assert.Equal(0, pair.Odd.StreamCount);

        Assert.Equal(PacketVerdict.Processed, pair.Deliver(pair.Odd, Packet(91, Bytes(new StreamFrame(0, Window - 1, "x"u8, false)))));
        Assert.Equal(PacketVerdict.Processed, pair.Deliver(pair.Odd, Packet(92, Bytes(new StreamFrame(4, Window - 1, "x"u8, false)))));
        Assert.Equal(PacketVerdict.Violation, pair.Deliver(pair.Odd, Packet(93, Bytes(new StreamFrame(8, 0, "x"u8, false)))));
        Assert.Equal((long)StreamError.FlowControl, pair.Odd.CloseCode);
    }

    //= spec/streams.md#stream-memory
    [Fact]
    public void A_direction_that_has_ended_holds_no_memory_while_the_other_goes_on()
    {
        var pair = new ConnectionPair().Greeted();
        var stream = pair.Even.TryOpen(bidirectional: true)!;
        pair.Even.Write(stream, new byte[100_000]);
        pair.Even.Finish(stream);
        pair.Exchange();
        var other = Events(pair.Odd).Single(what => what.Kind == StreamEventKind.StreamOpened).Stream!;
        Assert.Equal(100_000, pair.ReadAll(pair.Odd, other, out var ended).Length);
        Assert.True(ended);
        Assert.Equal((1, 1), (pair.Even.StreamCount, pair.Odd.StreamCount));
        Assert.Equal((0, 0), (stream.Send!.BufferedCapacity, other.Receive!.BufferedCapacity));
    }

    //= spec/streams.md#idle-timeout
    [Theory]
    [InlineData(QuicVarint.MaxValue)]
    [InlineData(QuicVarint.MaxValue / 2)]
    [InlineData(long.MaxValue / 1_000_000)]
    public void An_idle_timeout_longer_than_time_lasts_never_comes(long milliseconds)
    {
        var pair = new ConnectionPair(new() { IdleTimeout = TimeSpan.Zero });
        var hello = Hello(new(7), Incarnation.None, TransportParameters.Minimum with { IdleTimeoutMilliseconds = milliseconds });
        Assert.Equal(PacketVerdict.Processed, pair.Deliver(pair.Odd, Packet(0, hello)));
        pair.BuildAll(pair.Odd);
        pair.Pass(TimeSpan.FromDays(1000));
        pair.Odd.HandleTimeout(pair.Now);
        Assert.Equal(ConnectionState.Open, pair.Odd.State);
    }

    //= spec/streams.md#stream-count
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_peer_that_has_opened_all_that_it_may_is_told_of_the_first_place_that_becomes_free(bool allOpenedBefore)
    {
        var pair = new ConnectionPair(new() { MaxStreamsUnidirectional = 64 }).Greeted();
        var streams = Enumerable.Range(0, allOpenedBefore ? 64 : 63).Select(_ => pair.Even.TryOpen(bidirectional: false)!).ToList();
        streams.ForEach(stream => pair.Even.Write(stream, "x"u8));
        pair.Even.Finish(streams[0]);
        pair.Exchange();
        var first = Events(pair.Odd).First(what => what.Kind == StreamEventKind.StreamOpened).Stream!;
        pair.ReadAll(pair.Odd, first, out _);
        pair.Exchange();
        if (!allOpenedBefore)
        {
            pair.Even.Write(pair.Even.TryOpen(bidirectional: false)!, "x"u8);
            pair.Exchange();
        }

        Assert.NotNull(pair.Even.TryOpen(bidirectional: false));
        Assert.Null(pair.Even.TryOpen(bidirectional: false));
    }

    // The longest acknowledgement leaves too little of a packet for the longest datagram.
    [Fact]
    public void A_datagram_that_does_not_fit_beside_an_acknowledgement_does_not_wait_for_it_to_be_due()
    {
        var pair = new ConnectionPair().Greeted();
        for (var i = 0; i < 63; i++)
        {
            pair.Deliver(pair.Odd, Packet(1000 + (200 * i), Bytes(new PingFrame())));
        }

        pair.BuildAll(pair.Odd);
        pair.Deliver(pair.Odd, Packet(1000 + (200 * 62) + 1, Bytes(new PingFrame())));
        Assert.Null(pair.Build(pair.Odd));
        Assert.Equal(DatagramResult.Queued, pair.Odd.SendDatagram(new byte[pair.Odd.MaxDatagramPayload]));
        Assert.Equal([FrameType.Ack], Types(pair.Build(pair.Odd)!));
        Assert.Equal([FrameType.DatagramWithLength], Types(pair.Build(pair.Odd)!));
        Assert.Null(pair.Build(pair.Odd));
    }

    //= spec/streams.md#datagram-turns
    [Fact]
    public void Datagrams_leave_every_second_packet_to_streams_that_wait()
    {
        var pair = new ConnectionPair().Greeted();
        var stream = pair.Even.TryOpen(bidirectional: false)!;
        pair.Even.Write(stream, new byte[100_000]);
        while (pair.Even.SendDatagram(new byte[pair.Even.MaxDatagramPayload]) == DatagramResult.Queued)
        {
            // As many as there is room for.
        }

        var packets = pair.BuildAll(pair.Even);
        Assert.InRange(packets.Count, 6, 20);
        var datagrams = packets.Select(packet => Types(packet).Contains(FrameType.DatagramWithLength)).ToList();
        for (var i = 0; i < packets.Count; i++)
        {
            Assert.Equal(i % 2 == 0, datagrams[i]);
        }
    }

    //= spec/streams.md#datagram-turns
    [Fact]
    public void Datagrams_go_first_while_no_bytes_of_streams_wait_for_them()
    {
        var pair = new ConnectionPair().Greeted();
        var stream = pair.Even.TryOpen(bidirectional: false)!;
        for (var i = 0; i < 5; i++)
        {
            pair.Even.Write(stream, new byte[100]);
            pair.Even.SendDatagram(new byte[1000]);
            Assert.Equal([FrameType.DatagramWithLength, FrameType.Stream], Types(pair.Build(pair.Even)!).Select(StreamAsOne));
        }
    }

    [Fact]
    public void An_end_needs_no_credit_and_asks_for_a_session()
    {
        var pair = new ConnectionPair().Greeted();
        var streams = Enumerable.Range(0, 3).Select(_ => pair.Even.TryOpen(bidirectional: false)!).ToList();
        pair.Even.Write(streams[2], "x"u8);
        pair.Exchange();
        pair.Even.Write(streams[0], new byte[256 * 1024]);
        pair.Even.Write(streams[1], new byte[256 * 1024]);
        pair.Exchange();
        Assert.False(pair.Even.WantsToSend);
        pair.Even.Block();
        pair.Even.Finish(streams[2]);
        Assert.True(pair.Even.WantsToSend);
        pair.Use(pair.Even, 1);
        Assert.Contains(FrameType.Stream, Types(pair.Build(pair.Even)!).Select(StreamAsOne));
    }

    private static byte StreamAsOne(byte type) => type is >= FrameType.Stream and <= FrameType.StreamLast ? FrameType.Stream : type;
}
