using System.Buffers.Binary;
using PacketSec.Crypto;
using PacketSec.Protocol.Schemes;

namespace PacketSec.Protocol.Tests.Machines;

public sealed class EndpointMachineTests
{
    private const uint Closing = 0xFFFFFFFF;

    //= spec/p2pke.md#init-hello-repeat
    //= spec/p2pke.md#sealed-once
    //= spec/sessions.md#unvalidated-answer
    [Fact]
    public void Each_copy_of_a_first_message_draws_the_same_answer_and_begins_nothing()
    {
        using var fixture = new EndpointFixture();
        var stranger = fixture.NewStranger();
        var hello = stranger.NewInitHello();
        fixture.Receive(stranger.Address, hello);
        fixture.RunWork();
        var answer = Assert.Single(fixture.Sent());

        Assert.Equal((ReceivedKind.CachedAnswer, DropReason.None), fixture.Receive(stranger.Address, hello));

        Assert.Equal(answer.Packet, Assert.Single(fixture.Sent()).Packet);
        Assert.False(fixture.Machine.TryTakeWork(out _));
        Assert.Equal(1, fixture.Machine.HandshakesBegun);
        Assert.Equal(1, fixture.Machine.CachedAnswers);
        Assert.True(answer.Packet.Length <= 3 * hello.Length);
    }

    [Fact]
    public void A_copy_that_comes_while_the_answer_is_made_draws_its_own_copy_of_it()
    {
        using var fixture = new EndpointFixture();
        var stranger = fixture.NewStranger();
        var hello = stranger.NewInitHello();
        fixture.Receive(stranger.Address, hello);
        fixture.Receive(stranger.Address, hello);
        fixture.RunWork();

        var sent = fixture.Sent();
        Assert.Equal(2, sent.Count);
        Assert.Equal(sent[0].Packet, sent[1].Packet);
    }

    //= spec/p2pke.md#init-hello-other
    //= spec/p2pke.md#ephemeral-fresh
    [Fact]
    public void Another_first_message_or_the_same_from_elsewhere_is_a_handshake_of_its_own()
    {
        using var fixture = new EndpointFixture();
        var stranger = fixture.NewStranger();
        var hello = stranger.NewInitHello();
        fixture.Receive(stranger.Address, hello);
        fixture.Receive(stranger.Address, stranger.NewInitHello());
        fixture.Receive(EndpointFixture.Address(77), hello);
        fixture.RunWork();

        var ephemerals = fixture.Sent().Select(sent => Convert.ToHexString(sent.Packet.AsSpan(4, 32))).ToHashSet();
        Assert.Equal(3, ephemerals.Count);
        Assert.Equal(3, fixture.Machine.HalfOpen);
    }

    [Fact]
    public void A_finish_that_verifies_becomes_a_session_of_the_identity_it_proves()
    {
        using var fixture = new EndpointFixture();
        var stranger = fixture.NewStranger();
        var (_, done, session) = stranger.Complete();

        var established = Assert.Single(fixture.Events().OfType<EndpointEvent.SessionEstablished>());
        Assert.Equal(stranger.Identity.PeerId, established.Session.RemotePeer);
        Assert.Equal(stranger.Address, established.Session.Path.Remote);
        Assert.Equal(session.SendKey.Span.ToArray(), established.Session.ReceiveKey.Span.ToArray());
        Assert.Equal(0, fixture.Machine.HalfOpen);
        Assert.Equal((ReceivedKind.Dropped, DropReason.NoHandshake), fixture.Receive(stranger.Address, done));
        established.Session.Dispose();
        session.Dispose();
    }

    [Fact]
    public void A_first_message_without_a_direct_scheme_is_dropped()
    {
        using var fixture = new EndpointFixture(directScheme: null);
        var stranger = fixture.NewStranger();

        Assert.Equal((ReceivedKind.Dropped, DropReason.NoDirectScheme), fixture.Receive(stranger.Address, stranger.NewInitHello()));
    }

