using PacketSec.Protocol.Schemes.P2pke;

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
}
