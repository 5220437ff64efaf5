using PacketSec.Protocol.Streams;
using PacketSec.Protocol.Streams.Frames;
using static PacketSec.Core.Tests.Streams.ConnectionPair;

namespace PacketSec.Core.Tests.Streams;

public sealed class ConnectionStreamTests
{
    private readonly ConnectionPair _pair = new ConnectionPair().Greeted();

    [Fact]
    public void Both_directions_of_a_stream_carry_bytes_and_end()
    {
        var stream = _pair.Even.TryOpen(bidirectional: true)!;
        Assert.Equal(0, stream.Id);
        _pair.Even.Write(stream, "question"u8);
        _pair.Even.Finish(stream);
        _pair.Exchange();

        var events = Events(_pair.Odd);
        Assert.Equal([StreamEventKind.StreamOpened, StreamEventKind.Readable], events.Select(what => what.Kind));
        var other = events[0].Stream!;
        Assert.Equal("question"u8.ToArray(), _pair.ReadAll(_pair.Odd, other, out var ended));
        Assert.True(ended);
        _pair.Odd.Write(other, "answer"u8);
        _pair.Odd.Finish(other);
        _pair.Exchange();
        Assert.Equal("answer"u8.ToArray(), _pair.ReadAll(_pair.Even, stream, out ended));
        Assert.True(ended);
        Assert.Equal((0, 0), (_pair.Even.StreamCount, _pair.Odd.StreamCount));
        Assert.Contains(Events(_pair.Even), what => what.Kind == StreamEventKind.StreamOver && what.Stream == stream);
        Assert.Throws<InvalidOperationException>(() => _pair.Even.Write(stream, "more"u8));
    }

    //= rfc9000#section-2.1
    [Fact]
    public void Numbers_tell_who_opened_a_stream_and_its_directions()
    {
        Assert.Equal([0L, 4], [_pair.Even.TryOpen(true)!.Id, _pair.Even.TryOpen(true)!.Id]);
        Assert.Equal([2L, 6], [_pair.Even.TryOpen(false)!.Id, _pair.Even.TryOpen(false)!.Id]);
        Assert.Equal([1L, 3], [_pair.Odd.TryOpen(true)!.Id, _pair.Odd.TryOpen(false)!.Id]);
    }

    //= rfc9000#section-3.2
    [Fact]
    public void A_stream_opens_all_before_it()
    {
        _pair.Deliver(_pair.Odd, Packet(90, Bytes(new StreamFrame(8, 0, "x"u8, false))));
        Assert.Equal(
            [0L, 4, 8],
            Events(_pair.Odd).Where(what => what.Kind == StreamEventKind.StreamOpened).Select(what => what.Stream!.Id));
    }

    //= spec/streams.md#stream-limit-error
    //= rfc9000#section-4.6
    [Theory]
    [InlineData("stream 4092", nameof(StreamError.None))]
    [InlineData("stream 4096", nameof(StreamError.StreamLimit))]
    [InlineData("reset 4096", nameof(StreamError.StreamLimit))]
    [InlineData("stream 254", nameof(StreamError.None))]
    [InlineData("stream 258", nameof(StreamError.StreamLimit))]
    [InlineData("stream 1", nameof(StreamError.StreamState))]
    [InlineData("stream 3", nameof(StreamError.StreamState))]
    [InlineData("stop 1", nameof(StreamError.StreamState))]
    [InlineData("stop 2", nameof(StreamError.StreamState))]
    [InlineData("stop 0", nameof(StreamError.None))]
    [InlineData("max 2", nameof(StreamError.StreamState))]
    [InlineData("max 1", nameof(StreamError.StreamState))]
    [InlineData("max 0", nameof(StreamError.None))]
    [InlineData("blocked 3", nameof(StreamError.StreamState))]
    [InlineData("blocked 0", nameof(StreamError.None))]
    public void A_stream_beyond_the_limit_or_of_the_wrong_kind_closes_the_connection(string what, string expected)
    {
        var parts = what.Split(' ');
        var id = long.Parse(parts[1]);
        var frame = parts[0] switch
        {
            "stream" => Bytes(new StreamFrame(id, 0, "x"u8, false)),
            "reset" => Bytes(new ResetStreamFrame(id, 0, 0)),
            "stop" => Bytes(new StopSendingFrame(id, 0)),
            "max" => Bytes(new MaxStreamDataFrame(id, 100)),
            _ => Bytes(new StreamDataBlockedFrame(id, 100)),
        };
        AssertVerdict(Enum.Parse<StreamError>(expected), _pair.Deliver(_pair.Odd, Packet(90, frame)));
    }

