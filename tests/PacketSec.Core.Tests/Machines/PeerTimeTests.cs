using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Protocol.Tests.Machines;

/// <summary>What a peer does by itself as time passes: each figure on both sides.</summary>
public sealed class PeerTimeTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    //= spec/sessions.md#lifetime-send
    //= spec/sessions.md#lifetime-receive
    [Fact]
    public void A_session_sends_below_55_s_and_receives_up_to_60_s()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.AdoptKnown();
        var early = fixture.Seal(remote, [1]);
        var late = fixture.Seal(remote, [2]);
        fixture.Advance(TimeSpan.FromSeconds(55) - Tick);
        Assert.Equal(SealResult.Sealed, fixture.Send([1], out _));
        fixture.Now += Tick;
        Assert.Equal(SealResult.Queued, fixture.Send([1], out _));

        fixture.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal([1], fixture.Receive(early).Payload);
        fixture.Now = new(fixture.Now.Nanoseconds + 1);
        Assert.Equal(DropReason.SessionEnded, fixture.Receive(late).Reason);
    }

    //= spec/sessions.md#idle-silent
    [Fact]
    public void A_session_that_carried_no_data_is_not_renewed_and_causes_no_traffic()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.Dial();
        fixture.Sent();
        fixture.Receive(fixture.Seal(remote, []));
        fixture.Sent();

        Assert.Empty(fixture.Advance(TimeSpan.FromSeconds(300)));
    }

    //= spec/sessions.md#rekey-start
    //= spec/p2pke.md#direct-rekey
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_initiator_renews_a_session_that_carried_data_at_45_s_less_up_to_3(bool known)
    {
        using var fixture = new PeerFixture();
        var remote = fixture.Dial();
        if (known)
        {
            fixture.Receive(fixture.Seal(remote, []));
        }

        fixture.Advance(TimeSpan.FromSeconds(1));
        fixture.Receive(fixture.Seal(remote, [1]));
        var sent = fixture.Advance(TimeSpan.FromSeconds(50));

        var hello = sent.First(entry => PeerFixture.Word(entry.Packet) == P2pkeScheme.InitHelloWord);
        Assert.InRange(hello.At + TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(42), TimeSpan.FromSeconds(45));
    }

    //= spec/sessions.md#rekey-other
    [Fact]
    public void The_responder_steps_in_at_52_s()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.AdoptKnown();
        fixture.Receive(fixture.Seal(remote, [1]));

        var before = fixture.Advance(TimeSpan.FromSeconds(52) - Tick);
        Assert.DoesNotContain(before, entry => PeerFixture.Word(entry.Packet) == P2pkeScheme.InitHelloWord);
        var after = fixture.Advance(Tick);
        Assert.Contains(after, entry => PeerFixture.Word(entry.Packet) == P2pkeScheme.InitHelloWord);
    }

    //= spec/sessions.md#retire
    [Fact]
    public void A_session_is_retired_3_s_after_something_authentic_came_on_a_newer_one_of_its_role()
    {
        using var fixture = new PeerFixture();
        var old = fixture.AdoptKnown();
        var newer = fixture.Adopt(seed: 20);
        var packets = Enumerable.Range(0, 3).Select(i => fixture.Seal(old, [(byte)i])).ToList();
        fixture.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(ReceivedKind.Payload, fixture.Receive(packets[0]).Kind);

        fixture.Receive(fixture.Seal(newer, [1]));
        fixture.Advance(TimeSpan.FromSeconds(3) - Tick);
        Assert.Equal(ReceivedKind.Payload, fixture.Receive(packets[1]).Kind);
        fixture.Advance(Tick);
        Assert.Equal(ReceivedKind.Unclaimed, fixture.Receive(packets[2]).Kind);
        Assert.Contains(new PeerEvent.SessionEnded(1), fixture.Events());
    }

    //= spec/sessions.md#receipt
    [Fact]
    public void Data_received_is_acknowledged_by_an_empty_packet_after_500_ms_of_silence_and_not_more_often()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.AdoptKnown();
        for (var i = 0; i < 20; i++)
        {
            fixture.Receive(fixture.Seal(remote, [1]));
            var sent = fixture.Advance(TimeSpan.FromMilliseconds(100));
            Assert.Equal(i % 5 == 4 ? 1 : 0, sent.Count);
            Assert.All(sent, entry => Assert.Empty(fixture.Open(remote, entry.Packet)!));
        }

        fixture.Receive(fixture.Seal(remote, [1]));
        fixture.Send([2], out _);
        Assert.Empty(fixture.Advance(TimeSpan.FromSeconds(1)));
    }

    //= spec/sessions.md#receipt
    [Fact]
    public void A_receipt_that_is_due_is_sealed_for_whoever_holds_the_peer_and_leaves_nothing_to_do()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.AdoptKnown();
        fixture.Receive(fixture.Seal(remote, [1]));
        var due = fixture.Now + SpecLimits.AcknowledgeAfter;
        fixture.Now = due - Tick;
        Assert.Null(Receipt(fixture, remote));

        fixture.Now = due;
        Assert.Empty(Receipt(fixture, remote)!);
        Assert.Null(Receipt(fixture, remote));
        Assert.Empty(fixture.Advance(TimeSpan.FromSeconds(5)));

        // The next one keeps its distance, and a packet that is sent takes its place.
        fixture.Receive(fixture.Seal(remote, [2]));
        fixture.Now += SpecLimits.AcknowledgeAfter - Tick;
        Assert.Null(Receipt(fixture, remote));
        fixture.Now += Tick;
        Assert.Equal(SealResult.Sealed, fixture.Send([3], out _));
        Assert.Null(Receipt(fixture, remote));
    }

    //= spec/sessions.md#receipt
    [Fact]
    public void Without_a_session_that_may_send_or_on_a_closed_channel_no_receipt_is_sealed()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.AdoptKnown();
        var begun = fixture.Now;
        fixture.Now = begun + SpecLimits.SessionSendLifetime - SpecLimits.AcknowledgeAfter;
        fixture.Receive(fixture.Seal(remote, [1]));
        fixture.Now = begun + SpecLimits.SessionSendLifetime;
        Assert.Null(Receipt(fixture, remote));

        using var closed = new PeerFixture();
        remote = closed.AdoptKnown();
        closed.Receive(closed.Seal(remote, [1]));
        closed.Machine.Close(closed.Now);
        closed.Now += SpecLimits.AcknowledgeAfter;
        Assert.Null(Receipt(closed, remote));
    }

    //= spec/sessions.md#receipt
    [Fact]
    public void A_possible_reference_gets_no_receipts()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.Adopt();
        fixture.Sent();
        fixture.Receive(fixture.Seal(remote, [1]));

        Assert.Empty(fixture.Advance(TimeSpan.FromSeconds(5)));
    }

    //= spec/sessions.md#dead-session
    [Fact]
    public void Two_seconds_without_an_answer_to_data_start_a_handshake_beside_the_live_session()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.AdoptKnown();
        fixture.Send([1], out _);
        fixture.Now += TimeSpan.FromSeconds(1);
        fixture.Send([2], out _);

        Assert.Empty(fixture.Advance(TimeSpan.FromSeconds(1) - Tick));
        Assert.Equal(P2pkeScheme.InitHelloWord, PeerFixture.Word(Assert.Single(fixture.Advance(Tick)).Packet));
        Assert.Equal(SealResult.Sealed, fixture.Send([3], out var packet));
        Assert.Equal([3], fixture.Open(remote, packet));
    }

    //= spec/sessions.md#dead-session
    [Fact]
    public void An_answer_in_time_keeps_a_session_alive()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.AdoptKnown();
        fixture.Send([1], out _);
        fixture.Advance(TimeSpan.FromSeconds(2) - Tick);
        fixture.Receive(fixture.Seal(remote, []));

        Assert.Empty(fixture.Advance(TimeSpan.FromSeconds(20)));
    }

    //= spec/sessions.md#dead-session
    [Fact]
    public void A_possible_reference_is_given_10_seconds()
    {
        using var fixture = new PeerFixture();
        fixture.Dial();
        fixture.Advance(TimeSpan.FromSeconds(11));
        fixture.Send([1], out _);

        var before = fixture.Advance(TimeSpan.FromSeconds(10) - Tick);
        Assert.DoesNotContain(before, entry => PeerFixture.Word(entry.Packet) == P2pkeScheme.InitHelloWord);
        Assert.Contains(fixture.Advance(Tick), entry => PeerFixture.Word(entry.Packet) == P2pkeScheme.InitHelloWord);
    }

    //= spec/sessions.md#dead-backoff
    [Fact]
    public void Failed_handshakes_are_tried_again_after_2_4_8_16_and_30_seconds()
    {
        using var fixture = new PeerFixture();
        fixture.AdoptKnown();
        fixture.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(SealResult.Queued, fixture.Send([1], out _));

        var sent = fixture.Advance(TimeSpan.FromSeconds(170)).Select(entry => entry.At.TotalSeconds).ToList();
        var starts = sent.Where((at, i) => i == 0 || at - sent[i - 1] > 1.5).ToList();

        Assert.Equal([0, 12, 26, 44, 70, 110, 150], starts.Select(at => (int)at));
    }

    //= spec/sessions.md#send-starts
    [Fact]
    public void Data_without_a_live_session_is_queued_and_starts_a_handshake()
    {
        using var fixture = new PeerFixture();
        fixture.AdoptKnown();
        fixture.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(SealResult.Queued, fixture.Send([1], out _));
        var remote = fixture.Answer();

        var sent = fixture.Sent();
        Assert.Equal(P2pkeScheme.InitDoneWord, PeerFixture.Word(sent[0]));
        Assert.Equal([1], fixture.Open(remote, sent[1]));
    }

    //= spec/sessions.md#early-data-sent
    [Fact]
    public void Before_its_session_is_confirmed_an_initiator_sends_32_packets_and_queues_the_rest()
    {
        using var fixture = new PeerFixture();
        fixture.AdoptKnown();
        fixture.Advance(TimeSpan.FromSeconds(61));
        fixture.Send([1], out _);
        var remote = fixture.Answer();
        fixture.Sent();
        for (var i = 1; i < SpecLimits.EarlyPackets; i++)
        {
            Assert.Equal(SealResult.Sealed, fixture.Send([1], out _));
        }

        Assert.Equal(SealResult.Queued, fixture.Send([2], out _));
        fixture.Receive(fixture.Seal(remote, []));
        Assert.Equal([2], fixture.Open(remote, fixture.Sent()[^1]));
    }

    //= spec/sessions.md#early-data-sent
    [Fact]
    public void Before_its_session_is_confirmed_an_initiator_sends_48_KiB_and_queues_the_rest()
    {
        using var fixture = new PeerFixture();
        fixture.AdoptKnown();
        fixture.Advance(TimeSpan.FromSeconds(61));
        fixture.Send(new byte[1], out _);
        fixture.Answer();
        fixture.Sent();
        var room = SpecLimits.EarlyBytes - 21;
        var full = fixture.Machine.MaxPayload;
        var packets = 0;
        while (room >= full + SpecLimits.DatagramOverhead && packets < 30)
        {
            Assert.Equal(SealResult.Sealed, fixture.Send(new byte[full], out _));
            room -= full + SpecLimits.DatagramOverhead;
            packets++;
        }

        Assert.Equal(30, packets);
        Assert.Equal(SealResult.Sealed, fixture.Send(new byte[full], out _));
        Assert.Equal(SealResult.Queued, fixture.Send(new byte[full], out _));
    }

    //= spec/sessions.md#idle-timeout
    [Fact]
    public void A_channel_without_a_live_session_ends_after_10_minutes()
    {
        using var fixture = new PeerFixture();
        fixture.AdoptKnown();
        fixture.Advance(TimeSpan.FromSeconds(60) + Tick);
        fixture.Advance(TimeSpan.FromMinutes(10) - Tick - Tick);
        Assert.DoesNotContain(fixture.Events(), peerEvent => peerEvent is PeerEvent.Closed);
        fixture.Advance(Tick + Tick);

        Assert.Equal(new PeerEvent.Closed(CloseReason.IdleTimeout), fixture.Events()[^1]);
    }

    //= spec/sessions.md#redial
    [Fact]
    public void A_channel_that_heard_something_in_the_last_10_s_needs_no_new_dial()
    {
        using var fixture = new PeerFixture();
        fixture.AdoptKnown();
        Assert.True(fixture.Machine.HeardWithin(fixture.Now + TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(10)));
        Assert.False(fixture.Machine.HeardWithin(fixture.Now + TimeSpan.FromSeconds(10) + Tick, TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void A_keepalive_goes_out_when_nothing_was_sent_for_its_interval()
    {
        using var fixture = new PeerFixture(options => new PeerMachineOptions
        {
            Crypto = options.Crypto,
            Random = options.Random,
            Identity = options.Identity,
            RemotePeer = options.RemotePeer,
            WallClock = options.WallClock,
            Keepalive = TimeSpan.FromSeconds(15),
        });
        fixture.AdoptKnown();

        var sent = fixture.Advance(TimeSpan.FromSeconds(54));

        Assert.Equal([15, 30, 45], sent.Select(entry => (int)entry.At.TotalSeconds));
    }

    [Theory]
    [InlineData(14.999)]
    [InlineData(0)]
    public void A_keepalive_below_15_s_is_a_callers_error(double seconds)
        => Assert.Throws<ArgumentException>(() => new PeerFixture(options => new PeerMachineOptions
        {
            Crypto = options.Crypto,
            Random = options.Random,
            Identity = options.Identity,
            RemotePeer = options.RemotePeer,
            WallClock = options.WallClock,
            Keepalive = TimeSpan.FromSeconds(seconds),
        }));

    private static byte[]? Receipt(PeerFixture fixture, Session remote)
    {
        var datagram = new byte[SpecLimits.DatagramOverhead];
        if (!fixture.Machine.TrySealReceipt(fixture.Now, fixture.Aead, datagram, out var transmit))
        {
            return null;
        }

        Assert.Equal((PeerFixture.Path, datagram.Length), (transmit.Path, transmit.Length));
        return fixture.Open(remote, datagram);
    }
}