    [Fact]
    public void An_unknown_direct_scheme_is_a_callers_error()
        => Assert.Contains("p2pke-1", Assert.Throws<ArgumentException>(() => new EndpointFixture(directScheme: "p2pke-9")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(0x80000001u, 60, DropReason.NoHandshake)]
    [InlineData(0x00000002u, 60, DropReason.NoHandshake)]
    [InlineData(0x00000001u, 60, DropReason.UnexpectedHandshake)]
    [InlineData(0x80000000u, 60, DropReason.UnexpectedHandshake)]
    [InlineData(0x80000002u, 60, DropReason.UnexpectedHandshake)]
    [InlineData(0x00000003u, 60, DropReason.ReservedCounter)]
    [InlineData(0x8000000Fu, 60, DropReason.ReservedCounter)]
    [InlineData(0x00000010u, 60, DropReason.UnknownAddress)]
    [InlineData(0x7FFFFFFFu, 60, DropReason.UnknownAddress)]
    [InlineData(0x00000010u, 19, DropReason.TooShort)]
    [InlineData(0x00000002u, 19, DropReason.TooShort)]
    [InlineData(0x80000001u, 51, DropReason.TooShort)]
    public void What_a_stranger_sends_out_of_turn_is_dropped_by_its_first_word_and_answered_by_nothing(uint word, int length, DropReason reason)
    {
        using var fixture = new EndpointFixture();
        var datagram = new byte[length];
        BinaryPrimitives.WriteUInt32BigEndian(datagram, word);
        var before = fixture.Machine.StateDigest();

        Assert.Equal((ReceivedKind.Dropped, reason), fixture.Receive(EndpointFixture.Address(9), datagram));

        Assert.Equal(before, fixture.Machine.StateDigest());
        Assert.Equal(1, fixture.Machine.Drops[reason]);
        Assert.Equal(1, fixture.Machine.Drops.Total);
        Assert.Empty(fixture.Sent());
    }

    //= spec/sessions.md#counters-by-word
    [Theory]
    [InlineData(null)]
    [InlineData("p2pke-1")]
    [InlineData("secret-handshake-1")]
    public void Reserved_counters_and_wrong_directions_are_told_by_the_word_whatever_is_served(string? served)
    {
        using var fixture = new EndpointFixture(served);
        for (var counter = 0u; counter < SpecLimits.FirstDataCounter; counter++)
        {
            foreach (var direction in new[] { 0u, 0x80000000u })
            {
                var datagram = new byte[60];
                BinaryPrimitives.WriteUInt32BigEndian(datagram, counter | direction);
                var reason = fixture.Receive(EndpointFixture.Address(9), datagram).Reason;
                var isReserved = counter % 4 == 3 || counter >= 12;
                var isWrong = !isReserved && (counter % 4 == 1) == (direction == 0);
                Assert.Equal((isReserved, isWrong), (reason == DropReason.ReservedCounter, reason == DropReason.UnexpectedHandshake));
            }
        }
    }

    //= spec/p2pke.md#own-key
    [Fact]
    public void An_endpoints_own_first_message_is_a_reflection()
    {
        using var fixture = new EndpointFixture();
        var mirror = new Stranger(fixture, fixture.Identity, EndpointFixture.Address(9));
        fixture.Receive(mirror.Address, mirror.NewInitHello());
        fixture.RunWork();

        Assert.Equal(1, fixture.Machine.Drops[DropReason.OwnKey]);
        Assert.Empty(fixture.Sent());
        Assert.Equal(0, fixture.Machine.HalfOpen);
    }

    //= spec/p2pke.md#init-done-tag
    [Fact]
    public void A_forged_finish_leaves_the_true_one_its_place()
    {
        using var fixture = new EndpointFixture();
        var stranger = fixture.NewStranger();
        var hello = stranger.NewInitHello();
        fixture.Receive(stranger.Address, hello);
        fixture.RunWork();
        var (done, session) = stranger.Finish(hello, fixture.Sent().Single().Packet);
        var forged = done.ToArray();
        forged[^1] ^= 1;

        fixture.Receive(stranger.Address, forged);
        fixture.RunWork();
        Assert.Equal(1, fixture.Machine.Drops[DropReason.NotAuthentic]);
        fixture.Receive(stranger.Address, done);
        fixture.RunWork();

        Assert.Single(fixture.Events().OfType<EndpointEvent.SessionEstablished>());
        session.Dispose();
    }

    [Fact]
    public void A_finish_from_another_address_finds_no_handshake()
    {
        using var fixture = new EndpointFixture();
        var stranger = fixture.NewStranger();
        var hello = stranger.NewInitHello();
        fixture.Receive(stranger.Address, hello);
        fixture.RunWork();
        var (done, session) = stranger.Finish(hello, fixture.Sent().Single().Packet);

        Assert.Equal((ReceivedKind.Dropped, DropReason.NoHandshake), fixture.Receive(EndpointFixture.Address(200, 4001), done));
        session.Dispose();
    }

    [Fact]
    public void A_handshake_is_forgotten_at_the_deadline_and_lives_until_then()
    {
        using var fixture = new EndpointFixture();
        var empty = fixture.Machine.StateDigest();
        var settled = fixture.Machine.StateDigest(withHalfOpen: false);
        var stranger = fixture.NewStranger();
        fixture.Receive(stranger.Address, stranger.NewInitHello());
        fixture.RunWork();
        fixture.Sent();
        Assert.NotEqual(empty, fixture.Machine.StateDigest());
        Assert.Equal(settled, fixture.Machine.StateDigest(withHalfOpen: false));
        Assert.Equal(fixture.Now + SpecLimits.DialDeadline, fixture.Machine.NextDeadline);

        fixture.Now = new(fixture.Machine.NextDeadline!.Value.Nanoseconds - 1);
        fixture.Machine.HandleTimeout(fixture.Now);
        Assert.Equal(1, fixture.Machine.HalfOpen);
        fixture.Now = new(fixture.Now.Nanoseconds + 1);
        fixture.Machine.HandleTimeout(fixture.Now);

        Assert.Equal(0, fixture.Machine.HalfOpen);
        Assert.Equal(empty, fixture.Machine.StateDigest());
        Assert.Null(fixture.Machine.NextDeadline);
    }

    //= spec/sessions.md#refusal
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_application_decides_and_no_is_the_closing_message(bool allow)
    {
        using var fixture = new EndpointFixture(ask: true);
        var stranger = fixture.NewStranger();
        var (_, done, session) = stranger.Complete();
        var question = Assert.IsType<EndpointEvent.DecisionRequested>(Assert.Single(fixture.Events()));
        Assert.Equal(stranger.Identity.PeerId, question.Peer);
        Assert.Empty(fixture.Sent());

        fixture.Machine.Decide(fixture.Now, question.Id, allow);

        if (allow)
        {
            Assert.Single(fixture.Events().OfType<EndpointEvent.SessionEstablished>());
            Assert.Empty(fixture.Sent());
        }
        else
        {
            Assert.Empty(fixture.Events());
            AssertClosing(Assert.Single(fixture.Sent()).Packet, session);
            fixture.Receive(stranger.Address, done);
            AssertClosing(Assert.Single(fixture.Sent()).Packet, session);
        }

        fixture.Machine.Decide(fixture.Now, question.Id, true);
        Assert.Empty(fixture.Events());
        session.Dispose();
    }

    //= spec/sessions.md#refusal
    //= spec/threat-model.md#decision-after-proof
    [Fact]
    public void No_answer_by_the_deadline_is_a_refusal()
    {
        using var fixture = new EndpointFixture(ask: true);
        var (_, _, session) = fixture.NewStranger().Complete();
        var question = Assert.IsType<EndpointEvent.DecisionRequested>(Assert.Single(fixture.Events()));

        fixture.Now += SpecLimits.DialDeadline;
        fixture.Machine.HandleTimeout(fixture.Now);

        AssertClosing(Assert.Single(fixture.Sent()).Packet, session);
        fixture.Machine.Decide(fixture.Now, question.Id, true);
        Assert.Empty(fixture.Events());
        Assert.Equal(0, fixture.Machine.HalfOpen);
        session.Dispose();
    }

    //= spec/sessions.md#identity-address
    [Fact]
    public void Another_identity_at_the_address_of_a_live_session_is_dropped_until_that_session_ends()
    {
        using var fixture = new EndpointFixture();
        var holder = fixture.NewStranger(2, host: 8);
        holder.Complete();
        var established = fixture.Events().OfType<EndpointEvent.SessionEstablished>().Single();
        fixture.Machine.HandleRouteChange(established.Peer, new(holder.Address, RouteUse.Session));
        var other = fixture.NewStranger(3, host: 8);

        fixture.Receive(other.Address, other.NewInitHello());
        fixture.RunWork();
        Assert.Equal(1, fixture.Machine.Drops[DropReason.AddressHeldByAnother]);
        Assert.Empty(fixture.Sent());

        fixture.Machine.HandleRouteChange(established.Peer, new(holder.Address, RouteUse.None));
        other.Complete();
        Assert.Equal(other.Identity.PeerId, fixture.Events().OfType<EndpointEvent.SessionEstablished>().Single().Session.RemotePeer);
        established.Session.Dispose();
    }

    [Fact]
    public void A_closing_endpoint_takes_nothing_new_and_forgets_what_is_half_open()
    {
        using var fixture = new EndpointFixture();
        var stranger = fixture.NewStranger();
        fixture.Receive(stranger.Address, stranger.NewInitHello());
        fixture.RunWork();

        fixture.Machine.Close();

        Assert.Equal(0, fixture.Machine.HalfOpen);
        Assert.Equal((ReceivedKind.Dropped, DropReason.EndpointClosing), fixture.Receive(stranger.Address, stranger.NewInitHello()));
    }

    //= spec/sessions.md#closing-channel
    [Fact]
    public void A_retired_peer_keeps_its_routes_and_leaves_its_identity_to_the_next_channel()
    {
        using var fixture = new EndpointFixture();
        var stranger = fixture.NewStranger();
        stranger.Complete();
        var first = fixture.Events().OfType<EndpointEvent.SessionEstablished>().Single();
        fixture.Machine.HandleRouteChange(first.Peer, new(stranger.Address, RouteUse.Session));

        fixture.Machine.RetirePeer(first.Peer);
        stranger.Complete();

        var second = fixture.Events().OfType<EndpointEvent.SessionEstablished>().Single();
        Assert.NotEqual(first.Peer, second.Peer);
        Assert.True(fixture.Machine.TryRoute(stranger.Address, out var route));
        Assert.Equal(first.Peer, route[0]);
        first.Session.Dispose();
        second.Session.Dispose();
    }

    [Fact]
    public void A_closed_peer_leaves_no_route_behind()
    {
        using var fixture = new EndpointFixture();
        var stranger = fixture.NewStranger();
        stranger.Complete();
        var established = fixture.Events().OfType<EndpointEvent.SessionEstablished>().Single();
        fixture.Machine.HandleRouteChange(established.Peer, new(stranger.Address, RouteUse.Session));
        Assert.True(fixture.Machine.TryRoute(stranger.Address, out var route));
        Assert.Equal(established.Peer, route[0]);
        Assert.False(route.HasHalfOpen);

        fixture.Machine.ClosePeer(established.Peer);

        Assert.False(fixture.Machine.TryRoute(stranger.Address, out _));
        established.Session.Dispose();
    }

    private static void AssertClosing(byte[] packet, EstablishedSession session)
    {
        using var aead = CryptoProvider.Default.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
        Assert.Equal(Closing, BinaryPrimitives.ReadUInt32BigEndian(packet));
        Assert.True(PacketAead.TryOpen(aead, session.ReceiveKey.Span, Wire.PacketCounter.Closing, packet, []));
    }
}
