using PacketSec.Protocol.Streams;

namespace PacketSec.Core.Tests.Streams;

public sealed class StreamPartTests
{
    [Fact]
    public void Ranges_are_the_set_that_was_added_and_removed()
    {
        var random = new Random(3);
        for (var round = 0; round < 300; round++)
        {
            var ranges = new OffsetRanges();
            var expected = new SortedSet<long>();
            for (var i = 0; i < 40; i++)
            {
                var start = random.Next(100);
                var end = start + random.Next(20);
                var touches = Enumerable.Range(start - 1, end - start + 2).Any(offset => expected.Contains(offset));
                Assert.Equal(touches, ranges.Touches(start, end));
                if (random.Next(3) == 0)
                {
                    ranges.Remove(start, end);
                    expected.ExceptWith(Enumerable.Range(start, end - start).Select(offset => (long)offset));
                }
                else
                {
                    ranges.Add(start, end);
                    expected.UnionWith(Enumerable.Range(start, end - start).Select(offset => (long)offset));
                }
            }

            Assert.Equal(expected, Enumerable.Range(0, ranges.Count).SelectMany(i => Offsets(ranges[i])));
            Assert.All(Enumerable.Range(1, Math.Max(0, ranges.Count - 1)).Where(i => i < ranges.Count), i => Assert.True(ranges[i - 1].End < ranges[i].Start));
        }
    }

    [Fact]
    public void A_ring_keeps_its_bytes_while_it_grows_and_goes_round_and_never_exceeds_its_bound()
    {
        var random = new Random(4);
        var ring = new ByteRing();
        var (from, to) = (0L, 0L);
        for (var round = 0; round < 2000; round++)
        {
            var count = random.Next((int)(10_000 - (to - from)) + 1);
            ring.EnsureRoom(from, to, to + count, 10_000);
            Assert.InRange(ring.Capacity, 0, 10_000);
            ring.Write(to, Bytes(to, count));
            to += count;
            var read = new byte[random.Next((int)(to - from) + 1)];
            ring.Read(from, read);
            Assert.Equal(Bytes(from, read.Length), read);
            var piece = ring.Piece(from, to - from);
            Assert.Equal(Bytes(from, piece.Length), piece.ToArray());
            from += read.Length;
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => ring.EnsureRoom(from, to, from + 10_001, 10_000));
    }

    [Fact]
    public void What_is_lost_is_sent_again_before_what_is_new_and_what_arrived_is_not()
    {
        var send = new SendPart { Limit = 1000 };
        Assert.Equal(100, send.Write(Bytes(0, 100), 1000));
        Assert.Equal([(0, 40), (40, 40)], Take(send, 40, 2));
        send.OnLost(0, 40, false);
        send.OnAcknowledged(10, 20, false);
        Assert.Equal([(0, 10), (30, 10), (80, 20)], Take(send, 40, 3));
        send.OnLost(0, 10, false);
        send.OnAcknowledged(0, 10, false);
        Assert.Equal(30, send.AcknowledgedTo);
        Assert.False(send.HasPending);
        send.OnLost(0, 40, false);
        Assert.Equal([(30, 10)], Take(send, 40, 1));
    }

    [Fact]
    public void The_end_goes_with_the_last_piece_or_alone_and_again_when_it_is_lost()
    {
        var send = new SendPart { Limit = 1000 };
        send.Write(Bytes(0, 10), 1000);
        Assert.True(send.TryTake(100, 100, out var first) && !first.Fin);
        send.Finish();
        Assert.True(send.TryTake(100, 0, out var fin));
        Assert.Equal(new SendPiece(10, 0, true, true), fin);
        Assert.False(send.HasPending);
        send.OnLost(10, 0, true);
        Assert.True(send.HasLost && send.TryTake(100, 0, out fin));
        Assert.Equal(new SendPiece(10, 0, true, false), fin);
        send.OnAcknowledged(10, 0, true);
        Assert.False(send.IsDone);
        send.OnLost(0, 10, false);
        Assert.True(send.TryTake(100, 0, out var again));
        Assert.Equal(new SendPiece(0, 10, false, false), again);
        send.OnAcknowledged(0, 10, false);
        Assert.True(send.IsDone);
    }

    [Fact]
    public void Neither_the_streams_limit_nor_the_credit_is_exceeded()
    {
        var send = new SendPart { Limit = 50 };
        send.Write(Bytes(0, 100), 1000);
        Assert.True(send.TryTake(100, 30, out var piece));
        Assert.Equal((30, false), (piece.Length, send.IsBlocked));
        Assert.True(send.TryTake(100, 100, out piece));
        Assert.Equal((20, true), (piece.Length, send.IsBlocked));
        Assert.False(send.TryTake(100, 100, out _));
        send.Limit = 60;
        Assert.False(send.TryTake(100, 0, out _));
        Assert.True(send.TryTake(100, 100, out piece) && piece.Length == 10);
    }