    //= spec/streams.md#flow-control-error
    //= rfc9000#section-4.1
    [Fact]
    public void A_peer_that_ignores_a_streams_limit_is_closed()
    {
        AssertVerdict(StreamError.None, _pair.Deliver(_pair.Odd, Packet(90, Bytes(new StreamFrame(0, (256 * 1024) - 1, "x"u8, false)))));
        AssertVerdict(StreamError.FlowControl, _pair.Deliver(_pair.Odd, Packet(91, Bytes(new StreamFrame(0, 256 * 1024, "x"u8, false)))));
        var close = _pair.Build(_pair.Odd)!;
        Assert.Contains(FrameType.ConnectionClose, Types(close));
        _pair.Deliver(_pair.Even, close);
        Assert.Equal((CloseCause.Peer, (long)StreamError.FlowControl, false), (_pair.Even.Cause, _pair.Even.CloseCode, _pair.Even.ClosedByApplication));
        Assert.Equal("More was sent than permitted.", _pair.Even.CloseReason);
    }

    //= spec/streams.md#flow-control-error
    [Fact]
    public void A_peer_that_ignores_the_connections_limit_is_closed()
    {
        AssertVerdict(StreamError.None, _pair.Deliver(_pair.Odd, Packet(90, Bytes(new StreamFrame(0, (256 * 1024) - 1, "x"u8, false)))));
        AssertVerdict(StreamError.None, _pair.Deliver(_pair.Odd, Packet(91, Bytes(new StreamFrame(4, (256 * 1024) - 1, "x"u8, false)))));
        AssertVerdict(StreamError.FlowControl, _pair.Deliver(_pair.Odd, Packet(92, Bytes(new StreamFrame(8, 0, "x"u8, false)))));
    }

    //= spec/streams.md#flow-control-error
    [Theory]
    [InlineData(256 * 1024, nameof(StreamError.None))]
    [InlineData((256 * 1024) + 1, nameof(StreamError.FlowControl))]
    public void A_stream_that_is_given_up_counts_to_its_final_size(long size, string expected)
        => AssertVerdict(Enum.Parse<StreamError>(expected), _pair.Deliver(_pair.Odd, Packet(90, Bytes(new ResetStreamFrame(0, 1, size)))));

    //= spec/streams.md#final-size-error
    [Fact]
    public void An_end_that_moves_closes_the_connection()
    {
        AssertVerdict(StreamError.None, _pair.Deliver(_pair.Odd, Packet(90, Bytes(new StreamFrame(0, 10, "x"u8, true)))));
        AssertVerdict(StreamError.None, _pair.Deliver(_pair.Odd, Packet(91, Bytes(new ResetStreamFrame(0, 1, 11)))));
        AssertVerdict(StreamError.FinalSize, _pair.Deliver(_pair.Odd, Packet(92, Bytes(new ResetStreamFrame(0, 1, 12)))));
    }

    //= spec/streams.md#final-size-error
    [Fact]
    public void Data_behind_the_end_close_the_connection()
    {
        _pair.Deliver(_pair.Odd, Packet(90, Bytes(new StreamFrame(0, 10, "x"u8, true))));
        AssertVerdict(StreamError.FinalSize, _pair.Deliver(_pair.Odd, Packet(91, Bytes(new StreamFrame(0, 11, "x"u8, false)))));
    }

