using System.Net;
using System.Net.Sockets;
using PacketSec.Udp;

namespace PacketSec.Tests.Udp;

public sealed class UdpAddressTests
{
    [Theory]
    [InlineData("192.0.2.7", "::ffff:192.0.2.7")]
    [InlineData("0.0.0.0", "::ffff:0.0.0.0")]
    [InlineData("2001:db8::1", "2001:db8:0:0:0:0:0:1")]
    public void One_end_spelled_in_two_ways_is_one_address(string one, string other)
    {
        UdpAddress a = Parse(one, 4001);
        UdpAddress b = Parse(other, 4001);

        Assert.Equal(a, b);
        Assert.Equal(a.GetHashCode(), b.GetHashCode());
    }

    [Theory]
    [InlineData("192.0.2.7", "192.0.2.8")]
    [InlineData("192.0.2.7", "::192.0.2.7")]
    [InlineData("0.0.0.0", "::")]
    [InlineData("fe80::1%2", "fe80::1%3")]
    [InlineData("ff02::1%2", "ff02::1%3")]
    public void Different_ends_are_different_addresses(string one, string other) => Assert.NotEqual(Parse(one, 4001), Parse(other, 4001));

    [Fact]
    public void The_port_is_part_of_the_address() => Assert.NotEqual(Parse("192.0.2.7", 4001), Parse("192.0.2.7", 4002));

    [Theory]
    [InlineData("2001:db8::1")]
    [InlineData("fec0::1")]
    [InlineData("ff05::1")]
    public void The_scope_counts_for_link_local_addresses_only(string address) =>
        Assert.Equal(Parse(address, 1), Parse(address + "%7", 1));

    [Theory]
    [InlineData("192.0.2.7", AddressFamily.InterNetwork)]
    [InlineData("192.0.2.7", AddressFamily.InterNetworkV6)]
    [InlineData("2001:db8::1", AddressFamily.InterNetworkV6)]
    [InlineData("fe80::1%4", AddressFamily.InterNetworkV6)]
    public void An_address_survives_the_way_through_a_socket_address(string text, AddressFamily family)
    {
        UdpAddress address = Parse(text, 65_535);
        var socketAddress = new SocketAddress(family);
        socketAddress.Buffer.Span[2..].Fill(0xEE);

        Assert.True(address.TryWriteTo(socketAddress));
        Assert.True(UdpAddress.TryFromSocketAddress(socketAddress, out UdpAddress back));
        Assert.Equal(address, back);
        Assert.Equal(family, socketAddress.Family);
    }

    [Theory]
    [InlineData("192.0.2.7")]
    [InlineData("2001:db8::1")]
    [InlineData("fe80::1%4")]
    public void The_bytes_of_a_socket_address_are_those_of_the_framework(string text)
    {
        var endPoint = new IPEndPoint(IPAddress.Parse(text), 4001);
        SocketAddress expected = endPoint.Serialize();
        var actual = new SocketAddress(endPoint.AddressFamily);

        Assert.True(UdpAddress.FromEndPoint(endPoint).TryWriteTo(actual));
        Assert.Equal(expected, actual);
        Assert.Equal(endPoint, UdpAddress.FromEndPoint(endPoint).ToEndPoint());
    }

    [Theory]
    [InlineData("192.0.2.7")]
    [InlineData("2001:db8:1:2:ffff:ffff:ffff:fffe")]
    [InlineData("fe80::1%4")]
    public void An_address_survives_the_way_through_numbers(string text)
    {
        UdpAddress address = Parse(text, 4001);
        var bytes = new byte[UdpAddress.AddressSize];
        address.WriteBytes(bytes);

        Assert.Equal(address, UdpAddress.FromBits(address.Bits, address.Port, address.ScopeId));
        Assert.Equal(address, UdpAddress.FromBytes(bytes, address.Port, address.ScopeId));
    }

    [Fact]
    public void An_IPv6_address_does_not_fit_an_IPv4_socket() =>
        Assert.False(Parse("2001:db8::1", 1).TryWriteTo(new SocketAddress(AddressFamily.InterNetwork)));

    [Fact]
    public void A_socket_address_of_another_family_is_no_address() =>
        Assert.False(UdpAddress.TryFromSocketAddress(new SocketAddress(AddressFamily.Unix, 110), out _));

    [Theory]
    [InlineData("::", true)]
    [InlineData("0.0.0.0", true)]
    [InlineData("::1", false)]
    [InlineData("0.0.0.1", false)]
    public void Only_the_zero_addresses_are_unspecified(string text, bool expected)
    {
        Assert.Equal(expected, Parse(text, 4001).IsUnspecified);
        Assert.True(default(UdpAddress).IsUnspecified);
    }

    [Theory]
    [InlineData(15)]
    [InlineData(17)]
    public void An_address_of_another_length_is_refused(int length) =>
        Assert.Throws<ArgumentException>(() => UdpAddress.FromBytes(new byte[length], 1));

    private static UdpAddress Parse(string address, int port) => UdpAddress.FromEndPoint(new(IPAddress.Parse(address), port));
}
