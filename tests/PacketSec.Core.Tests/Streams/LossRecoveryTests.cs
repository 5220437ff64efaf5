using PacketSec.Protocol.Streams.Frames;
using PacketSec.Protocol.Streams.Recovery;
using PacketSec.Protocol.Wire;

namespace PacketSec.Core.Tests.Streams;

public sealed class LossRecoveryTests
{
    private const int Size = 1200;
    private const long Ms = 1_000_000;

    private readonly LossRecovery _recovery = new(new NewReno(Size), Size);

    public LossRecoveryTests() => _recovery.Unblock(0);

    //= rfc9002#section-6.1.1
    [Fact]
    public void A_packet_is_lost_when_one_three_numbers_later_has_arrived_and_not_before()
    {
        SendMany(4, at: 0);
        Ack(10 * Ms, 2);
        Assert.Equal(["2 Acknowledged"], Settled());
        Ack(10 * Ms, 2, 3);
        Assert.Equal(["3 Acknowledged", "0 Lost"], Settled());
    }

    //= rfc9002#section-6.1.2
    [Fact]
    public void A_packet_is_lost_nine_eighths_of_a_round_trip_after_it_was_sent_when_a_later_one_has_arrived()
    {
        Send(0);
        Send(9 * Ms);
        Ack(89 * Ms, 1);
        Assert.Equal(["1 Acknowledged"], Settled());
        Assert.Equal(90 * Ms, _recovery.Deadline);

        Send(100 * Ms);
        Send(101 * Ms);
        Ack(181 * Ms, 1, 3);
        Assert.Equal(["3 Acknowledged", "0 Lost"], Settled());
        Assert.Equal((100 * Ms) + (80 * Ms * 9 / 8), _recovery.Deadline);

        Assert.False(_recovery.OnTimeout(_recovery.Deadline - 1));
        Assert.Empty(Settled());
        Assert.False(_recovery.OnTimeout(_recovery.Deadline));
        Assert.Equal(["2 Lost"], Settled());
        Assert.Equal(LossRecovery.Never, _recovery.Deadline);
    }

    //= rfc9002#section-6.2.1
    [Fact]
    public void The_probe_timeout_doubles_until_something_arrives()
    {
        Send(0);
        Ack(100 * Ms, 0);
        Send(200 * Ms);
        var timeout = (100 * Ms) + (4 * 50 * Ms) + (25 * Ms);
        Assert.Equal((200 * Ms) + timeout, _recovery.Deadline);
        Assert.True(_recovery.OnTimeout(_recovery.Deadline));
        Assert.Equal((200 * Ms) + (2 * timeout), _recovery.Deadline);
        Send(525 * Ms);
        Assert.Equal((525 * Ms) + (2 * timeout), _recovery.Deadline);
        Assert.True(_recovery.OnTimeout(_recovery.Deadline));
        Assert.Equal((2, 4 * timeout), (_recovery.ProbeTimeouts, _recovery.CurrentProbeTimeout));
        Ack(1300 * Ms, 2);
        Assert.Equal(0, _recovery.ProbeTimeouts);
    }

    //= rfc9000#section-13.1
    [Fact]
    public void What_was_never_sent_cannot_be_acknowledged()
    {
        Send(0);
        Assert.True(Ack(Ms, 0));
        Assert.False(Ack(Ms, 1));
    }

    //= rfc9002#section-5.1
    [Fact]
    public void Only_a_largest_number_that_is_new_gives_a_sample()
    {
        SendMany(3, at: 0);
        Ack(50 * Ms, 2);
        Assert.Equal(50 * Ms, _recovery.Rtt.Latest);
        Ack(90 * Ms, 1, 2);
        Assert.Equal(50 * Ms, _recovery.Rtt.Latest);
    }

    [Fact]
    public void Packets_that_ask_for_nothing_are_not_in_flight_and_not_waited_for()
    {
        _recovery.OnSent(0, new() { Size = 50, Records = FrameRecords.None });
        Assert.Equal((0L, LossRecovery.Never, 1L), (_recovery.BytesInFlight, _recovery.Deadline, _recovery.Sent.First));
        Assert.True(Ack(Ms, 0));
        Assert.Empty(Settled());
        Assert.False(_recovery.Rtt.HasSample);
    }

