namespace PacketSec.Protocol.Tests.Machines;

/// <summary>Every bound on what strangers can make grow: at the bound it is taken, one past it it is dropped for the reason that the table names.</summary>
public sealed class EndpointAdmissionTests
{
    private static readonly (ReceivedKind, DropReason) Taken = (ReceivedKind.Handshake, DropReason.None);

    //= spec/sessions.md#limit-pending-address
    [Fact]
    public void A_fifth_handshake_at_an_address_is_refused_while_four_are_worked_on()
    {
        using var fixture = new EndpointFixture();
        var stranger = fixture.NewStranger();
        for (var i = 0; i < ImplementationLimits.HandshakesPerAddress; i++)
        {
            Assert.Equal(Taken, fixture.Receive(stranger.Address, stranger.NewInitHello()));
        }

        Assert.Equal(Dropped(DropReason.AddressHandshakesFull), fixture.Receive(stranger.Address, stranger.NewInitHello()));
    }

    //= spec/sessions.md#limit-pending-address
    [Fact]
    public void A_fifth_handshake_at_an_address_takes_the_place_of_the_oldest_answered_one()
    {
        using var fixture = new EndpointFixture();
        var stranger = fixture.NewStranger();
        var hellos = Enumerable.Range(0, ImplementationLimits.HandshakesPerAddress).Select(_ => stranger.NewInitHello()).ToList();
        hellos.ForEach(hello => Assert.Equal(Taken, fixture.Receive(stranger.Address, hello)));
        fixture.RunWork();
        var answers = fixture.Sent();

        Assert.Equal(Taken, fixture.Receive(stranger.Address, stranger.NewInitHello()));
        fixture.RunWork();

        Assert.Equal(ImplementationLimits.HandshakesPerAddress, fixture.Machine.HalfOpen);
        var (oldest, _) = stranger.Finish(hellos[0], answers[0].Packet);
        fixture.Receive(stranger.Address, oldest);
        fixture.RunWork();
        Assert.Equal(1, fixture.Machine.Drops[DropReason.NotAuthentic]);
        var (second, _) = stranger.Finish(hellos[1], answers[1].Packet);
        fixture.Receive(stranger.Address, second);
        fixture.RunWork();
        Assert.Single(fixture.Events().OfType<EndpointEvent.SessionEstablished>());
    }