    [Fact]
    public void A_send_buffer_takes_bytes_up_to_its_bound_and_more_when_some_have_arrived()
    {
        var send = new SendPart { Limit = 1 << 20 };
        Assert.Equal(5000, send.Write(Bytes(0, 6000), 5000));
        Assert.Equal(0, send.Write(Bytes(0, 1), 5000));
        Take(send, 5000, 1);
        send.OnAcknowledged(0, 100, false);
        Assert.False(send.HasRoom(5000));
        Assert.Equal(100, send.Write(Bytes(5000, 6000), 5000));
        Assert.True(send.TryTake(6000, 6000, out var piece));
        var copy = new byte[piece.Length];
        send.Copy(piece.Offset, copy);
        Assert.Equal(Bytes(5000, 100), copy);
        send.OnAcknowledged(100, 1249, false);
        Assert.False(send.HasRoom(5000));
        send.OnAcknowledged(1349, 1, false);
        Assert.True(send.HasRoom(5000));
    }

    [Fact]
    public void Pieces_in_any_order_and_overlapping_give_the_stream()
    {
        var random = new Random(5);
        for (var round = 0; round < 100; round++)
        {
            var receive = new ReceivePart(20_000, 20_000);
            var counted = 0L;
            var read = new List<byte>();
            var buffer = new byte[3000];
            while (!receive.IsComplete)
            {
                var offset = random.Next(10_000);
                var length = Math.Min(random.Next(2000), 10_000 - offset);
                var fin = offset + length == 10_000;
                Assert.Equal(StreamError.None, receive.Check(offset, length, fin));
                counted += receive.Receive(offset, Bytes(offset, length), fin);
                read.AddRange(buffer[..receive.Read(buffer, out _)]);
                if (offset % 7 == 0)
                {
                    receive.Receive(receive.ReadyTo, Bytes(receive.ReadyTo, (int)Math.Min(500, 10_000 - receive.ReadyTo)), receive.ReadyTo >= 9500);
                    counted = receive.Highest;
                }
            }

            bool ended;
            do
            {
                read.AddRange(buffer[..receive.Read(buffer, out ended)]);
            }
            while (!ended);
            Assert.Equal(Bytes(0, 10_000), read);
            Assert.Equal(10_000, counted);
            Assert.True(receive.IsDone);
        }
    }

    //= spec/streams.md#final-size-error
    //= rfc9000#section-4.5
    [Theory]
    [InlineData(90, 10, true, true)]
    [InlineData(90, 9, true, false)]
    [InlineData(90, 11, false, false)]
    [InlineData(90, 10, false, true)]
    public void An_end_neither_moves_nor_is_passed(long offset, int length, bool fin, bool permitted)
    {
        var receive = new ReceivePart(200, 200);
        receive.Receive(95, Bytes(95, 5), true);
        Assert.Equal(permitted ? StreamError.None : StreamError.FinalSize, receive.Check(offset, length, fin));
    }

    //= spec/streams.md#final-size-error
    [Fact]
    public void An_end_does_not_lie_before_what_came()
    {
        var receive = new ReceivePart(200, 200);
        receive.Receive(95, Bytes(95, 5), false);
        Assert.Equal(StreamError.FinalSize, receive.Check(90, 9, true));
        Assert.Equal(StreamError.None, receive.Check(90, 10, true));
    }

    //= spec/streams.md#flow-control-error
    //= rfc9000#section-4.1
    [Fact]
    public void The_window_is_the_limit_to_the_byte()
    {
        var receive = new ReceivePart(1000, 1000);
        Assert.Equal(StreamError.None, receive.Check(900, 100, false));
        Assert.Equal(StreamError.FlowControl, receive.Check(900, 101, false));
        receive.Receive(0, Bytes(0, 500), false);
        receive.Read(new byte[500], out _);
        Assert.True(receive.Window.TryMove(0, receive.ReadTo, 1));
        Assert.Equal(StreamError.None, receive.Check(1400, 100, false));
        Assert.Equal(StreamError.FlowControl, receive.Check(1400, 101, false));
    }

    //= spec/streams.md#stream-memory
    [Fact]
    public void The_buffer_is_never_larger_than_the_window()
    {
        var receive = new ReceivePart(70_000, 70_000);
        Assert.Equal(0, receive.BufferedCapacity);
        receive.Receive(69_999, Bytes(69_999, 1), false);
        Assert.Equal(70_000, receive.BufferedCapacity);
        receive.Receive(0, Bytes(0, 69_999), false);
        Assert.Equal((70_000, 70_000L), (receive.BufferedCapacity, receive.Readable));
        receive.Peek(out var first, out var second);
        Assert.Equal(Bytes(0, 70_000), (byte[])[.. first.Span, .. second.Span]);
    }

    //= spec/streams.md#gap-bound
    [Fact]
    public void The_65th_gap_of_a_small_window_is_refused_and_what_fills_one_is_not()
    {
        var receive = new ReceivePart(64 * 1024, 64 * 1024);
        for (var i = 1; i <= 64; i++)
        {
            Assert.False(receive.TooManyGaps(10 * i, 1));
            receive.Receive(10 * i, Bytes(10 * i, 1), false);
        }

        Assert.True(receive.TooManyGaps(1000, 1));
        Assert.False(receive.TooManyGaps(0, 5));
        Assert.False(receive.TooManyGaps(641, 5));
        receive.Receive(0, Bytes(0, 20), false);
        Assert.False(receive.TooManyGaps(1000, 1));
    }

