using PacketSec.Protocol.Streams;
using PacketSec.Protocol.Streams.Frames;
using static PacketSec.Core.Tests.Streams.ConnectionPair;

namespace PacketSec.Core.Tests.Streams;

public sealed class ConnectionSendTests
{
    private readonly ConnectionPair _pair = new ConnectionPair().Greeted();

    //= spec/streams.md#ack-per-batch
    //= rfc9000#section-13.2.2
    [Fact]
    public void Two_packets_or_a_whole_batch_draw_one_acknowledgement_at_once()
    {
        for (var number = 90; number < 110; number++)
        {
            _pair.Deliver(_pair.Odd, Packet(number, [FrameType.Ping]));
        }

        Assert.Equal([FrameType.Ack], Types(Assert.Single(_pair.BuildAll(_pair.Odd))));
        _pair.Deliver(_pair.Odd, Packet(110, [FrameType.Ping]));
        Assert.Empty(_pair.BuildAll(_pair.Odd));
        _pair.Deliver(_pair.Odd, Packet(111, [FrameType.Ping]));
        Assert.Single(_pair.BuildAll(_pair.Odd));
    }

    //= spec/streams.md#ack-per-batch
    //= rfc9000#section-13.2.1
    [Fact]
    public void A_single_packet_is_acknowledged_after_25_ms_and_one_out_of_order_at_once()
    {
        _pair.Even.Ping();
        var first = _pair.Build(_pair.Even)!;
        _pair.Even.Ping();
        var second = _pair.Build(_pair.Even)!;
        _pair.Deliver(_pair.Odd, second);
        Assert.Single(_pair.BuildAll(_pair.Odd));
        _pair.Deliver(_pair.Odd, first);
        Assert.Single(_pair.BuildAll(_pair.Odd));

        _pair.Even.Ping();
        _pair.Deliver(_pair.Odd, _pair.Build(_pair.Even)!);
        Assert.Empty(_pair.BuildAll(_pair.Odd));
        var before = _pair.Now;
        Assert.Equal(StreamTimer.Acknowledge, _pair.Wake(_pair.Odd));
        Assert.Equal(25 * Ms, _pair.Now - before);
        Assert.Single(_pair.BuildAll(_pair.Odd));
    }

    [Fact]
    public void Acknowledgements_alone_are_not_acknowledged()
    {
        _pair.Deliver(_pair.Odd, Packet(90, Convert.FromHexString("0200000000")));
        _pair.Deliver(_pair.Odd, Packet(91, [0, 0, 0]));
        Assert.Empty(_pair.BuildAll(_pair.Odd));
    }

    //= spec/streams.md#packet-numbers
    [Fact]
    public void A_packet_that_comes_twice_is_processed_once()
    {
        var packet = Packet(90, Bytes(new DatagramFrame("once"u8)));
        Assert.Equal(PacketVerdict.Processed, _pair.Deliver(_pair.Odd, packet));
        Assert.Equal(PacketVerdict.Duplicate, _pair.Deliver(_pair.Odd, packet));
        Assert.True(_pair.Odd.TryReceiveDatagram(new byte[100], out var length) && length == 4);
        Assert.False(_pair.Odd.TryReceiveDatagram(new byte[100], out _));
    }

    //= spec/streams.md#packet-sealed-once
    //= spec/streams.md#loss-reinjects
    [Fact]
    public void What_a_lost_packet_carried_goes_again_under_a_new_number()
    {
        var stream = _pair.Even.TryOpen(bidirectional: true)!;
        _pair.Even.Write(stream, new byte[1300]);
        var lost = _pair.Build(_pair.Even)!;
        for (var i = 0; i < 4; i++)
        {
            _pair.Even.Ping();
            _pair.Deliver(_pair.Odd, _pair.Build(_pair.Even)!);
        }

        _pair.BuildAll(_pair.Odd).ForEach(packet => _pair.Deliver(_pair.Even, packet));
        var again = _pair.Build(_pair.Even)!;
        Assert.Equal(Number(lost) + 5, Number(again));
        _pair.Deliver(_pair.Odd, again);
        _pair.Exchange();
        Assert.Equal(1300, Events(_pair.Odd)[0].Stream!.Receive!.Readable);
        Assert.True(stream.Send is { AcknowledgedTo: 1300, HasPending: false });
    }

