using System.Net;
using System.Net.Sockets;
using PacketSec.Udp;

namespace PacketSec.Tests.Udp;

[Collection(SocketsCollection.Name)]
public sealed class PortableDatagramIoTests : DatagramIoConformance
{
    internal override UdpPath Path => UdpPath.Portable;

    [Fact]
    public void A_wildcard_bind_warns_that_the_source_is_not_chosen()
    {
        using IDatagramIo wildcard = Bind("0.0.0.0");
        using IDatagramIo specific = Bind("127.0.0.1");

        Assert.Equal("portable", wildcard.PathName);
        Assert.Single(wildcard.Warnings, w => w.Kind == UdpWarningKind.NoSourceChoice);
        Assert.DoesNotContain(specific.Warnings, w => w.Kind == UdpWarningKind.NoSourceChoice);
    }
}

[Collection(SocketsCollection.Name)]
public sealed class LinuxDatagramIoTests : DatagramIoConformance
{
    internal override UdpPath Path => UdpPath.Linux;

    //= spec/sessions.md#reply-address
    [Theory]
    [InlineData("0.0.0.0", "127.0.0.1", "127.0.0.2")]
    [InlineData("::", "127.0.0.1", "127.0.0.2")]
    [InlineData("0.0.0.0", "127.0.0.3", "127.0.0.2")]
    [InlineData("::", "::1", "::1")]
    public void An_answer_leaves_from_the_address_the_question_came_to(string listenOn, string dialOn, string dialled)
    {
        using IDatagramIo listener = Bind(listenOn);
        using IDatagramIo dialler = Bind(dialOn);
        UdpAddress target = Address(dialled, listener.LocalAddress.Port);

        dialler.Send(default, target, "question"u8);
        ReceivedDatagram question = Receive(listener);
        Assert.Equal(target, question.Local);

        Assert.Equal(SendStatus.Sent, listener.Send(question.Local, question.Remote, "answer"u8));
        Assert.Equal(target, Receive(dialler).Remote);
    }

    [Theory]
    [InlineData("0.0.0.0", "192.0.2.250", "127.0.0.1")]
    [InlineData("::", "192.0.2.250", "127.0.0.1")]
    [InlineData("::", "2001:db8::250", "::1")]
    public void A_source_that_the_machine_has_lost_does_not_stop_a_datagram(string listenOn, string lost, string remote)
    {
        using IDatagramIo listener = Bind(listenOn);
        using IDatagramIo peer = Bind(remote);

        Assert.Equal(SendStatus.Sent, listener.Send(Address(lost, 0), peer.LocalAddress, "x"u8));
        Assert.Equal(Address(remote, listener.LocalAddress.Port), Receive(peer).Remote);
    }

    [Fact]
    public void A_source_of_the_other_family_is_left_out()
    {
        using IDatagramIo listener = Bind("::");
        using IDatagramIo peer = Bind("127.0.0.1");

        Assert.Equal(SendStatus.Sent, listener.Send(Address("::1", 0), peer.LocalAddress, "x"u8));
        Receive(peer);
    }

    [Fact]
    public void Linux_takes_its_own_path_by_itself()
    {
        using IDatagramIo io = UdpTransport.Bind(new() { LocalEndPoint = new(IPAddress.IPv6Any, 0) });

        Assert.Equal("linux", io.PathName);
        Assert.True(io.ChoosesSource);
        Assert.DoesNotContain(io.Warnings, w => w.Kind == UdpWarningKind.NoSourceChoice);
    }

    [Fact]
    public void The_descriptor_stays_in_blocking_mode()
    {
        using IDatagramIo io = Bind("127.0.0.1");

        io.Send(default, io.LocalAddress, "x"u8);
        Receive(io);
        Assert.True(((SocketDatagramIo)io).Socket.Blocking);
    }
}

[Collection(SocketsCollection.Name)]
public sealed class UdpBindTests
{
    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::1", "::1")]
    [InlineData("::", "127.0.0.1")]
    [InlineData("0.0.0.0", "::")]
    public void A_port_in_use_is_reported_as_such(string first, string second)
    {
        using IDatagramIo holder = Bind(first, 0);

        var e = Assert.Throws<UdpBindException>(() => Bind(second, holder.LocalAddress.Port));
        Assert.Equal(UdpBindError.PortInUse, e.Error);
        Assert.Contains(holder.LocalAddress.Port.ToString(), e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("192.0.2.250")]
    [InlineData("2001:db8::250")]
    public void An_address_of_another_machine_is_reported_as_such(string address)
    {
        var e = Assert.Throws<UdpBindException>(() => Bind(address, 0));
        Assert.Equal(UdpBindError.AddressNotAvailable, e.Error);
        Assert.Contains(address, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SocketError.AccessDenied, (int)UdpBindError.PermissionDenied)]
    [InlineData(SocketError.AddressFamilyNotSupported, (int)UdpBindError.AddressNotAvailable)]
    [InlineData(SocketError.TooManyOpenSockets, (int)UdpBindError.Other)]
    public void Every_error_of_a_bind_has_a_reason(SocketError error, int expected)
    {
        var inner = new SocketException((int)error);

        var e = UdpBindException.From(inner, new(IPAddress.Loopback, 53));
        Assert.Equal(expected, (int)e.Error);
        Assert.Same(inner, e.InnerException);
        Assert.Contains("127.0.0.1", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_IPv6_a_dual_stack_bind_serves_IPv4_with_one_warning()
    {
        using IDatagramIo io = UdpTransport.Bind(new() { LocalEndPoint = new(IPAddress.IPv6Any, 0), IPv6Available = false });

        Assert.True(io.LocalAddress is { IsIPv4: true, IsUnspecified: true, Port: not 0 });
        Assert.Single(io.Warnings, w => w.Kind == UdpWarningKind.NoIPv6);
    }

    [Fact]
    public void With_IPv6_a_dual_stack_bind_has_no_such_warning()
    {
        using IDatagramIo io = Bind("::", 0);

        Assert.False(io.LocalAddress.IsIPv4);
        Assert.DoesNotContain(io.Warnings, w => w.Kind == UdpWarningKind.NoIPv6);
    }

    [Fact]
    public void A_mapped_address_is_bound_as_IPv4()
    {
        using IDatagramIo io = Bind("::ffff:127.0.0.1", 0);

        Assert.Equal(IPAddress.Loopback, io.LocalAddress.ToEndPoint().Address);
        Assert.Equal(AddressFamily.InterNetwork, ((SocketDatagramIo)io).Socket.AddressFamily);
    }

    [Fact]
    public void A_capped_buffer_is_reported_with_what_to_set()
    {
        const int Absurd = 1 << 30;
        using IDatagramIo io = UdpTransport.Bind(new()
        {
            LocalEndPoint = new(IPAddress.Loopback, 0),
            ReceiveBufferBytes = Absurd,
            SendBufferBytes = 64 * 1024,
        });

        UdpWarning warning = Assert.Single(io.Warnings);
        Assert.Equal(UdpWarningKind.ReceiveBufferCapped, warning.Kind);
        Assert.Contains($"net.core.rmem_max={Absurd}", warning.Message, StringComparison.Ordinal);
    }

    private static IDatagramIo Bind(string address, int port) =>
        UdpTransport.Bind(new() { LocalEndPoint = new(IPAddress.Parse(address), port) });
}