    //= rfc9002#section-7
    [Fact]
    public void The_window_bounds_what_is_in_flight()
    {
        SendMany(10, at: 0);
        Assert.Equal(12_000, _recovery.BytesInFlight);
        Assert.Equal(LossRecovery.Never, _recovery.NextSend(0, 1));
        _recovery.IsWindowLimited = true;
        Ack(100 * Ms, 0);
        Assert.Equal((10_800L, 13_200L), (_recovery.BytesInFlight, _recovery.Controller.Window));
        Assert.Equal(100 * Ms, _recovery.NextSend(100 * Ms, 2400));
        Assert.Equal(LossRecovery.Never, _recovery.NextSend(100 * Ms, 2401));
    }

    //= rfc9002#section-7.6.3
    [Fact]
    public void The_example_of_the_RFC_is_persistent_congestion()
    {
        var watch = new PersistentCongestion();
        watch.OnRttSample(0);
        long[] sentAt = [0, 1, 2, 3, 4, 5, 6, 8, 12];
        watch.OnAcknowledged(0);
        for (var number = 1; number <= 7; number++)
        {
            // Six seconds lie between the packets at 1 s and 8 s, and not between those at 1 s and 6 s.
            Assert.Equal(number == 7, watch.OnLost(number, sentAt[number], 6));
        }
    }

    //= rfc9002#section-7.6.2
    [Fact]
    public void A_packet_that_arrived_between_two_losses_or_no_sample_before_them_is_no_persistent_congestion()
    {
        var watch = new PersistentCongestion();
        Assert.False(watch.OnLost(0, 1, 6) || watch.OnLost(1, 100, 6));
        watch.OnRttSample(100);
        Assert.False(watch.OnLost(2, 100, 6));
        Assert.False(watch.OnLost(3, 101, 6));
        watch.OnAcknowledged(4);
        Assert.False(watch.OnLost(5, 109, 6));
        watch.OnAcknowledged(4);
        Assert.False(watch.OnLost(6, 115, 6));
        Assert.True(watch.OnLost(7, 116, 6));
    }

    //= rfc9002#section-7.6
    [Fact]
    public void Everything_lost_for_three_probe_timeouts_leaves_the_least_window()
    {
        Send(0);
        Ack(10 * Ms, 0);
        Settled();
        var last = (20 * Ms) + _recovery.Rtt.PersistentCongestionDuration + Ms;
        Send(20 * Ms);
        Send(last);
        SendMany(3, last + (3 * Ms));
        Ack(last + (13 * Ms), 0, 5);
        Assert.Equal(["5 Acknowledged", "1 Lost", "2 Lost"], Settled());
        Assert.Equal(2 * Size, _recovery.Controller.Window);
    }

    //= rfc9000#section-14.4
    [Fact]
    public void A_lost_probe_of_the_MTU_is_no_congestion()
    {
        _recovery.OnSent(0, new() { Size = 1400, Records = FrameRecords.None, AckEliciting = true, MtuProbe = true });
        SendMany(3, at: 0);
        Ack(10 * Ms, 1, 2, 3);
        Assert.Contains("0 Lost", Settled());
        Assert.Equal(12_000, _recovery.Controller.Window);
        Assert.Equal(0, _recovery.BytesInFlight);
    }

    //= spec/streams.md#blocked-pto
    [Fact]
    public void No_probe_timeout_runs_while_nothing_can_be_sent()
    {
        Send(0);
        var timeout = _recovery.Rtt.ProbeTimeout;
        _recovery.Block();
        Assert.Equal(LossRecovery.Never, _recovery.Deadline);
        Assert.False(_recovery.OnTimeout(60_000 * Ms));
        _recovery.Unblock(70_000 * Ms);
        Assert.Equal((70_000 * Ms) + timeout, _recovery.Deadline);
        _recovery.Unblock(80_000 * Ms);
        Assert.Equal((70_000 * Ms) + timeout, _recovery.Deadline);
    }

    //= spec/streams.md#new-path
    //= rfc9000#section-9.4
    [Fact]
    public void On_a_new_path_everything_is_learnt_again_and_the_old_one_teaches_nothing()
    {
        SendMany(8, at: 0);
        Ack(10 * Ms, 0);
        _recovery.IsWindowLimited = true;
        _recovery.OnNewPath(20 * Ms, Size);
        Settled();
        Assert.Equal((0L, 12_000L, false), (_recovery.BytesInFlight, _recovery.Controller.Window, _recovery.Rtt.HasSample));
        Send(30 * Ms);
        Ack(40 * Ms, 4);
        Assert.False(_recovery.Rtt.HasSample);
        Assert.Equal(["4 Acknowledged", "1 Lost"], Settled());
        Assert.Equal((1200L, 12_000L), (_recovery.BytesInFlight, _recovery.Controller.Window));
        Ack(50 * Ms, 4, 8);
        Assert.Equal(20 * Ms, _recovery.Rtt.Latest);
    }