    //= spec/streams.md#loss-reinjects
    //= rfc9000#section-13.3
    [Theory]
    [InlineData("reset", FrameType.ResetStream)]
    [InlineData("stop", FrameType.StopSending)]
    [InlineData("window", FrameType.MaxStreamData)]
    [InlineData("window", FrameType.MaxData)]
    [InlineData("count", FrameType.MaxStreamsBidirectional)]
    public void Lost_news_of_a_stream_are_told_again_and_a_lost_datagram_or_ping_is_not(string what, byte type)
    {
        var pair = new ConnectionPair(new() { ConnectionWindow = 256 * 1024, MaxStreamsBidirectional = 1 }).Greeted();
        var stream = pair.Even.TryOpen(bidirectional: true)!;
        pair.Even.Write(stream, new byte[130 * 1024]);
        pair.Exchange();
        var other = Events(pair.Odd)[0].Stream!;
        switch (what)
        {
            case "reset":
                pair.Odd.Write(other, "x"u8);
                pair.Build(pair.Odd);
                pair.Odd.Reset(other, 1);
                break;
            case "stop":
                pair.Odd.StopSending(pair.Now, other, 1);
                break;
            case "window":
                pair.ReadAll(pair.Odd, other, out _);
                break;
            default:
                pair.Even.Finish(stream);
                pair.Odd.Finish(other);
                pair.Exchange();
                pair.ReadAll(pair.Odd, other, out _);
                break;
        }

        pair.Odd.SendDatagram("lost"u8);
        Assert.Contains(type, Types(pair.Build(pair.Odd)!));
        for (var i = 0; i < 4; i++)
        {
            pair.Odd.Ping();
            pair.Deliver(pair.Even, pair.Build(pair.Odd)!);
        }

        pair.BuildAll(pair.Even).ForEach(packet => pair.Deliver(pair.Odd, packet));
        var again = pair.BuildAll(pair.Odd).SelectMany(Types).ToList();
        Assert.Contains(type, again);
        Assert.DoesNotContain(FrameType.DatagramWithLength, again);
        Assert.DoesNotContain(FrameType.Ping, again);
    }

    //= spec/streams.md#probe-repeats
    //= rfc9002#section-6.2.4
    [Fact]
    public void A_probe_timeout_lets_two_packets_go_that_repeat_the_oldest()
    {
        var stream = _pair.Even.TryOpen(bidirectional: true)!;
        _pair.Even.Write(stream, new byte[100_000]);
        var first = _pair.BuildAll(_pair.Even);
        Assert.InRange(first.Count, 8, 30);
        while (_pair.Wake(_pair.Even) != StreamTimer.Recovery)
        {
            _pair.BuildAll(_pair.Even);
        }

        var probes = _pair.BuildAll(_pair.Even);
        Assert.Equal(2, probes.Count);
        _pair.Deliver(_pair.Odd, probes[0]);
        Assert.InRange(Events(_pair.Odd)[0].Stream!.Receive!.Readable, 1000, 1472);
    }

    //= spec/streams.md#probe-repeats
    [Fact]
    public void A_probe_with_nothing_to_repeat_is_a_ping()
    {
        _pair.Even.Ping();
        _pair.Build(_pair.Even);
        Assert.Equal(StreamTimer.Recovery, _pair.Wake(_pair.Even));
        Assert.Equal([FrameType.Ping], Types(_pair.Build(_pair.Even)!));
    }

    //= spec/streams.md#blocked-pto
    [Fact]
    public void While_no_session_can_seal_nothing_is_numbered_and_only_the_idle_timeout_runs()
    {
        var stream = _pair.Even.TryOpen(bidirectional: true)!;
        _pair.Even.Write(stream, new byte[100]);
        var last = Number(_pair.Build(_pair.Even)!);
        _pair.Even.Write(stream, new byte[100]);
        _pair.Even.Block();
        Assert.Null(_pair.Build(_pair.Even));
        Assert.Equal(StreamTimer.Idle, _pair.Even.NextTimer);
        _pair.Pass(20_000 * Ms);
        _pair.Even.HandleTimeout(_pair.Now);
        Assert.Null(_pair.Build(_pair.Even));
        _pair.Use(_pair.Even, 2);
        Assert.Equal(last + 1, Number(_pair.Build(_pair.Even)!));
    }

    //= spec/streams.md#silence-ping
    [Fact]
    public void A_stream_that_falls_silent_draws_one_ping()
    {
        var stream = _pair.Even.TryOpen(bidirectional: true)!;
        _pair.Even.Write(stream, new byte[100]);
        _pair.Deliver(_pair.Odd, _pair.Build(_pair.Even)!);
        var heard = _pair.Now;
        _pair.Wake(_pair.Odd);
        Assert.Single(_pair.BuildAll(_pair.Odd));
        Assert.Equal(StreamTimer.Silence, _pair.Wake(_pair.Odd));
        Assert.Equal(1000 * Ms, _pair.Now - heard);
        Assert.Equal([FrameType.Ping], Types(_pair.Build(_pair.Odd)!));
        Assert.NotEqual(StreamTimer.Silence, _pair.Odd.NextTimer);
    }

