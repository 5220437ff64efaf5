using System.Buffers.Binary;

namespace PacketSec.Protocol.Tests.Machines;

/// <summary>What a bound counts is given back when it is used up or forgotten; otherwise a bound closes for good.</summary>
public sealed class EndpointReleaseTests
{
    private static readonly (ReceivedKind, DropReason) Held = (ReceivedKind.EarlyData, DropReason.None);

    private static readonly (ReceivedKind, DropReason) Full = (ReceivedKind.Dropped, DropReason.EarlyDataFull);

    //= spec/sessions.md#admission
    [Fact]
    public void Early_bytes_that_went_to_a_session_are_free_again()
    {
        using var fixture = new EndpointFixture();
        var stranger = fixture.NewStranger();
        var hello = stranger.NewInitHello();
        fixture.Receive(stranger.Address, hello);
        fixture.RunWork();
        var (finish, session) = stranger.Finish(hello, Assert.Single(fixture.Sent()).Packet);
        Assert.Equal(Held, fixture.Receive(stranger.Address, Data(ImplementationLimits.EarlyBytes)));
        var late = FillTheRest(fixture, ImplementationLimits.EarlyBytesTotal - ImplementationLimits.EarlyBytes);
        Assert.Equal(Full, fixture.Receive(late, Data(1000)));

        fixture.Receive(stranger.Address, finish);
        fixture.RunWork();
        var established = Assert.IsType<EndpointEvent.SessionEstablished>(Assert.Single(fixture.Events()));

        Assert.Equal(Held, fixture.Receive(late, Data(1000)));
        established.Session.Dispose();
        session.Dispose();
    }

    //= spec/sessions.md#admission
    [Fact]
    public void Early_bytes_of_forgotten_handshakes_are_free_again()
    {
        using var fixture = new EndpointFixture();
        var late = FillTheRest(fixture, ImplementationLimits.EarlyBytesTotal);
        Assert.Equal(Full, fixture.Receive(late, Data(1000)));

        fixture.Now += SpecLimits.DialDeadline;
        fixture.Machine.HandleTimeout(fixture.Now);
        FillTheRest(fixture, ImplementationLimits.EarlyBytesTotal);
    }

    /// <summary>Fills the store but for less than the smallest packet; returns an address with a handshake and room of its own.</summary>
    private static NetworkAddress FillTheRest(EndpointFixture fixture, int bytes)
    {
        var hello = fixture.NewStranger(3).NewInitHello();
        var host = 0;
        for (; bytes > 0; bytes -= ImplementationLimits.EarlyBytes)
        {
            Begin(EndpointFixture.Address(++host << 8));
            Assert.Equal(Held, fixture.Receive(EndpointFixture.Address(host << 8), Data(Math.Min(bytes, ImplementationLimits.EarlyBytes))));
        }

        var last = EndpointFixture.Address(++host << 8);
        Begin(last);
        return last;

        void Begin(NetworkAddress remote)
        {
            Assert.Equal((ReceivedKind.Handshake, DropReason.None), fixture.Receive(remote, hello));
            fixture.RunWork();
        }
    }

    private static byte[] Data(int length)
    {
        var packet = new byte[length];
        BinaryPrimitives.WriteUInt32BigEndian(packet, SpecLimits.FirstDataCounter);
        return packet;
    }
}
