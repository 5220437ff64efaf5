namespace PacketSec.Protocol.Tests.Machines;

/// <summary>That a bound holds to the end, that each datagram counts once, and that strangers cannot use up what live channels need.</summary>
public sealed class EndpointFairnessTests
{
    private static readonly (ReceivedKind, DropReason) Taken = (ReceivedKind.Handshake, DropReason.None);

    //= spec/sessions.md#admission
    [Fact]
    public void Two_identities_that_the_application_allows_at_once_do_not_share_the_last_place()
    {
        using var fixture = new EndpointFixture(ask: true, inbound: 1);
        var (_, _, first) = fixture.NewStranger(2, host: 2).Complete();
        var (_, _, second) = fixture.NewStranger(3, host: 3).Complete();
        foreach (var question in fixture.Events().Cast<EndpointEvent.DecisionRequested>())
        {
            fixture.Machine.Decide(fixture.Now, question.Id, allow: true);
        }

        var established = Assert.Single(fixture.Events().OfType<EndpointEvent.SessionEstablished>());
        Assert.Equal(EndpointFixture.Address(3), Assert.Single(fixture.Sent()).To);
        Assert.Equal(1, fixture.Machine.Drops[DropReason.Refused]);
        established.Session.Dispose();
        first.Dispose();
        second.Dispose();
    }

    //= spec/sessions.md#identity-address
    [Fact]
    public void An_identity_allowed_after_another_one_has_taken_its_address_gets_no_session()
    {
        using var fixture = new EndpointFixture(ask: true);
        var (_, _, first) = fixture.NewStranger(2, host: 2).Complete();
        var (_, _, second) = fixture.NewStranger(3, host: 2).Complete();
        var questions = fixture.Events().Cast<EndpointEvent.DecisionRequested>().ToList();
        fixture.Machine.Decide(fixture.Now, questions[0].Id, allow: true);
        var established = Assert.Single(fixture.Events().OfType<EndpointEvent.SessionEstablished>());
        fixture.Machine.HandleRouteChange(established.Peer, new(EndpointFixture.Address(2), RouteUse.Session));

        fixture.Machine.Decide(fixture.Now, questions[1].Id, allow: true);

        Assert.Empty(fixture.Events());
        Assert.Equal(1, fixture.Machine.Drops[DropReason.AddressHeldByAnother]);
        established.Session.Dispose();
        first.Dispose();
        second.Dispose();
    }

    //= spec/sessions.md#drop-reasons
    [Theory]
    [InlineData("bound")]
    [InlineData("application")]
    [InlineData("silence")]
    [InlineData("closing")]
    public void A_finish_that_leads_to_no_session_is_counted_once_and_not_as_finished(string why)
    {
        using var fixture = new EndpointFixture(ask: why != "bound", inbound: 1);
        if (why == "bound")
        {
            fixture.NewStranger(9, host: 9).Complete();
        }

        var before = fixture.Machine.HandshakesFinished;
        var (_, _, session) = fixture.NewStranger().Complete();
        var question = fixture.Events().OfType<EndpointEvent.DecisionRequested>().FirstOrDefault();
        switch (why)
        {
            case "application":
                fixture.Machine.Decide(fixture.Now, question!.Id, allow: false);
                break;
            case "silence":
                fixture.Now += SpecLimits.DialDeadline;
                fixture.Machine.HandleTimeout(fixture.Now);
                break;
            case "closing":
                fixture.Machine.Close();
                break;
        }

        Assert.Equal(before, fixture.Machine.HandshakesFinished);
        Assert.Equal(1, fixture.Machine.Drops.Total);
        Assert.Equal(1, fixture.Machine.Drops[why == "closing" ? DropReason.EndpointClosing : DropReason.Refused]);
        session.Dispose();
    }