    //= spec/streams.md#silence-ping
    [Fact]
    public void A_stream_that_has_ended_may_be_silent()
    {
        var stream = _pair.Even.TryOpen(bidirectional: true)!;
        _pair.Even.Write(stream, new byte[100]);
        _pair.Even.Finish(stream);
        _pair.Deliver(_pair.Odd, _pair.Build(_pair.Even)!);
        _pair.Wake(_pair.Odd);
        _pair.BuildAll(_pair.Odd);
        Assert.Equal(StreamTimer.Idle, _pair.Odd.NextTimer);
    }

    //= spec/streams.md#mtu-probe
    [Fact]
    public void Larger_payloads_are_tried_by_packets_of_padding()
    {
        var pair = new ConnectionPair();
        pair.Even.Ping();
        pair.Odd.Ping();
        var hello = pair.Build(pair.Even)!;
        Assert.InRange(hello.Length, 0, 200);
        pair.Deliver(pair.Odd, hello);
        pair.Deliver(pair.Even, pair.Build(pair.Odd)!);
        var probe = pair.Build(pair.Even, out var built)!;
        Assert.Equal((MaxDatagram - 20, true), (probe.Length, built.AckEliciting));
        Assert.Equal([FrameType.Ping, FrameType.Padding], Types(probe));
        Assert.InRange(pair.BuildAll(pair.Even).Sum(packet => packet.Length), 0, 100);
        pair.Deliver(pair.Odd, probe);
        pair.Exchange();
        Assert.Equal(MaxDatagram, pair.Even.PathMtu);
    }

    //= spec/streams.md#datagram-size
    //= spec/streams.md#datagram-bound
    [Fact]
    public void A_datagram_of_the_largest_size_fits_beside_a_HELLO_and_one_byte_more_is_refused()
    {
        var most = _pair.Even.MaxDatagramPayload;
        Assert.InRange(most, 1100, MaxDatagram - 20);
        Assert.Equal(DatagramResult.TooLarge, _pair.Even.SendDatagram(new byte[most + 1]));
        _pair.Use(_pair.Even, 2);
        Assert.Equal(DatagramResult.Queued, _pair.Even.SendDatagram(new byte[most]));
        var packet = _pair.Build(_pair.Even)!;
        Assert.Equal([FrameType.Hello, FrameType.DatagramWithLength], Types(packet));
        _pair.Deliver(_pair.Odd, packet, session: 2);
        Assert.Contains(Events(_pair.Odd), what => what.Kind == StreamEventKind.Datagram);
        Assert.True(_pair.Odd.TryReceiveDatagram(new byte[most], out var length) && length == most);

        var queued = 0;
        while (_pair.Even.SendDatagram(new byte[1000]) == DatagramResult.Queued)
        {
            queued++;
        }

        Assert.Equal(262, queued);
        Assert.Equal(DatagramResult.Full, _pair.Even.SendDatagram(new byte[1000]));
    }

    //= spec/streams.md#datagram-size
    //= rfc9221#section-3
    [Fact]
    public void A_peer_is_not_sent_datagrams_that_it_does_not_take_and_may_not_send_such()
    {
        var pair = new ConnectionPair(new() { MaxDatagramSize = 1150 }).Greeted();
        Assert.Equal(1150, pair.Even.MaxDatagramPayload);
        Assert.Equal(DatagramResult.TooLarge, pair.Even.SendDatagram(new byte[1151]));
        Assert.Equal(PacketVerdict.Processed, pair.Deliver(pair.Odd, Packet(90, Bytes(new DatagramFrame(new byte[1150])))));
        Assert.Equal(PacketVerdict.Violation, pair.Deliver(pair.Odd, Packet(91, Bytes(new DatagramFrame(new byte[1151])))));
    }

    //= spec/streams.md#datagram-bound
    [Fact]
    public void Datagrams_that_nobody_takes_are_dropped_and_counted()
    {
        for (var i = 0; i < 300; i++)
        {
            Assert.Equal(PacketVerdict.Processed, _pair.Deliver(_pair.Odd, Packet(90 + i, Bytes(new DatagramFrame(new byte[1000])))));
        }

        Assert.Equal(300 - 262, _pair.Odd.DatagramsDropped);
        Assert.Single(Events(_pair.Odd), what => what.Kind == StreamEventKind.Datagram);
    }