    //= spec/streams.md#gap-bound
    [Fact]
    public void A_packet_that_leaves_too_many_gaps_is_not_acknowledged()
    {
        for (var i = 1; i <= 256; i++)
        {
            Assert.Equal(PacketVerdict.Processed, _pair.Deliver(_pair.Odd, Packet(90 + i, Bytes(new StreamFrame(0, 2 * i, "x"u8, false)))));
        }

        _pair.BuildAll(_pair.Odd);
        Assert.Equal(PacketVerdict.TooManyGaps, _pair.Deliver(_pair.Odd, Packet(400, Bytes(new StreamFrame(0, 1000, "x"u8, false)))));
        Assert.Empty(_pair.BuildAll(_pair.Odd));
        Assert.Equal(PacketVerdict.Processed, _pair.Deliver(_pair.Odd, Packet(401, Bytes(new StreamFrame(0, 0, "xx"u8, false)))));
        Assert.Equal(PacketVerdict.Processed, _pair.Deliver(_pair.Odd, Packet(402, Bytes(new StreamFrame(0, 1000, "x"u8, false)))));
    }

    //= spec/streams.md#stream-memory
    [Fact]
    public void A_reader_that_stalls_stops_the_sender_at_the_window_and_lets_it_go_on_when_it_reads()
    {
        var stream = _pair.Even.TryOpen(bidirectional: true)!;
        _pair.Even.Write(stream, new byte[1_000_000]);
        _pair.Exchange();
        var other = Events(_pair.Odd)[0].Stream!;
        Assert.Equal((256 * 1024, 256 * 1024, 256 * 1024), ((int)stream.Send!.SentTo, (int)other.Receive!.Readable, other.Receive.BufferedCapacity));
        Assert.True(stream.Send.IsBlocked);

        var read = 0;
        while (read < 1_000_000)
        {
            var count = _pair.ReadAll(_pair.Odd, other, out _).Length;
            Assert.NotEqual(0, count);
            read += count;
            Assert.InRange(other.Receive.BufferedCapacity, 1, (int)other.Receive.Window.Size);
            _pair.Exchange();
        }
    }

    //= spec/streams.md#stream-memory
    [Fact]
    public void Many_stalled_streams_hold_no_more_than_the_connections_window()
    {
        var sent = 0L;
        var streams = Enumerable.Range(0, 10).Select(i => _pair.Even.TryOpen(bidirectional: true)!).ToList();
        streams.ForEach(stream => _pair.Even.Write(stream, new byte[200_000]));
        _pair.Exchange();
        streams.ForEach(stream => sent += stream.Send!.SentTo);
        Assert.Equal(512 * 1024, sent);
        var received = Events(_pair.Odd).Where(what => what.Kind == StreamEventKind.StreamOpened).Select(what => what.Stream!).ToList();
        Assert.Equal(10, received.Count);
        received.ForEach(stream => _pair.ReadAll(_pair.Odd, stream, out _));
        _pair.Exchange();
        Assert.True(streams.Sum(stream => stream.Send!.SentTo) > sent);
    }

    //= spec/streams.md#window-tuning
    [Fact]
    public void The_peer_is_told_of_a_new_limit_when_half_of_the_window_is_read_and_not_before()
    {
        var stream = _pair.Even.TryOpen(bidirectional: true)!;
        _pair.Even.Write(stream, new byte[200_000]);
        _pair.Exchange();
        var other = Events(_pair.Odd)[0].Stream!;
        _pair.Odd.Read(_pair.Now, other, new byte[(128 * 1024) - 1], out _);
        Assert.Null(_pair.Build(_pair.Odd));
        _pair.Odd.Read(_pair.Now, other, new byte[1], out _);
        Assert.Equal([FrameType.MaxStreamData], Types(_pair.Build(_pair.Odd)!));
        _pair.Odd.Read(_pair.Now, other, new byte[1], out _);
        Assert.Null(_pair.Build(_pair.Odd));
    }