    //= spec/sessions.md#admission
    [Fact]
    public void Handshakes_of_one_network_are_bounded()
    {
        using var fixture = new EndpointFixture();
        var hello = fixture.NewStranger().NewInitHello();
        for (var i = 0; i < ImplementationLimits.HandshakesPerPrefix; i++)
        {
            Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(i & 255, 1000 + i), hello));
            fixture.RunWork();
        }

        Assert.Equal(Dropped(DropReason.PrefixHandshakesFull), fixture.Receive(EndpointFixture.Address(1, 999), hello));
        Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(256), hello));
        fixture.RunWork();

        fixture.Now += SpecLimits.DialDeadline;
        fixture.Machine.HandleTimeout(fixture.Now);
        Assert.Equal(0, fixture.Machine.HalfOpen);
        Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(1, 999), hello));
    }

    //= spec/sessions.md#admission
    [Fact]
    public void Handshakes_in_all_are_bounded()
    {
        using var fixture = new EndpointFixture();
        var hello = fixture.NewStranger().NewInitHello();
        for (var i = 0; i < ImplementationLimits.Handshakes; i++)
        {
            Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(i << 8), hello));
            fixture.RunWork();
        }

        Assert.Equal(Dropped(DropReason.HandshakesFull), fixture.Receive(EndpointFixture.Address(1 << 20), hello));
    }

    //= spec/sessions.md#admission
    [Fact]
    public void Work_that_waits_is_bounded()
    {
        using var fixture = new EndpointFixture();
        var hello = fixture.NewStranger().NewInitHello();
        for (var i = 0; i < ImplementationLimits.EndpointWork; i++)
        {
            Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(i << 8), hello));
        }

        Assert.Equal(Dropped(DropReason.WorkFull), fixture.Receive(EndpointFixture.Address(1 << 20), hello));
        fixture.RunWork(1);
        Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(1 << 20), hello));
    }

    //= spec/sessions.md#admission
    [Fact]
    public void Work_of_one_network_is_bounded_in_each_second()
    {
        using var fixture = new EndpointFixture();
        var bad = fixture.NewStranger().NewBadInitHello();
        for (var i = 0; i < ImplementationLimits.WorkPerPrefixPerSecond; i++)
        {
            Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(7), bad));
            fixture.RunWork();
        }

        Assert.Equal(Dropped(DropReason.PrefixRate), fixture.Receive(EndpointFixture.Address(8), bad));
        Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(1 << 8), bad));
        fixture.Now += TimeSpan.FromSeconds(1);
        Assert.Equal(Taken, fixture.Receive(EndpointFixture.Address(8), bad));
        Assert.Equal(ImplementationLimits.WorkPerPrefixPerSecond, fixture.Machine.Drops[DropReason.BadSignature]);
    }

    //= spec/sessions.md#rekey-admission
    [Fact]
    public void First_messages_from_the_address_of_a_live_session_have_a_rate_of_their_own()
    {
        using var fixture = new EndpointFixture();
        var stranger = fixture.NewStranger(host: 3);
        var (_, _, _) = stranger.Complete();
        var established = fixture.Events().OfType<EndpointEvent.SessionEstablished>().Single();
        fixture.Machine.HandleRouteChange(established.Peer, new(stranger.Address, RouteUse.Session));
        fixture.Now += TimeSpan.FromSeconds(1);
        var bad = fixture.NewStranger(9, host: 4).NewBadInitHello();
        for (var i = 0; i < ImplementationLimits.WorkPerPrefixPerSecond; i++)
        {
            fixture.Receive(EndpointFixture.Address(4), bad);
            fixture.RunWork();
        }

        Assert.Equal(Dropped(DropReason.PrefixRate), fixture.Receive(EndpointFixture.Address(4), bad));
        for (var i = 0; i < ImplementationLimits.WorkPerChannelPerSecond; i++)
        {
            Assert.Equal(Taken, fixture.Receive(stranger.Address, stranger.NewInitHello()));
            fixture.RunWork();
        }

        Assert.Equal(Dropped(DropReason.PrefixRate), fixture.Receive(stranger.Address, stranger.NewInitHello()));
        fixture.Now += TimeSpan.FromSeconds(1);
        Assert.Equal(Taken, fixture.Receive(stranger.Address, stranger.NewInitHello()));
        established.Session.Dispose();
    }

    //= spec/sessions.md#admission
    //= spec/sessions.md#early-data-held
    [Fact]
    public void Early_packets_of_an_address_are_bounded_and_delivered_with_the_session()
    {
        using var fixture = new EndpointFixture();
        var stranger = fixture.NewStranger();
        fixture.Receive(stranger.Address, stranger.NewInitHello());
        fixture.RunWork();
        for (var i = 0; i < ImplementationLimits.EarlyPackets; i++)
        {
            Assert.Equal((ReceivedKind.EarlyData, DropReason.None), fixture.Receive(stranger.Address, Data(100)));
        }

        Assert.Equal(Dropped(DropReason.EarlyDataFull), fixture.Receive(stranger.Address, Data(100)));

        fixture.Now += SpecLimits.DialDeadline;
        fixture.Machine.HandleTimeout(fixture.Now);
        Assert.Equal(ImplementationLimits.EarlyPackets, fixture.Machine.Drops[DropReason.NotAuthentic]);
    }

    //= spec/sessions.md#admission
    [Fact]
    public void Early_bytes_of_an_address_are_bounded()
    {
        using var fixture = new EndpointFixture();
        var stranger = fixture.NewStranger();
        fixture.Receive(stranger.Address, stranger.NewInitHello());

        Assert.Equal((ReceivedKind.EarlyData, DropReason.None), fixture.Receive(stranger.Address, Data(ImplementationLimits.EarlyBytes - 20)));
        Assert.Equal(Dropped(DropReason.EarlyDataFull), fixture.Receive(stranger.Address, Data(21)));
        Assert.Equal((ReceivedKind.EarlyData, DropReason.None), fixture.Receive(stranger.Address, Data(20)));
    }

    //= spec/sessions.md#admission
    [Fact]
    public void Early_bytes_in_all_are_bounded()
    {
        using var fixture = new EndpointFixture();
        var hello = fixture.NewStranger().NewInitHello();
        var addresses = ImplementationLimits.EarlyBytesTotal / ImplementationLimits.EarlyBytes;
        for (var i = 0; i < addresses; i++)
        {
            fixture.Receive(EndpointFixture.Address(i << 8), hello);
            fixture.RunWork();
            Assert.Equal((ReceivedKind.EarlyData, DropReason.None), fixture.Receive(EndpointFixture.Address(i << 8), Data(ImplementationLimits.EarlyBytes)));
        }

        var last = EndpointFixture.Address(addresses << 8);
        var rest = ImplementationLimits.EarlyBytesTotal - (addresses * ImplementationLimits.EarlyBytes);
        fixture.Receive(last, hello);
        Assert.Equal(Dropped(DropReason.EarlyDataFull), fixture.Receive(last, Data(rest + 1)));
        Assert.Equal((ReceivedKind.EarlyData, DropReason.None), fixture.Receive(last, Data(rest)));
    }

    //= spec/sessions.md#admission
    //= spec/sessions.md#refusal
    [Fact]
    public void Inbound_channels_are_bounded_and_the_one_past_the_bound_is_told_so()
    {
        using var fixture = new EndpointFixture(inbound: 2);
        fixture.NewStranger(2, host: 2).Complete();
        fixture.NewStranger(3, host: 3).Complete();
        Assert.Equal(2, fixture.Events().OfType<EndpointEvent.SessionEstablished>().Count());

        var third = fixture.NewStranger(4, host: 4);
        var (_, done, session) = third.Complete();

        Assert.Empty(fixture.Events());
        Assert.Equal(1, fixture.Machine.Drops[DropReason.Refused]);
        var refusal = Assert.Single(fixture.Sent()).Packet;
        Assert.Equal(0xFFFFFFFFu, System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(refusal));
        Assert.Equal((ReceivedKind.CachedAnswer, DropReason.None), fixture.Receive(third.Address, done));
        Assert.Equal(refusal, Assert.Single(fixture.Sent()).Packet);
        session.Dispose();
    }

    //= spec/sessions.md#admission
    [Fact]
    public void Peers_at_one_address_are_bounded()
    {
        using var fixture = new EndpointFixture();
        var address = EndpointFixture.Address(5);
        for (byte i = 0; i < ImplementationLimits.PeersPerAddress; i++)
        {
            Assert.True(fixture.Machine.TryOpenPeer(fixture.NewIdentity((byte)(10 + i)).PeerId, address, out var handle));
            fixture.Machine.HandleRouteChange(handle, new(address, RouteUse.Handshake));
        }

        Assert.False(fixture.Machine.TryOpenPeer(fixture.NewIdentity(20).PeerId, address, out _));
        Assert.True(fixture.Machine.TryOpenPeer(fixture.NewIdentity(20).PeerId, EndpointFixture.Address(6), out _));
        Assert.True(fixture.Machine.TryRoute(address, out var route));
        Assert.Equal(ImplementationLimits.PeersPerAddress, route.Count);

        var refused = fixture.NewStranger(30, host: 5);
        refused.Complete();
        Assert.Equal(1, fixture.Machine.Drops[DropReason.Refused]);
    }

    //= spec/p2pke.md#handshake-size
    [Theory]
    [InlineData(ImplementationLimits.HandshakeMessageSize, ReceivedKind.Handshake, DropReason.None)]
    [InlineData(ImplementationLimits.HandshakeMessageSize + 1, ReceivedKind.Dropped, DropReason.TooLong)]
    [InlineData(36, ReceivedKind.Handshake, DropReason.None)]
    [InlineData(35, ReceivedKind.Dropped, DropReason.TooShort)]
    [InlineData(4, ReceivedKind.Dropped, DropReason.TooShort)]
    [InlineData(3, ReceivedKind.Dropped, DropReason.TooShort)]
    [InlineData(0, ReceivedKind.Dropped, DropReason.TooShort)]
    public void First_messages_have_a_shortest_and_a_longest_form(int length, ReceivedKind kind, DropReason reason)
    {
        using var fixture = new EndpointFixture();

        Assert.Equal((kind, reason), fixture.Receive(EndpointFixture.Address(5), new byte[length]));
        fixture.RunWork();
        Assert.Empty(fixture.Sent());
    }

    private static (ReceivedKind, DropReason) Dropped(DropReason reason) => (ReceivedKind.Dropped, reason);

    private static byte[] Data(int length)
    {
        var datagram = new byte[length];
        datagram[3] = 16;
        return datagram;
    }
}
