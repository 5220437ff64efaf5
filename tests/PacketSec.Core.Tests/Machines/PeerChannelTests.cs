using PacketSec.Protocol.Schemes;

namespace PacketSec.Protocol.Tests.Machines;

public sealed class PeerChannelTests
{
    //= spec/p2pke.md#responder-empty
    //= spec/p2pke.md#init-done-repeat
    //= spec/sessions.md#counter-start
    [Fact]
    public void A_responder_confirms_with_one_empty_packet_and_repeats_it_for_each_copy_of_the_finish()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.Adopt();
        var confirmation = Assert.Single(fixture.Sent());
        Assert.Equal(0x80000010u, PeerFixture.Word(confirmation));
        Assert.Empty(fixture.Open(remote, confirmation)!);

        Assert.Equal(ReceivedKind.CachedAnswer, fixture.Receive(PeerFixture.Finish(7)).Kind);
        Assert.Equal(ReceivedKind.CachedAnswer, fixture.Receive(PeerFixture.Finish(7)).Kind);

        Assert.Equal([confirmation, confirmation], fixture.Sent());
        var other = fixture.Receive(PeerFixture.Finish(8));
        Assert.Equal((ReceivedKind.Unclaimed, DropReason.NoHandshake), (other.Kind, other.Reason));
    }

    //= spec/p2pke.md#init-hello-completed
    //= spec/p2pke.md#init-hello-harmless
    [Fact]
    public void The_first_message_of_a_live_session_starts_nothing_again()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.Adopt();
        fixture.Sent();
        var before = fixture.Machine.StateDigest();

        var copy = fixture.Receive(PeerFixture.FirstMessage(7));
        var other = fixture.Receive(PeerFixture.FirstMessage(8));

        Assert.Equal((ReceivedKind.Dropped, DropReason.NoHandshake), (copy.Kind, copy.Reason));
        Assert.Equal(ReceivedKind.Unclaimed, other.Kind);
        Assert.Equal(before, fixture.Machine.StateDigest());
        Assert.Equal(ReceivedKind.Payload, fixture.Receive(fixture.Seal(remote, [1])).Kind);
    }

    //= spec/sessions.md#address-bound
    //= spec/sessions.md#window-commit
    //= spec/sessions.md#forged-harmless
    [Fact]
    public void Data_is_delivered_once_from_its_own_address_and_forgeries_change_nothing()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.AdoptKnown();
        var packet = fixture.Seal(remote, [1, 2, 3]);
        var before = fixture.Machine.StateDigest();

        var elsewhere = fixture.Receive(packet, EndpointFixture.PathFrom(EndpointFixture.Address(51)));
        Assert.Equal((ReceivedKind.Unclaimed, DropReason.NotAuthentic), (elsewhere.Kind, elsewhere.Reason));
        for (var bit = 0; bit < packet.Length * 8; bit++)
        {
            var forged = packet.ToArray();
            forged[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(ReceivedKind.Payload, fixture.Receive(forged).Kind);
        }

        Assert.Equal(before, fixture.Machine.StateDigest());
        Assert.Equal([1, 2, 3], fixture.Receive(packet).Payload);
        var replayed = fixture.Receive(packet);
        Assert.Equal((ReceivedKind.Unclaimed, DropReason.Replayed), (replayed.Kind, replayed.Reason));
    }

    //= spec/sessions.md#empty-is-control
    [Fact]
    public void An_empty_packet_is_never_delivered()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.Adopt();

        Assert.Equal(ReceivedKind.Control, fixture.Receive(fixture.Seal(remote, [])).Kind);
    }

    //= spec/sessions.md#empty-send
    [Fact]
    public void Sending_an_empty_datagram_is_a_callers_error()
    {
        using var fixture = new PeerFixture();
        fixture.AdoptKnown();

        Assert.Throws<ArgumentException>(() => fixture.Send([], out _));
    }

    //= spec/sessions.md#too-large
    [Fact]
    public void The_longest_payload_is_sent_and_one_byte_more_is_too_large()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.AdoptKnown();
        Assert.Equal(ImplementationLimits.DatagramSize - SpecLimits.DatagramOverhead, fixture.Machine.MaxPayload);

        Assert.Equal(SealResult.TooLarge, fixture.Send(new byte[fixture.Machine.MaxPayload + 1], out _));
        Assert.Equal(SealResult.Sealed, fixture.Send(new byte[fixture.Machine.MaxPayload], out var packet));
        Assert.Equal(fixture.Machine.MaxPayload, fixture.Open(remote, packet)!.Length);
    }

    //= spec/sessions.md#queue
    //= spec/sessions.md#admission
    [Fact]
    public void The_queue_takes_its_bound_of_datagrams_and_keeps_them_in_order()
    {
        using var fixture = new PeerFixture();
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        for (var i = 0; i < ImplementationLimits.QueuedDatagrams; i++)
        {
            Assert.Equal(SealResult.Queued, fixture.Send([(byte)(i & 255), (byte)(i >> 8)], out _));
        }

        Assert.Equal(SealResult.QueueFull, fixture.Send([1], out _));
        var remote = fixture.Answer();
        fixture.Sent();
        fixture.Receive(fixture.Seal(remote, []));
        var opened = fixture.Sent().Select(packet => fixture.Open(remote, packet)!).Where(payload => payload.Length > 0).ToList();

        Assert.Equal(Enumerable.Range(0, ImplementationLimits.QueuedDatagrams), opened.Select(payload => payload[0] | (payload[1] << 8)));
    }

    //= spec/sessions.md#queue
    [Fact]
    public void The_queue_takes_its_bound_of_bytes()
    {
        using var fixture = new PeerFixture(options => new PeerMachineOptions
        {
            Crypto = options.Crypto,
            Random = options.Random,
            Identity = options.Identity,
            RemotePeer = options.RemotePeer,
            WallClock = options.WallClock,
            MaxDatagramSize = ImplementationLimits.MaxUdpPayload,
        });
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        for (var i = 0; i < ImplementationLimits.QueuedBytes / 32768; i++)
        {
            Assert.Equal(SealResult.Queued, fixture.Send(new byte[i == 0 ? 32767 : 32768], out _));
        }

        Assert.Equal(SealResult.QueueFull, fixture.Send(new byte[2], out _));
        Assert.Equal(SealResult.Queued, fixture.Send(new byte[1], out _));
    }

    //= spec/sessions.md#early-data-held
    [Fact]
    public void Early_data_is_opened_in_order_when_the_session_comes()
    {
        using var fixture = new PeerFixture();
        var early = new EarlyData();
        var sender = Mirror(fixture);
        Assert.True(early.TryAdd(fixture.Seal(sender, [1])));
        Assert.True(early.TryAdd(new byte[30]));
        Assert.True(early.TryAdd(fixture.Seal(sender, [2])));
        fixture.Adopt(early: early);

        var delivered = new List<byte>();
        var plaintext = new byte[2048];
        while (fixture.Machine.TryPollEarlyDatagram(fixture.Now, fixture.Aead, plaintext, out var length))
        {
            delivered.AddRange(plaintext[..length]);
        }

        Assert.Equal([1, 2], delivered);
    }

    //= spec/sessions.md#closing-sent
    [Fact]
    public void Closing_is_sealed_once_and_sent_three_times_over_200_ms()
    {
        using var fixture = new PeerFixture();
        fixture.AdoptKnown();
        fixture.Machine.Close(fixture.Now);
        Assert.Equal(SealResult.Closed, fixture.Send([1], out _));

        var sent = fixture.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal([0, 100, 200], sent.Select(entry => (int)entry.At.TotalMilliseconds));
        Assert.Single(sent.Select(entry => Convert.ToHexString(entry.Packet)).Distinct());
        Assert.Equal(0xFFFFFFFFu, PeerFixture.Word(sent[0].Packet));
        Assert.Equal(new PeerEvent.Closed(CloseReason.Local), fixture.Events()[^1]);
    }

    //= spec/p2pke.md#direct-close
    [Theory]
    [InlineData(false, false, 0)]
    [InlineData(true, false, 3)]
    [InlineData(true, true, 0)]
    public void Towards_a_possible_reference_closing_goes_only_where_data_came_from_and_never_during_a_handshake(bool gotData, bool handshaking, int copies)
    {
        using var fixture = new PeerFixture();
        var remote = fixture.Adopt();
        fixture.Sent();
        if (gotData)
        {
            fixture.Receive(fixture.Seal(remote, [1]));
        }

        if (handshaking)
        {
            fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
            fixture.RunWork();
            fixture.Sent();
        }

        fixture.Machine.Close(fixture.Now);

        Assert.Equal(copies, fixture.Advance(TimeSpan.FromSeconds(1)).Count);
    }

    //= spec/sessions.md#closing-received
    //= spec/sessions.md#closing-channel
    [Fact]
    public void A_closing_message_ends_the_channel_after_late_data_had_their_time()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.AdoptKnown();
        var late = fixture.Seal(remote, [1]);
        var tooLate = fixture.Seal(remote, [2]);

        Assert.Equal(ReceivedKind.Control, fixture.Receive(remote.SealClosing(fixture.Aead)).Kind);
        Assert.Equal(SealResult.Closed, fixture.Send([1], out _));
        fixture.Advance(TimeSpan.FromMilliseconds(499));
        Assert.Equal([1], fixture.Receive(late).Payload);
        Assert.DoesNotContain(fixture.Events(), peerEvent => peerEvent is PeerEvent.Closed);
        Assert.Empty(fixture.Advance(TimeSpan.FromMilliseconds(1)));

        Assert.Equal(DropReason.ChannelClosed, fixture.Receive(tooLate).Reason);
        Assert.Equal(new PeerEvent.Closed(CloseReason.PeerClosed), fixture.Events()[^1]);
    }

    //= spec/sessions.md#closing-received
    //= spec/sessions.md#closing-channel
    [Fact]
    public void A_closing_message_on_an_old_session_leaves_the_newer_one()
    {
        using var fixture = new PeerFixture();
        var old = fixture.Adopt(seed: 7);
        var newer = fixture.Adopt(seed: 20);
        fixture.Receive(fixture.Seal(newer, []));

        fixture.Receive(old.SealClosing(fixture.Aead));

        fixture.Advance(TimeSpan.FromSeconds(1));
        Assert.True(fixture.Machine.IsOpen);
        Assert.Equal([5], fixture.Receive(fixture.Seal(newer, [5])).Payload);
        Assert.NotEqual(ReceivedKind.Payload, fixture.Receive(fixture.Seal(old, [6])).Kind);
    }

    //= spec/sessions.md#send-newest
    //= spec/sessions.md#address-move
    [Fact]
    public void Data_goes_on_the_session_confirmed_last_and_to_its_address()
    {
        using var fixture = new PeerFixture();
        var old = fixture.AdoptKnown();
        var moved = EndpointFixture.PathFrom(EndpointFixture.Address(60));
        fixture.Send([8], out var before);
        Assert.Equal([8], fixture.Open(old, before));
        fixture.Now += TimeSpan.FromSeconds(1);
        var newer = fixture.Adopt(seed: 20, path: moved);
        fixture.Sent();

        Assert.Equal(SealResult.Sealed, fixture.Send([9], out var packet));

        Assert.Equal([9], fixture.Open(newer, packet));
        Assert.Equal(moved, fixture.Machine.Path);
        Assert.Contains(new PeerEvent.AddressChanged(moved), fixture.Events());
    }

    //= spec/sessions.md#send-fallback
    [Fact]
    public void Data_falls_back_to_the_session_before_when_nothing_comes_back_for_3_seconds()
    {
        using var fixture = new PeerFixture();
        var old = fixture.AdoptKnown();
        fixture.Now += TimeSpan.FromSeconds(1);
        var newer = fixture.Adopt(seed: 20, path: EndpointFixture.PathFrom(EndpointFixture.Address(60)));
        fixture.Sent();
        fixture.Send([1], out var first);
        Assert.Equal([1], fixture.Open(newer, first));

        fixture.Now += TimeSpan.FromSeconds(3);
        fixture.Send([2], out var second);
        Assert.Equal([2], fixture.Open(newer, second));
        fixture.Now += TimeSpan.FromMilliseconds(1);
        fixture.Send([3], out var third);
        Assert.Equal([3], fixture.Open(old, third));

        fixture.Receive(fixture.Seal(newer, [4]), EndpointFixture.PathFrom(EndpointFixture.Address(60)));
        fixture.Send([5], out var fourth);
        Assert.Equal([5], fixture.Open(newer, fourth));
    }

    //= spec/sessions.md#admission
    [Fact]
    public void A_fourth_session_of_a_role_ends_the_oldest()
    {
        using var fixture = new PeerFixture();
        var sessions = Enumerable.Range(0, ImplementationLimits.SessionsPerRole).Select(i => fixture.Adopt(seed: (byte)(10 * i))).ToList();
        Assert.Equal([1], fixture.Receive(fixture.Seal(sessions[0], [1])).Payload);
        fixture.Events();

        var fourth = fixture.Adopt(seed: 90);

        Assert.Contains(new PeerEvent.SessionEnded(1), fixture.Events());
        Assert.NotEqual(ReceivedKind.Payload, fixture.Receive(fixture.Seal(sessions[0], [2])).Kind);
        Assert.Equal([3], fixture.Receive(fixture.Seal(sessions[1], [3])).Payload);
        Assert.Equal([4], fixture.Receive(fixture.Seal(fourth, [4])).Payload);
    }

    //= spec/p2pke.md#direct-first-send
    //= spec/p2pke.md#direct-prefer-own
    [Fact]
    public void The_first_datagram_on_a_session_of_a_possible_reference_starts_a_handshake_of_ours_and_waits_for_it()
    {
        using var fixture = new PeerFixture();
        fixture.Adopt();
        fixture.Sent();

        Assert.Equal(SealResult.Queued, fixture.Send([1], out _));
        var own = fixture.Answer();
        var sent = fixture.Advance(TimeSpan.FromMilliseconds(100));

        Assert.Equal([1], fixture.Open(own, sent[^1].Packet));
    }

    //= spec/p2pke.md#direct-prefer-own
    [Fact]
    public void When_our_handshake_failed_a_possible_references_session_serves()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.Adopt();
        fixture.Sent();
        fixture.Send([1], out _);

        var sent = fixture.Advance(SpecLimits.DialDeadline);

        Assert.Equal([1], fixture.Open(remote, sent[^1].Packet));
        Assert.Contains(new PeerEvent.AttemptFailed(CloseReason.TimedOut), fixture.Events());
    }

    //= spec/p2pke.md#direct-hold
    //= spec/p2pke.md#direct-prefer-own
    [Fact]
    public void While_our_second_handshake_runs_data_wait_although_a_session_of_the_other_role_lives()
    {
        using var fixture = new PeerFixture();
        var own = fixture.Dial();
        fixture.Advance(TimeSpan.FromMilliseconds(100));
        fixture.Send([1], out var first);
        Assert.Equal([1], fixture.Open(own, first));
        fixture.Adopt();
        fixture.Sent();
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);

        Assert.Equal(SealResult.Queued, fixture.Send([2], out _));
        var second = fixture.Answer();
        var sent = fixture.Advance(TimeSpan.FromMilliseconds(100));

        Assert.Equal([2], fixture.Open(second, sent[^1].Packet));
    }

    private static Protocol.Sessions.Session Mirror(PeerFixture fixture)
    {
        using var other = new PeerFixture { Now = fixture.Now };
        return other.Adopt();
    }
}