    //= spec/streams.md#stream-count
    [Fact]
    public void Streams_that_are_over_make_room_for_new_ones()
    {
        var pair = new ConnectionPair(new() { MaxStreamsBidirectional = 2 }).Greeted();
        for (var round = 0; round < 50; round++)
        {
            var stream = pair.Even.TryOpen(bidirectional: true)!;
            Assert.NotNull(stream);
            pair.Even.Finish(stream);
            pair.Exchange();
            var other = Events(pair.Odd).Single(what => what.Kind == StreamEventKind.StreamOpened).Stream!;
            pair.Odd.Finish(other);
            pair.ReadAll(pair.Odd, other, out _);
            pair.Exchange();
            pair.ReadAll(pair.Even, stream, out _);
        }

        Assert.NotNull(pair.Even.TryOpen(true));
        Assert.NotNull(pair.Even.TryOpen(true));
        Assert.Null(pair.Even.TryOpen(true));
        Assert.Equal([FrameType.StreamsBlockedBidirectional], Types(pair.Build(pair.Even)!).Where(type => type != FrameType.Ack));
    }

    [Fact]
    public void A_stream_that_its_sender_gives_up_is_over_and_its_bytes_are_credited()
    {
        var stream = _pair.Even.TryOpen(bidirectional: false)!;
        _pair.Even.Write(stream, new byte[100_000]);
        _pair.Exchange();
        var other = Events(_pair.Odd)[0].Stream!;
        _pair.Even.Reset(stream, 7);
        _pair.Exchange();
        Assert.Equal(7, other.Receive!.ResetCode);
        Assert.Empty(_pair.ReadAll(_pair.Odd, other, out var ended));
        Assert.True(ended);
        Assert.Equal((0, 0), (_pair.Even.StreamCount, _pair.Odd.StreamCount));
        AssertVerdict(StreamError.None, _pair.Deliver(_pair.Odd, Packet(900, Bytes(new StreamFrame(2, 0, "late"u8, false)))));
    }

    //= rfc9000#section-3.5
    [Fact]
    public void A_reader_that_stops_makes_the_sender_give_up_with_its_code()
    {
        var stream = _pair.Even.TryOpen(bidirectional: false)!;
        _pair.Even.Write(stream, new byte[1_000_000]);
        _pair.Exchange();
        var other = Events(_pair.Odd)[0].Stream!;
        _pair.Odd.StopSending(_pair.Now, other, 9);
        Assert.Equal(0, other.Receive!.BufferedCapacity);
        _pair.Exchange();
        Assert.Contains(new StreamEvent(StreamEventKind.Stopped, stream, 9), Events(_pair.Even));
        Assert.Equal(9, stream.Send!.ResetCode);
        Assert.Equal((0, 0), (_pair.Even.StreamCount, _pair.Odd.StreamCount));
    }