    //= spec/sessions.md#rekey-admission
    //= spec/threat-model.md#flood-bounded
    [Fact]
    public void First_messages_that_do_not_claim_the_channels_identity_leave_its_rate_to_the_channel()
    {
        using var fixture = new EndpointFixture();
        var peer = Live(fixture, number: 2, host: 3);
        var other = fixture.NewStranger(3, host: 3);
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal((ReceivedKind.Dropped, DropReason.AddressHeldByAnother), fixture.Receive(peer.Address, other.NewInitHello()));
            Assert.Equal((ReceivedKind.Dropped, DropReason.Malformed), fixture.Receive(peer.Address, new byte[190]));
        }

        Assert.Equal(Taken, fixture.Receive(peer.Address, peer.NewInitHello()));
    }

    //= spec/sessions.md#rekey-admission
    //= spec/threat-model.md#flood-bounded
    [Fact]
    public void A_flood_of_strangers_work_leaves_room_for_the_handshakes_of_live_channels()
    {
        using var fixture = new EndpointFixture();
        var peer = Live(fixture, number: 2, host: 3);
        var pending = peer.NewInitHello();
        Assert.Equal(Taken, fixture.Receive(peer.Address, pending));
        fixture.RunWork();
        var (finish, session) = peer.Finish(pending, fixture.Sent().Single().Packet);
        var hello = fixture.NewStranger(4, host: 4).NewInitHello();
        for (var i = 1; i <= ImplementationLimits.EndpointWork; i++)
        {
            Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(i << 8), hello));
        }

        Assert.Equal((ReceivedKind.Dropped, DropReason.WorkFull), fixture.Receive(EndpointFixture.Address(1 << 20), hello));
        Assert.Equal(Taken, fixture.Receive(peer.Address, finish));
        Assert.Equal(Taken, fixture.Receive(peer.Address, peer.NewInitHello()));
        fixture.RunWork();
        Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(1 << 20), hello));
        session.Dispose();
    }

    //= spec/sessions.md#admission
    [Fact]
    public void Work_for_live_channels_is_bounded()
    {
        using var fixture = new EndpointFixture(inbound: 100);
        var peers = Enumerable.Range(0, (ImplementationLimits.EndpointWork / ImplementationLimits.HandshakesPerAddress) + 1)
            .Select(i => Live(fixture, (byte)(10 + i), host: 1000 + (i << 8)))
            .ToList();
        foreach (var peer in peers.SkipLast(1))
        {
            for (var i = 0; i < ImplementationLimits.HandshakesPerAddress; i++)
            {
                Assert.Equal(Taken, fixture.Receive(peer.Address, peer.NewInitHello()));
            }
        }

        Assert.Equal((ReceivedKind.Dropped, DropReason.WorkFull), fixture.Receive(peers[^1].Address, peers[^1].NewInitHello()));
        fixture.RunWork(1);
        Assert.Equal(Taken, fixture.Receive(peers[^1].Address, peers[^1].NewInitHello()));
    }

    //= spec/sessions.md#identity-address
    [Fact]
    public void Each_of_two_identities_that_live_at_one_address_may_renew_its_session()
    {
        using var fixture = new EndpointFixture();
        var first = Live(fixture, number: 2, host: 3);
        var second = fixture.NewStranger(3, host: 3);
        Assert.True(fixture.Machine.TryOpenPeer(second.Identity.PeerId, second.Address, out var handle));
        fixture.Machine.HandleRouteChange(handle, new(second.Address, RouteUse.Session));

        second.Complete();

        Assert.Equal(handle, Assert.Single(fixture.Events().OfType<EndpointEvent.SessionEstablished>()).Peer);
        first.Complete();
        Assert.Single(fixture.Events().OfType<EndpointEvent.SessionEstablished>());
    }

    private static Stranger Live(EndpointFixture fixture, byte number, int host)
    {
        var stranger = fixture.NewStranger(number, host);
        var (_, _, session) = stranger.Complete();
        var established = fixture.Events().OfType<EndpointEvent.SessionEstablished>().Single();
        fixture.Machine.HandleRouteChange(established.Peer, new(stranger.Address, RouteUse.Session));
        established.Session.Dispose();
        session.Dispose();
        return stranger;
    }
}