    //= spec/streams.md#gap-bound
    [Fact]
    public void A_larger_window_has_one_gap_for_each_1024_bytes()
    {
        var receive = new ReceivePart(100 * 1024, 100 * 1024);
        for (var i = 1; i <= 100; i++)
        {
            Assert.False(receive.TooManyGaps(10 * i, 1));
            receive.Receive(10 * i, Bytes(10 * i, 1), false);
        }

        Assert.True(receive.TooManyGaps(2000, 1));
    }

    [Fact]
    public void A_stream_that_is_given_up_counts_to_its_end_and_holds_nothing()
    {
        var receive = new ReceivePart(1000, 1000);
        receive.Receive(0, Bytes(0, 100), false);
        receive.Receive(200, Bytes(200, 100), false);
        Assert.Equal(50, receive.Reset(7, 350));
        Assert.Equal((7L, 0L, 0), (receive.ResetCode, receive.Readable, receive.BufferedCapacity));
        Assert.True(receive.HasNews && receive.IsComplete && !receive.IsDone);
        Assert.Equal(0, receive.Read(new byte[10], out var ended));
        Assert.True(ended && receive.IsDone && !receive.HasNews);
    }

    //= rfc9000#section-3.2
    [Fact]
    public void A_stream_that_is_complete_is_read_to_its_end_though_it_is_reset_then()
    {
        var receive = new ReceivePart(1000, 1000);
        receive.Receive(0, Bytes(0, 100), true);
        Assert.Equal(0, receive.Reset(7, 100));
        Assert.Equal((null, 100L), (receive.ResetCode, receive.Readable));
    }

    [Fact]
    public void What_comes_after_the_reader_has_stopped_is_counted_and_not_kept()
    {
        var receive = new ReceivePart(1000, 1000);
        receive.Receive(0, Bytes(0, 100), false);
        Assert.Equal(100, receive.Stop(3));
        Assert.Equal((3L, 0), (receive.StopCode, receive.BufferedCapacity));
        Assert.Equal(200, receive.Receive(200, Bytes(200, 100), true));
        Assert.False(receive.IsDone);
        Assert.Equal(0, receive.Receive(100, Bytes(100, 100), false));
        Assert.True(receive.IsDone);
        Assert.Equal(0, receive.BufferedCapacity);
    }

    //= spec/streams.md#window-tuning
    //= rfc9000#section-4.2
    [Fact]
    public void A_window_that_is_used_up_within_two_round_trips_doubles_up_to_its_bound()
    {
        var window = new ReceiveWindow(1000, 3000);
        Assert.False(window.TryMove(0, 499, 10));
        Assert.True(window.TryMove(0, 500, 10));
        Assert.Equal((1000L, 1500L), (window.Size, window.Limit));
        Assert.True(window.TryMove(20, 1000, 10));
        Assert.Equal((1000L, 2000L), (window.Size, window.Limit));
        Assert.True(window.TryMove(39, 1500, 10));
        Assert.Equal((2000L, 3500L), (window.Size, window.Limit));
        Assert.False(window.TryMove(40, 2499, 10));
        Assert.True(window.TryMove(41, 2500, 10));
        Assert.True(window.TryMove(42, 4000, 10));
        Assert.Equal((3000L, 7000L), (window.Size, window.Limit));
    }

    //= spec/streams.md#datagram-bound
    [Fact]
    public void Datagrams_wait_in_order_up_to_the_bound()
    {
        var buffer = new DatagramBuffer(1000);
        Assert.True(buffer.TryAdd(Bytes(0, 600)) && buffer.TryAdd(default) && buffer.TryAdd(Bytes(1, 400)));
        Assert.False(buffer.TryAdd(Bytes(0, 1)));
        var datagram = new byte[600];
        Assert.Equal(600, buffer.Take(datagram));
        Assert.Equal(Bytes(0, 600), datagram);
        Assert.Equal(0, buffer.Take(datagram));
        Assert.Equal(400, buffer.NextLength);
        buffer.Drop();
        Assert.True(buffer.IsEmpty);
        for (var i = 0; i < 62; i++)
        {
            Assert.True(buffer.TryAdd(default));
        }

        Assert.False(buffer.TryAdd(default));
    }

    private static byte[] Bytes(long offset, int count) => [.. Enumerable.Range(0, count).Select(i => (byte)(((offset + i) * 31 >> 2) & 0xff))];

    private static IEnumerable<long> Offsets(OffsetRange range) => Enumerable.Range((int)range.Start, (int)range.Length).Select(offset => (long)offset);

    private static List<(long, int)> Take(SendPart send, int room, int count)
    {
        var pieces = new List<(long, int)>();
        for (var i = 0; i < count; i++)
        {
            Assert.True(send.TryTake(room, 1000_000, out var piece));
            pieces.Add((piece.Offset, piece.Length));
        }

        return pieces;
    }
}