    [Theory]
    [InlineData("read")]
    [InlineData("stop")]
    [InlineData("reset")]
    [InlineData("stop and reset")]
    [InlineData("peek")]
    public void However_a_stream_ends_the_connections_window_has_all_of_its_bytes_back(string how)
    {
        var pair = new ConnectionPair(new() { ConnectionWindow = 128 * 1024, MaxConnectionWindow = 128 * 1024, StreamWindow = 64 * 1024 }).Greeted();
        for (var round = 0; round < 20; round++)
        {
            var stream = pair.Even.TryOpen(bidirectional: false)!;
            Assert.Equal(60_000, pair.Even.Write(stream, new byte[60_000]));
            pair.Exchange();
            var other = Events(pair.Odd).Single(what => what.Kind == StreamEventKind.StreamOpened).Stream!;
            Assert.Equal(60_000, other.Receive!.Readable);
            switch (how)
            {
                case "read":
                    pair.Even.Finish(stream);
                    pair.Exchange();
                    Assert.Equal(60_000, pair.ReadAll(pair.Odd, other, out _).Length);
                    break;
                case "peek":
                    pair.Even.Finish(stream);
                    pair.Exchange();
                    other.Receive.Peek(out var first, out var second);
                    Assert.Equal(60_000, first.Length + second.Length);
                    pair.Odd.Advance(pair.Now, other, 50_000);
                    Assert.Equal(10_000, other.Receive.Readable);
                    Assert.Throws<ArgumentOutOfRangeException>(() => pair.Odd.Advance(pair.Now, other, 10_001));
                    pair.Odd.Advance(pair.Now, other, 10_000);
                    pair.Odd.Read(pair.Now, other, default, out var ended);
                    Assert.True(ended);
                    break;
                case "stop":
                    pair.Odd.StopSending(pair.Now, other, 1);
                    break;
                case "reset":
                    pair.Even.Reset(stream, 1);
                    pair.Exchange();
                    pair.ReadAll(pair.Odd, other, out _);
                    break;
                default:
                    pair.Even.Reset(stream, 1);
                    pair.Odd.StopSending(pair.Now, other, 1);
                    break;
            }

            pair.Exchange();
            Assert.Equal((0, 0), (pair.Even.StreamCount, pair.Odd.StreamCount));
        }
    }

    //= rfc9000#section-4.1
    [Fact]
    public void A_sender_that_is_held_up_says_so_once_for_each_limit()
    {
        var streams = new[] { _pair.Even.TryOpen(true)!, _pair.Even.TryOpen(true)!, _pair.Even.TryOpen(true)! };
        Assert.All(streams, stream => _pair.Even.Write(stream, new byte[300_000]));
        var types = new List<byte>();
        for (var i = 0; i < 200; i++)
        {
            _pair.BuildAll(_pair.Even).ForEach(packet =>
            {
                types.AddRange(Types(packet));
                _pair.Deliver(_pair.Odd, packet);
            });
            _pair.Pass(10 * Ms);
            _pair.BuildAll(_pair.Odd).ForEach(packet => _pair.Deliver(_pair.Even, packet));
        }

        Assert.Equal(512 * 1024, streams.Sum(stream => stream.Send!.SentTo));
        Assert.Equal(1, types.Count(type => type == FrameType.DataBlocked));
        Assert.InRange(types.Count(type => type == FrameType.StreamDataBlocked), 0, 3);
    }

    [Fact]
    public void A_writer_without_room_is_told_when_there_is_some()
    {
        var pair = new ConnectionPair(new() { SendBuffer = 10_000 }).Greeted();
        var stream = pair.Even.TryOpen(bidirectional: true)!;
        Assert.Equal(10_000, pair.Even.Write(stream, new byte[20_000]));
        Assert.Equal(0, pair.Even.Write(stream, new byte[20_000]));
        pair.Exchange();
        Assert.Single(Events(pair.Even), what => what.Kind == StreamEventKind.Writable);
        pair.Exchange();
        Assert.Empty(Events(pair.Even));
        Assert.Equal(10_000, pair.Even.Write(stream, new byte[10_000]));
    }

    [Fact]
    public void A_direction_that_does_not_exist_is_the_callers_mistake()
    {
        var stream = _pair.Even.TryOpen(bidirectional: false)!;
        Assert.Throws<InvalidOperationException>(() => _pair.Even.Read(_pair.Now, stream, default, out _));
        Assert.Throws<InvalidOperationException>(() => _pair.Even.StopSending(_pair.Now, stream, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => _pair.Even.Reset(stream, -1));
    }

    private void AssertVerdict(StreamError expected, PacketVerdict verdict)
    {
        Assert.Equal(expected == StreamError.None ? PacketVerdict.Processed : PacketVerdict.Violation, verdict);
        Assert.Equal(expected == StreamError.None ? CloseCause.None : CloseCause.Violation, _pair.Odd.Cause);
        Assert.Equal((long)expected, _pair.Odd.CloseCode);
    }
}