    [Fact]
    public void Places_of_packets_and_records_are_used_again()
    {
        var records = new FrameRecords();
        for (var round = 0; round < 1000; round++)
        {
            var list = records.Add(records.Add(FrameRecords.None, new() { Offset = 1 }), new() { Offset = 2 });
            var next = records[list].Next;
            Assert.Equal((2L, 1L, FrameRecords.None), (records[list].Offset, records[next].Offset, records[next].Next));
            Assert.Equal(FrameRecords.None, records.Free(records.Free(list)));
            Assert.InRange(next, 0, 1);
        }

        Assert.Equal(0, records.Count);
    }

    //= spec/streams.md#packet-numbers
    [Fact]
    public void The_ring_holds_65536_packets_and_refuses_one_more()
    {
        var sent = new SentPackets();
        for (var i = 0; i < SentPackets.Capacity; i++)
        {
            Assert.Equal(i >= SentPackets.Capacity - 1024, sent.IsNearlyFull);
            Assert.Equal(i, sent.Add(new() { Size = i }));
        }

        Assert.True(sent.IsFull);
        Assert.Throws<InvalidOperationException>(() => sent.Add(default));
        sent[0].State = SentState.Lost;
        sent.Trim();
        Assert.Equal(SentPackets.Capacity, sent.Add(default));
        Assert.Equal(7, sent[7].Size);
    }

    // Nothing can be sent until an acknowledgement makes room, so there is nothing to wake up for.
    [Fact]
    public void No_probe_timeout_runs_while_no_packet_has_a_place()
    {
        Send(0);
        for (var i = 1; i < SentPackets.Capacity; i++)
        {
            Assert.NotEqual(LossRecovery.Never, _recovery.Deadline);
            _recovery.OnSent(0, new() { Size = Size, Records = FrameRecords.None });
        }

        Assert.Equal(LossRecovery.Never, _recovery.Deadline);
        Assert.True(Ack(100 * Ms, 0));
        Send(100 * Ms);
        Assert.NotEqual(LossRecovery.Never, _recovery.Deadline);
    }

    //= rfc9438#section-5.8
    [Fact]
    public void A_pause_with_nothing_in_flight_does_not_widen_the_window()
    {
        var recovery = new LossRecovery(new Cubic(Size), Size);
        recovery.Unblock(0);
        SendMany(recovery, 10, at: 0);
        recovery.IsWindowLimited = true;
        Ack(recovery, 100 * Ms, 9);
        SendMany(recovery, 4, at: 200 * Ms);
        Ack(recovery, 300 * Ms, 10, 11, 12, 13);
        var before = recovery.Controller.Window;
        Assert.Equal(0, recovery.BytesInFlight);

        SendMany(recovery, 4, at: 100_000 * Ms);
        Ack(recovery, 100_100 * Ms, 14, 15, 16, 17);
        Assert.InRange(recovery.Controller.Window, before, before + (Size / 2));
    }

    private long Send(long at) => _recovery.OnSent(at, new() { Size = Size, Records = FrameRecords.None, AckEliciting = true });

    private void SendMany(int count, long at) => SendMany(_recovery, count, at);

    private static void SendMany(LossRecovery recovery, int count, long at)
    {
        for (var i = 0; i < count; i++)
        {
            recovery.OnSent(at, new() { Size = Size, Records = FrameRecords.None, AckEliciting = true });
        }
    }

    private bool Ack(long now, params long[] numbers) => Ack(_recovery, now, numbers);

    private static bool Ack(LossRecovery recovery, long now, params long[] numbers)
    {
        var ranges = new AckRanges();
        foreach (var number in numbers)
        {
            ranges.Add(number);
        }

        var writer = new WireWriter(new byte[200]);
        Assert.True(AckFrame.TryWrite(ref writer, ranges, 0, 200));
        var reader = new WireReader(writer.Written[1..]);
        Assert.True(AckFrame.TryRead(FrameType.Ack, ref reader, out var frame));
        return recovery.OnAck(now, frame);
    }

    private List<string> Settled()
    {
        var settled = new List<string>();
        while (_recovery.TryTakeSettled(out var packet))
        {
            settled.Add($"{packet.Number} {packet.Packet.State}");
        }

        return settled;
    }
}
