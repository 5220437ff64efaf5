using System.Net;
using System.Net.Sockets;
using PacketSec.Udp;

namespace PacketSec.Tests.Udp;

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