    //= spec/streams.md#idle-timeout
    //= rfc9000#section-10.1
    [Fact]
    public void The_smaller_idle_timeout_ends_a_connection_without_a_packet()
    {
        var pair = new ConnectionPair(new() { IdleTimeout = 30_000 * Ms }, new() { IdleTimeout = 5_000 * Ms }).Greeted();
        pair.Even.Ping();
        pair.Exchange();
        var heard = pair.Now;
        Assert.Equal(StreamTimer.Idle, pair.Wake(pair.Even));
        Assert.InRange(pair.Now - heard, 4_900 * Ms, 5_000 * Ms);
        Assert.Equal((CloseCause.Idle, ConnectionState.Over), (pair.Even.Cause, pair.Even.State));
        Assert.Null(pair.Build(pair.Even));
        Assert.Null(pair.Even.NextDeadline);
    }

    //= spec/streams.md#idle-timeout
    [Fact]
    public void A_connection_that_probes_in_vain_ends_all_the_same()
    {
        var stream = _pair.Even.TryOpen(bidirectional: true)!;
        _pair.Even.Write(stream, new byte[100_000]);
        var heard = _pair.Now;
        while (_pair.Even.State == ConnectionState.Open)
        {
            _pair.BuildAll(_pair.Even);
            _pair.Wake(_pair.Even);
        }

        Assert.Equal((CloseCause.Idle, 30_000 * Ms), (_pair.Even.Cause, _pair.Now - heard));
    }

    [Fact]
    public void A_HELLO_in_a_packet_that_comes_twice_makes_the_next_one_ask_for_nothing()
    {
        var hello = Packet(90, Hello(_pair.Even.OwnIncarnation, _pair.Odd.OwnIncarnation));
        _pair.Deliver(_pair.Odd, hello);
        Assert.Equal(PacketVerdict.Duplicate, _pair.Deliver(_pair.Odd, hello));
        _pair.BuildAll(_pair.Odd);
        Assert.Equal(PacketVerdict.Processed, _pair.Deliver(_pair.Odd, Packet(91, [FrameType.Padding])));
        Assert.Empty(_pair.BuildAll(_pair.Odd));
        Assert.Equal(PacketVerdict.Violation, _pair.Deliver(_pair.Odd, Packet(92)));
    }

    //= spec/streams.md#idle-timeout
    [Fact]
    public void An_idle_timeout_of_zero_on_both_sides_is_none()
    {
        var pair = new ConnectionPair(new() { IdleTimeout = TimeSpan.Zero }).Greeted();
        Assert.Null(pair.Even.NextDeadline);
    }

    //= spec/streams.md#close-repeats
    //= rfc9000#section-10.2.1
    [Fact]
    public void A_side_that_has_closed_says_so_again_for_every_power_of_two_packets()
    {
        var stream = _pair.Even.TryOpen(true)!;
        _pair.Even.Write(stream, new byte[100]);
        _pair.Even.Close(_pair.Now, 42, "enough");
        Assert.Equal([FrameType.ApplicationClose], Types(_pair.Build(_pair.Even)!));
        Assert.Null(_pair.Build(_pair.Even));
        var answers = Enumerable.Range(1, 9).Where(i =>
        {
            Assert.Equal(PacketVerdict.Over, _pair.Deliver(_pair.Even, Packet(100 + i, [FrameType.Ping])));
            return _pair.Build(_pair.Even) is not null;
        });
        Assert.Equal([1, 2, 4, 8], answers);
        Assert.Equal((CloseCause.Local, 42L, ConnectionState.Closing), (_pair.Even.Cause, _pair.Even.CloseCode, _pair.Even.State));
        Assert.Equal(StreamTimer.Close, _pair.Wake(_pair.Even));
        Assert.Equal(ConnectionState.Over, _pair.Even.State);
        Assert.Null(_pair.Even.NextDeadline);
    }

    //= spec/streams.md#close-drains
    //= rfc9000#section-10.2.2
    [Fact]
    public void A_side_that_is_told_of_a_close_sends_nothing_more_and_can_read_what_came()
    {
        var stream = _pair.Even.TryOpen(true)!;
        _pair.Even.Write(stream, "last words"u8);
        _pair.Deliver(_pair.Odd, _pair.Build(_pair.Even)!);
        _pair.Even.Close(_pair.Now, 42, "enough");
        _pair.Deliver(_pair.Odd, _pair.Build(_pair.Even)!);
        Assert.Equal((CloseCause.Peer, 42L, "enough", true), (_pair.Odd.Cause, _pair.Odd.CloseCode, _pair.Odd.CloseReason, _pair.Odd.ClosedByApplication));
        _pair.Deliver(_pair.Odd, Packet(100, [FrameType.Ping]));
        Assert.Null(_pair.Build(_pair.Odd));
        var events = Events(_pair.Odd);
        Assert.Equal(StreamEventKind.Closed, events[^1].Kind);
        Assert.Equal("last words"u8.ToArray(), _pair.ReadAll(_pair.Odd, events[0].Stream!, out _));
        Assert.Equal(DatagramResult.Over, _pair.Odd.SendDatagram("x"u8));
        Assert.Null(_pair.Odd.TryOpen(true));
    }

