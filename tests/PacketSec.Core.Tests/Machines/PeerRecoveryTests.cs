using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Schemes.SecretHandshake;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Protocol.Tests.Machines;

/// <summary>What a peer does when its handshakes fail, when its peer falls silent or leaves, and that no deadline is left in the past.</summary>
public sealed class PeerRecoveryTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    [Fact]
    public void A_keepalive_towards_a_possible_reference_sends_nothing_and_keeps_no_driver_busy()
    {
        using var fixture = WithKeepalive();
        fixture.Dial();

        var wakeUps = Wakes(fixture, TimeSpan.FromSeconds(50));

        Assert.InRange(wakeUps, 1, 200);
    }

    [Fact]
    public void A_keepalive_goes_on_after_the_peer_has_become_known()
    {
        using var fixture = WithKeepalive();
        var remote = fixture.Adopt();
        fixture.Advance(TimeSpan.FromSeconds(16));
        fixture.Receive(fixture.Seal(remote, []));
        fixture.Sent();

        Assert.Single(fixture.Advance(TimeSpan.FromSeconds(16)));
    }

    //= spec/sessions.md#closing-received
    [Fact]
    public void Late_data_on_a_closed_session_leaves_no_deadline_in_the_past()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.Adopt();
        fixture.Sent();
        fixture.Advance(TimeSpan.FromSeconds(54));
        var late = fixture.Seal(remote, [1]);
        fixture.Receive(remote.SealClosing(fixture.Aead));

        Assert.Equal([1], fixture.Receive(late).Payload);

        fixture.Machine.HandleTimeout(fixture.Now);
        Assert.True(fixture.Machine.NextDeadline > fixture.Now);
    }

    //= spec/p2pke.md#dial-deadline
    [Fact]
    public void A_handshake_that_is_not_confirmed_ends_at_the_deadline_of_its_attempt_and_sends_nothing_more()
    {
        using var fixture = new PeerFixture();
        fixture.AdoptKnown();
        fixture.Advance(TimeSpan.FromSeconds(61));
        var start = fixture.Now;
        Assert.Equal(SealResult.Queued, fixture.Send([1], out _));
        fixture.Now += TimeSpan.FromMilliseconds(200);
        fixture.Answer();

        var sent = fixture.Advance(start + SpecLimits.DialDeadline - fixture.Now);

        Assert.Contains(new PeerEvent.AttemptFailed(CloseReason.TimedOut), fixture.Events());
        Assert.Contains(sent, entry => PeerFixture.Word(entry.Packet) == P2pkeScheme.InitDoneWord);
        Assert.Equal(SealResult.Queued, fixture.Send([2], out _));
        Assert.Empty(fixture.Advance(TimeSpan.FromSeconds(2) - Tick));
    }

    //= spec/p2pke.md#dial-deadline
    [Fact]
    public void A_dial_whose_finish_draws_no_answer_fails_at_its_deadline()
    {
        using var fixture = new PeerFixture();
        fixture.AdoptKnown();
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        var start = fixture.Now;
        fixture.Now += TimeSpan.FromSeconds(0.1);
        fixture.Answer();
        fixture.Events();

        fixture.Advance(start + SpecLimits.DialDeadline - fixture.Now - Tick);
        Assert.DoesNotContain(new PeerEvent.AttemptFailed(CloseReason.TimedOut), fixture.Events());
        fixture.Advance(Tick);

        var events = fixture.Events();
        Assert.Contains(new PeerEvent.AttemptFailed(CloseReason.TimedOut), events);
        Assert.Contains(new PeerEvent.SessionEnded(2), events);
    }

    //= spec/p2pke.md#dial-deadline
    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(60)]
    public void A_dial_that_nothing_confirms_fails_also_where_its_session_has_a_shorter_life_than_the_dial(int seconds)
    {
        using var fixture = new PeerFixture(options => WithLifetime(options, seconds));
        fixture.AdoptKnown();
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.Now += TimeSpan.FromSeconds(0.1);
        fixture.Answer();
        fixture.Events();

        fixture.Advance(SpecLimits.DialDeadline);
        Assert.Single(fixture.Events(), new PeerEvent.AttemptFailed(CloseReason.TimedOut));
    }

    //= spec/psec.md#win-unconfirmed
    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(60)]
    public void A_channel_whose_initiator_never_proves_itself_ends_also_where_sessions_have_a_short_life(int seconds)
    {
        using var fixture = new PeerFixture(options => WithLifetime(options, seconds));
        fixture.Adopt(scheme: SecretHandshakeScheme.SchemeName);

        fixture.Advance(SpecLimits.DialDeadline);
        Assert.Equal(new PeerEvent.Closed(CloseReason.TimedOut), fixture.Events()[^1]);
        Assert.Null(fixture.Machine.NextDeadline);
    }

    //= spec/sessions.md#dead-backoff
    [Fact]
    public void A_rekey_that_comes_due_waits_for_the_backoff_of_a_failed_handshake()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.AdoptKnown();
        fixture.Receive(fixture.Seal(remote, [1]));
        fixture.Advance(TimeSpan.FromSeconds(40));
        fixture.Send([1], out _);

        // Starts 2 s later, fails at 52 s: the time of the rekey, and 2 s before the next one may start.
        var sent = fixture.Advance(TimeSpan.FromSeconds(12));
        Assert.Contains(sent, entry => PeerFixture.Word(entry.Packet) == P2pkeScheme.InitHelloWord);
        Assert.Empty(fixture.Advance(TimeSpan.FromSeconds(2) - Tick));
        Assert.NotEmpty(fixture.Advance(Tick));
    }

    //= spec/sessions.md#closing-channel
    [Fact]
    public void A_newer_session_that_its_initiator_never_proved_does_not_keep_a_channel_that_the_peer_closed()
    {
        using var fixture = new PeerFixture();
        var kept = fixture.Adopt(seed: 1, scheme: SecretHandshakeScheme.SchemeName);
        var other = fixture.Adopt(seed: 11, scheme: SecretHandshakeScheme.SchemeName);
        Assert.Equal([1], fixture.Receive(fixture.Seal(kept, [1])).Payload);
        fixture.Sent();
        fixture.Events();

        Assert.Equal(ReceivedKind.Control, fixture.Receive(kept.SealClosing(fixture.Aead)).Kind);
        Assert.Equal(SealResult.Closed, fixture.Send([1], out _));
        Assert.NotEqual(ReceivedKind.Payload, fixture.Receive(fixture.Seal(other, [1])).Kind);
        Assert.Empty(fixture.Advance(SpecLimits.CloseLinger));
        Assert.Equal(new PeerEvent.Closed(CloseReason.PeerClosed), fixture.Events()[^1]);
    }

    //= spec/sessions.md#closing-channel
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_peer_that_closed_while_a_handshake_of_ours_ran_has_closed_the_channel_when_that_fails(bool answered)
    {
        using var fixture = new PeerFixture();
        var remote = fixture.AdoptKnown();
        fixture.Now += TimeSpan.FromSeconds(1);
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.RunWork();
        if (answered)
        {
            fixture.Answer();
        }

        fixture.Receive(remote.SealClosing(fixture.Aead));
        Assert.True(fixture.Machine.IsOpen);
        fixture.Events();

        fixture.Advance(SpecLimits.DialDeadline + TimeSpan.FromSeconds(1));

        Assert.Contains(new PeerEvent.Closed(CloseReason.PeerClosed), fixture.Events());
        Assert.Null(fixture.Machine.NextDeadline);
    }

    //= spec/sessions.md#closing-channel
    [Fact]
    public void A_channel_goes_on_when_a_handshake_later_than_the_closed_session_is_confirmed()
    {
        using var fixture = new PeerFixture();
        var old = fixture.AdoptKnown();
        fixture.Now += TimeSpan.FromSeconds(1);
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.Receive(old.SealClosing(fixture.Aead));
        var newer = fixture.Answer();
        fixture.Receive(fixture.Seal(newer, []));

        fixture.Advance(SpecLimits.DialDeadline * 2);

        Assert.True(fixture.Machine.IsOpen);
    }

    //= spec/sessions.md#closing-channel
    [Fact]
    public void A_handshake_of_ours_that_began_before_the_closed_session_does_not_keep_the_channel()
    {
        using var fixture = new PeerFixture();
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.Advance(TimeSpan.FromMilliseconds(100));
        var remote = fixture.AdoptKnown();
        fixture.Receive(remote.SealClosing(fixture.Aead));

        var sent = fixture.Advance(TimeSpan.FromSeconds(1));

        Assert.Contains(new PeerEvent.Closed(CloseReason.PeerClosed), fixture.Events());
        Assert.Empty(sent);
    }

    //= spec/p2pke.md#direct-hold
    //= spec/p2pke.md#direct-close
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void After_a_handshake_that_came_to_nothing_a_possible_reference_gets_nothing_on_our_older_session(bool cancelled)
    {
        using var fixture = new PeerFixture();
        var old = fixture.Dial();
        fixture.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([1], fixture.Receive(fixture.Seal(old, [1])).Payload);
        Assert.Equal(SealResult.Sealed, fixture.Send([2], out _));

        // Its half may have been reset by our InitHello.
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.Advance(cancelled ? TimeSpan.FromSeconds(1) : SpecLimits.DialDeadline);
        if (cancelled)
        {
            fixture.Machine.CancelConnect(fixture.Now);
        }

        Assert.Equal(SealResult.Queued, fixture.Send([3], out _));
        fixture.Advance(TimeSpan.FromSeconds(1.9));
        fixture.Machine.CancelConnect(fixture.Now);
        fixture.Machine.Close(fixture.Now);
        Assert.Empty(fixture.Advance(TimeSpan.FromSeconds(1)));
    }

    //= spec/p2pke.md#direct-hold
    [Fact]
    public void After_a_handshake_that_failed_a_possible_reference_gets_data_on_the_next_session_of_ours()
    {
        using var fixture = new PeerFixture();
        fixture.Dial();
        fixture.Advance(TimeSpan.FromSeconds(1));
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.Advance(SpecLimits.DialDeadline);
        Assert.Equal(SealResult.Queued, fixture.Send([3], out _));

        fixture.Advance(TimeSpan.FromSeconds(2) - Tick);
        fixture.Now += Tick;
        fixture.Machine.HandleTimeout(fixture.Now);
        var next = fixture.Answer();

        Assert.Contains(fixture.Advance(TimeSpan.FromSeconds(1)), entry => fixture.Open(next, entry.Packet) is [3]);
    }

    [Fact]
    public void A_second_dial_of_an_address_waits_for_the_finish_of_the_first()
    {
        using var fixture = new PeerFixture();
        fixture.Dial();
        fixture.Sent();

        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.RunWork();

        Assert.Empty(fixture.Sent());
    }

    //= spec/sessions.md#idle-timeout
    [Fact]
    public void Datagrams_that_wait_do_not_keep_a_channel_whose_peer_is_gone()
    {
        using var fixture = new PeerFixture();
        fixture.AdoptKnown();
        fixture.Advance(TimeSpan.FromSeconds(61));
        fixture.Send([1], out _);

        fixture.Advance(TimeSpan.FromMinutes(10) + SpecLimits.DialDeadline);

        Assert.Contains(new PeerEvent.Closed(CloseReason.IdleTimeout), fixture.Events());
    }

    //= spec/sessions.md#dead-session
    [Fact]
    public void Silence_while_a_finish_waits_for_its_answer_starts_no_second_handshake()
    {
        using var fixture = new PeerFixture();
        fixture.AdoptKnown();
        fixture.Send([1], out _);
        fixture.Advance(TimeSpan.FromSeconds(2));
        fixture.Send([2], out _);
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.Advance(TimeSpan.FromSeconds(0.4));
        var hello = fixture.Advance(TimeSpan.FromSeconds(0.5)).First(entry => PeerFixture.Word(entry.Packet) == P2pkeScheme.InitHelloWord).Packet;
        var (respHello, _) = fixture.Respond(hello);
        fixture.Receive(respHello);
        fixture.RunWork();

        var sent = fixture.Advance(TimeSpan.FromSeconds(5));

        Assert.DoesNotContain(sent, entry => PeerFixture.Word(entry.Packet) == P2pkeScheme.InitHelloWord);
    }

    //= spec/sessions.md#dead-session
    [Fact]
    public void A_session_that_counts_as_confirmed_restarts_the_wait_for_a_listening_reference()
    {
        using var fixture = new PeerFixture();
        fixture.Dial();
        fixture.Advance(TimeSpan.FromSeconds(1));
        fixture.Send([1], out _);
        fixture.Advance(TimeSpan.FromSeconds(8));
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.Answer();
        fixture.Advance(TimeSpan.FromSeconds(1));
        fixture.Send([2], out _);

        var sent = fixture.Advance(TimeSpan.FromSeconds(10) - Tick);
        Assert.DoesNotContain(sent, entry => PeerFixture.Word(entry.Packet) == P2pkeScheme.InitHelloWord);
        Assert.Contains(fixture.Advance(Tick), entry => PeerFixture.Word(entry.Packet) == P2pkeScheme.InitHelloWord);
    }

    //= spec/sessions.md#send-starts
    [Fact]
    public void A_cancelled_redial_leaves_nothing_queued_without_a_handshake()
    {
        using var fixture = new PeerFixture();
        fixture.AdoptKnown();
        fixture.Advance(TimeSpan.FromSeconds(61));
        fixture.Machine.Connect(fixture.Now, EndpointFixture.PathFrom(EndpointFixture.Address(77)));
        Assert.Equal(SealResult.Queued, fixture.Send([1], out _));

        fixture.Machine.CancelConnect(fixture.Now);
        var remote = fixture.Answer();

        Assert.Equal([1], fixture.Open(remote, fixture.Sent()[^1]));
    }

    //= spec/sessions.md#retire
    [Fact]
    public void Any_packet_of_ours_at_a_new_address_lets_an_answer_there_retire_the_old_session()
    {
        using var fixture = new PeerFixture();
        var old = fixture.AdoptKnown();
        var packet = fixture.Seal(old, [1]);
        var moved = EndpointFixture.PathFrom(EndpointFixture.Address(60));
        var newer = fixture.Adopt(seed: 20, path: moved);
        Assert.Single(fixture.Sent());
        fixture.Now += TimeSpan.FromMilliseconds(50);
        fixture.Receive(fixture.Seal(newer, [2]), moved);

        fixture.Advance(TimeSpan.FromSeconds(3));

        Assert.NotEqual(ReceivedKind.Payload, fixture.Receive(packet).Kind);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_time_that_no_clock_can_reach_is_a_callers_error(bool idle)
        => Assert.Throws<ArgumentException>(() => new PeerFixture(options => new PeerMachineOptions
        {
            Crypto = options.Crypto,
            Random = options.Random,
            Identity = options.Identity,
            RemotePeer = options.RemotePeer,
            WallClock = options.WallClock,
            IdleTimeout = idle ? TimeSpan.MaxValue : null,
            Keepalive = idle ? null : TimeSpan.MaxValue,
        }));

    private static PeerFixture WithKeepalive() => new(options => new PeerMachineOptions
    {
        Crypto = options.Crypto,
        Random = options.Random,
        Identity = options.Identity,
        RemotePeer = options.RemotePeer,
        WallClock = options.WallClock,
        Keepalive = TimeSpan.FromSeconds(15),
    });

    private static int Wakes(PeerFixture fixture, TimeSpan during)
    {
        var end = fixture.Now + during;
        var wakes = 0;
        while (wakes < 1000 && fixture.Machine.NextDeadline is { } next && next <= end)
        {
            wakes++;
            fixture.Now = next > fixture.Now ? next : fixture.Now;
            fixture.Machine.HandleTimeout(fixture.Now);
            fixture.Sent();
        }

        return wakes;
    }

    private static PeerMachineOptions WithLifetime(PeerMachineOptions options, int seconds) => new()
    {
        Crypto = options.Crypto,
        Random = options.Random,
        Identity = options.Identity,
        RemotePeer = options.RemotePeer,
        WallClock = options.WallClock,
        Lifetimes = SessionLifetimes.Shortened(TimeSpan.FromSeconds(seconds)),
    };
}