    //= spec/streams.md#close-when-done
    [Fact]
    public void A_graceful_close_waits_until_everything_has_arrived()
    {
        var stream = _pair.Even.TryOpen(true)!;
        _pair.Even.Write(stream, new byte[50_000]);
        _pair.Even.Finish(stream);
        _pair.Even.CloseWhenDone(_pair.Now);
        Assert.Equal(CloseCause.None, _pair.Even.Cause);
        _pair.Exchange();
        Assert.Equal((CloseCause.Local, 0L), (_pair.Even.Cause, _pair.Even.CloseCode));
        Assert.Equal((CloseCause.Peer, 0L), (_pair.Odd.Cause, _pair.Odd.CloseCode));
        Assert.Equal(50_000, _pair.ReadAll(_pair.Odd, Events(_pair.Odd)[0].Stream!, out var ended).Length);
        Assert.True(ended);
    }

    [Fact]
    public void A_graceful_close_with_nothing_to_wait_for_is_at_once()
    {
        _pair.Even.CloseWhenDone(_pair.Now);
        Assert.Equal(CloseCause.Local, _pair.Even.Cause);
    }

    //= spec/streams.md#frame-strict
    //= rfc9000#section-12.4
    [Theory]
    [InlineData("0300000000", nameof(StreamError.FrameEncoding))]
    [InlineData("1a0000000000000000", nameof(StreamError.FrameEncoding))]
    [InlineData("4001", nameof(StreamError.FrameEncoding))]
    [InlineData("02", nameof(StreamError.FrameEncoding))]
    [InlineData("0100", nameof(StreamError.None))]
    [InlineData("", nameof(StreamError.ProtocolViolation))]
    [InlineData("024064000000", nameof(StreamError.ProtocolViolation))]
    [InlineData("3f0101", nameof(StreamError.TransportParameter))]
    public void A_bad_frame_closes_the_connection(string frames, string error)
    {
        var expected = Enum.Parse<StreamError>(error);
        var bytes = Convert.FromHexString(frames);
        Assert.Equal(expected == StreamError.None ? PacketVerdict.Processed : PacketVerdict.Violation, _pair.Deliver(_pair.Odd, Packet(90, bytes)));
        Assert.Equal((long)expected, _pair.Odd.CloseCode);
    }

    [Fact]
    public void A_packet_without_a_number_closes_the_connection()
    {
        Assert.Equal(PacketVerdict.Violation, _pair.Deliver(_pair.Odd, [0x40]));
        Assert.Equal((long)StreamError.FrameEncoding, _pair.Odd.CloseCode);
    }

    [Fact]
    public void Changed_and_random_packets_never_throw_and_end_the_connection_at_worst()
    {
        var random = new Random(11);
        var pair = _pair;
        var valid = new List<byte[]>
        {
            Packet(90, Bytes(new StreamFrame(0, 5, "hello"u8, true)), Bytes(new MaxDataFrame(1 << 20)), Bytes(new DatagramFrame("d"u8))),
            Packet(91, Convert.FromHexString("0205000101000001"), Bytes(new ResetStreamFrame(4, 1, 100)), Bytes(new StopSendingFrame(0, 3))),
            Packet(92, Hello(_pair.Even.OwnIncarnation, _pair.Odd.OwnIncarnation), [FrameType.Ping, 0, 0]),
            Packet(93, Bytes(new ConnectionCloseFrame(false, 1, 2, "bye"u8))),
        };
        var processed = 0;
        for (var round = 0; round < 3000; round++)
        {
            pair = round % 5 == 0 ? new ConnectionPair().Greeted() : pair;
            var packet = (byte[])valid[random.Next(valid.Count)].Clone();
            for (var change = random.Next(3); change >= 0; change--)
            {
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
            }

            processed += pair.Deliver(pair.Odd, random.Next(2) == 0 ? packet : packet[..random.Next(packet.Length)]) == PacketVerdict.Processed ? 1 : 0;
            pair.BuildAll(pair.Odd);
        }

        Assert.InRange(processed, 10, 2990);
    }
}
