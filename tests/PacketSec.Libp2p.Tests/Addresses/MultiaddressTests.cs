using System.Net;
using System.Text;
using PacketSec.Libp2p.Addresses;
using PacketSec.Protocol.Identity;

namespace PacketSec.Libp2p.Tests.Addresses;

public sealed class MultiaddressTests
{
    private const string Ed25519 = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
    private const string Rsa = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
    private const string Cid = "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe";

    //= spec/libp2p.md#multiaddress-text
    //= spec/libp2p.md#multiaddress-canonical
    [Theory]
    [InlineData("/ip4/192.0.2.1/udp/4001/psec")]
    [InlineData("/ip4/0.0.0.0/udp/0")]
    [InlineData("/ip4/255.255.255.255/udp/65535/psec/p2p/" + Ed25519)]
    [InlineData("/ip6/2001:db8::1/udp/1/psec/psec-scheme/p2pke-1/psec-scheme/noise-xx-1/p2p/" + Rsa)]
    [InlineData("/ip6/::/udp/1")]
    [InlineData("/ip6/::ffff:192.0.2.1/udp/1")]
    [InlineData("/dns/a/udp/1")]
    [InlineData("/dns4/peer-1.example_org.example/udp/1")]
    [InlineData("/dns6/Example.org/udp/1")]
    [InlineData("/p2p/" + Ed25519)]
    [InlineData("/psec/psec/psec")]
    [InlineData("/psec-scheme/schème-1")]
    public void A_canonical_text_is_read_and_written_as_it_was(string text)
    {
        var address = Multiaddress.Parse(text);
        Assert.Equal(text, address.ToString());
        Assert.True(Multiaddress.TryRead(address.Bytes, out var read));
        Assert.Equal(address, read);
        Assert.True(address == read);
        Assert.False(address != read);
        Assert.Equal(address.GetHashCode(), read.GetHashCode());
        Assert.Equal(text, read.ToString());
    }

    //= spec/libp2p.md#multiaddress-canonical
    //= spec/libp2p.md#peer-id-texts
    [Theory]
    [InlineData("/ip6/2001:DB8:0:0:0:0:0:1/udp/1", "/ip6/2001:db8::1/udp/1")]
    [InlineData("/ip6/0:0:0:0:0:ffff:c000:201/udp/1", "/ip6/::ffff:192.0.2.1/udp/1")]
    [InlineData("/p2p/" + Cid, null)]
    public void Another_way_to_write_an_address_means_the_same(string text, string? canonical)
    {
        var address = Multiaddress.Parse(text);
        canonical ??= "/p2p/" + PeerId.Parse(Cid);
        Assert.Equal(canonical, address.ToString());
        Assert.Equal(Multiaddress.Parse(canonical), address);
    }

    //= spec/libp2p.md#multiaddress-text
    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("ip4/192.0.2.1")]
    [InlineData("/ip4/192.0.2.1/")]
    [InlineData("//ip4/192.0.2.1")]
    [InlineData("/ip4//192.0.2.1")]
    [InlineData("/ip4")]
    [InlineData("/ip4/192.0.2")]
    [InlineData("/ip4/192.0.2.1.1")]
    [InlineData("/ip4/192.0.2.256")]
    [InlineData("/ip4/192.0.2.01")]
    [InlineData("/ip4/192.0.2.+1")]
    [InlineData("/ip4/192.0.2. 1")]
    [InlineData("/ip4/0x7f.0.0.1")]
    [InlineData("/ip4/::1")]
    [InlineData("/ip6/192.0.2.1")]
    [InlineData("/ip6/[::1]")]
    [InlineData("/ip6/::1%eth0")]
    [InlineData("/ip6/::1%1")]
    [InlineData("/ip6/12345::")]
    [InlineData("/ip6/:::")]
    [InlineData("/udp/65536")]
    [InlineData("/udp/00")]
    [InlineData("/udp/-1")]
    [InlineData("/udp/1 ")]
    [InlineData("/udp/٣")]
    [InlineData("/tcp/1")]
    [InlineData("/ip6zone/eth0/ip6/fe80::1")]
    [InlineData("/IP4/192.0.2.1")]
    [InlineData("/dns/")]
    [InlineData("/dns/a..b")]
    [InlineData("/dns/.a")]
    [InlineData("/dns/a b")]
    [InlineData("/dns/münchen.example")]
    [InlineData("/p2p/12D3KooW")]
    [InlineData("/p2p/x" + Ed25519)]
    [InlineData("/psec/")]
    [InlineData("/psec-scheme/psec-retry-1")]
    [InlineData("/psec-scheme/a\u0001")]
    public void Other_text_is_refused_with_a_reason(string text)
    {
        Assert.False(Multiaddress.TryParse(text, out var address, out var error));
        Assert.Null(address);
        Assert.NotEmpty(error!);
        Assert.Contains(error!, Assert.Throws<FormatException>(() => Multiaddress.Parse(text)).Message, StringComparison.Ordinal);
    }

    // No attribute can hold half of a surrogate pair.
    [Fact]
    public void Half_of_a_surrogate_pair_is_no_scheme()
    {
        Assert.True(Multiaddress.TryParse("/psec-scheme/\ud83d\ude00", out _));
        Assert.False(Multiaddress.TryParse("/psec-scheme/\ud83d", out _));
        Assert.False(Multiaddress.TryParse("/psec-scheme/\ude00a", out _));
    }

    //= spec/libp2p.md#multiaddress-binary
    [Theory]
    [InlineData("/ip4/127.0.0.1/udp/1234", "047f000001910204d2")]
    [InlineData("/ip6/::1", "2900000000000000000000000000000001")]
    [InlineData("/dns4/a.b", "3603612e62")]
    [InlineData("/dns/a", "350161")]
    [InlineData("/dns6/a", "370161")]
    [InlineData("/udp/1/psec", "910200018180c001")]
    [InlineData("/psec/psec-scheme/p2pke-1", "8180c0018280c0010770327 06b652d31")]
    public void The_binary_form_is_codes_and_values(string text, string hex)
        => Assert.Equal(hex.Replace(" ", "", StringComparison.Ordinal), Convert.ToHexStringLower(Multiaddress.Parse(text).Bytes));

    //= spec/libp2p.md#multiaddress-binary
    [Theory]
    [InlineData("")]
    [InlineData("047f0000")] // cut off
    [InlineData("9102")]
    [InlineData("91")] // cut inside the code
    [InlineData("84007f000001")] // a padded code
    [InlineData("06 1f90")] // tcp
    [InlineData("2a00")] // ip6zone
    [InlineData("00")]
    [InlineData("350461")] // a length beyond the end
    [InlineData("35810061")] // a padded length
    [InlineData("3500")] // an empty name
    [InlineData("350120")] // a space
    [InlineData("a503020000")] // no multihash
    [InlineData("8280c00102c328")] // no UTF-8
    [InlineData("8280c001012f")] // a slash
    [InlineData("047f000001ff")]
    [InlineData("ffffffffffffffffff7f")]
    public void Other_bytes_are_refused(string hex)
        => Assert.False(Multiaddress.TryRead(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), out _));

    //= spec/libp2p.md#multiaddress-bounds
    [Fact]
    public void Sixteen_components_are_an_address_and_seventeen_are_none()
    {
        Assert.True(Multiaddress.TryParse(Repeat("/psec", 16), out var most));
        Assert.False(Multiaddress.TryParse(Repeat("/psec", 17), out _));
        Assert.False(Multiaddress.TryRead([.. most.Bytes, .. most.Bytes[..4]], out _));
    }

    //= spec/libp2p.md#multiaddress-bounds
    [Theory]
    [InlineData(63, 63, 63, 61, true)]
    [InlineData(63, 63, 63, 62, false)]
    [InlineData(64, 1, 1, 1, false)]
    public void A_name_has_253_bytes_and_its_labels_63(int first, int second, int third, int fourth, bool accepted)
    {
        var name = string.Join('.', new[] { first, second, third, fourth }.Select(length => new string('a', length)));
        Assert.Equal(accepted, Multiaddress.TryParse("/dns/" + name, out _));
        var encoded = Encoding.ASCII.GetBytes(name);
        Assert.Equal(accepted, Multiaddress.TryRead([53, .. LengthOf(encoded.Length), .. encoded], out _));
    }

    //= spec/libp2p.md#multiaddress-bounds
    [Theory]
    [InlineData(64, true)]
    [InlineData(65, false)]
    public void A_scheme_has_64_bytes(int length, bool accepted)
    {
        // Two bytes for one character: it is bytes that count.
        var scheme = new string('é', 31) + new string('a', length - 62);
        Assert.Equal(accepted, Multiaddress.TryParse("/psec-scheme/" + scheme, out _));
        var encoded = Encoding.UTF8.GetBytes(scheme);
        Assert.Equal(length, encoded.Length);
        Assert.Equal(accepted, Multiaddress.TryRead([0x82, 0x80, 0xc0, 0x01, (byte)length, .. encoded], out _));
    }

    //= spec/libp2p.md#multiaddress-bounds
    [Fact]
    public void An_address_has_1024_bytes()
    {
        var name = string.Join('.', Enumerable.Repeat(new string('a', 49), 5));
        var four = Repeat("/dns/" + name, 4);
        Assert.True(Multiaddress.TryParse(four + "/dns/ab.c", out var longest));
        Assert.True(longest.Bytes.Length <= Multiaddress.MaxSize);
        Assert.False(Multiaddress.TryParse(four + "/dns/" + new string('a', 1 + Multiaddress.MaxSize - longest.Bytes.Length + 4), out _));
        Assert.False(Multiaddress.TryParse("/dns/" + new string('a', Multiaddress.MaxTextLength), out _));
    }

    [Fact]
    public void The_peer_is_that_of_the_last_component()
    {
        var peer = PeerId.Parse(Ed25519);
        var address = Multiaddress.Parse("/ip4/192.0.2.1/udp/1/psec");
        Assert.Null(address.PeerId);
        Assert.Equal(peer, address.WithPeer(peer).PeerId);
        Assert.Equal(PeerId.Parse(Rsa), address.WithPeer(peer).WithPeer(PeerId.Parse(Rsa)).PeerId);
        Assert.Equal(address, address.WithPeer(peer).WithoutPeer());
        Assert.Equal(address, address.WithoutPeer());
        Assert.Null(Multiaddress.Parse($"/p2p/{Ed25519}/udp/1").PeerId);
    }

    [Fact]
    public void A_peer_needs_a_place_behind_the_other_components()
    {
        var peer = PeerId.Parse(Rsa);
        var almost = Multiaddress.Parse(string.Concat(Enumerable.Repeat("/psec", Multiaddress.MaxComponents - 1)));
        Assert.Equal(peer, almost.WithPeer(peer).WithPeer(peer).PeerId);
        var full = Multiaddress.Parse($"{almost}/psec");
        Assert.Contains($"{Multiaddress.MaxComponents} components", Assert.Throws<FormatException>(() => full.WithPeer(peer)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("192.0.2.1", "/ip4/192.0.2.1/udp/5/psec")]
    [InlineData("::ffff:192.0.2.1", "/ip4/192.0.2.1/udp/5/psec")]
    [InlineData("fe80::1%3", "/ip6/fe80::1/udp/5/psec")]
    public void The_address_of_a_socket_has_no_zone_and_no_mapping(string ip, string expected)
        => Assert.Equal(expected, Multiaddress.FromEndPoint(new(IPAddress.Parse(ip), 5)).ToString());

    //= spec/libp2p.md#address-form
    [Theory]
    [InlineData("/ip4/192.0.2.1/udp/1", true)]
    [InlineData("/ip4/192.0.2.1/udp/1/psec", true)]
    [InlineData("/ip4/192.0.2.1/udp/1/p2p/" + Ed25519, true)]
    [InlineData("/dns6/a/udp/1/psec/psec-scheme/x/psec-scheme/y/p2p/" + Ed25519, true)]
    [InlineData("/ip4/192.0.2.1/udp/1/psec/psec-scheme/x/psec-scheme/x", false)]
    [InlineData("/ip4/192.0.2.1/udp/1/psec-scheme/x", false)]
    [InlineData("/ip4/192.0.2.1/udp/1/psec/psec", false)]
    [InlineData("/ip4/192.0.2.1/udp/1/psec/p2p/" + Ed25519 + "/p2p/" + Ed25519, false)]
    [InlineData("/ip4/192.0.2.1/udp/1/psec/p2p/" + Ed25519 + "/psec", false)]
    [InlineData("/ip4/192.0.2.1/udp/1/psec/psec-scheme/x/udp/1", false)]
    [InlineData("/ip4/192.0.2.1", false)]
    [InlineData("/udp/1", false)]
    [InlineData("/udp/1/ip4/192.0.2.1", false)]
    [InlineData("/p2p/" + Ed25519, false)]
    public void The_transport_takes_one_form(string text, bool accepted)
    {
        Assert.Equal(accepted, PsecTarget.TryFrom(Multiaddress.Parse(text), out var target));
        Assert.Equal(accepted, target is not null);
    }

    [Fact]
    public void The_parts_of_an_address_are_what_the_transport_dials()
    {
        Assert.True(PsecTarget.TryFrom(Multiaddress.Parse($"/dns4/a.example/udp/7/psec/psec-scheme/x/psec-scheme/y/p2p/{Ed25519}"), out var target));
        Assert.Equal(("a.example", MultiaddressProtocol.Dns4, 7), (target.Host, target.HostKind, target.Port));
        Assert.Equal(["x", "y"], target.Schemes);
        Assert.Equal(PeerId.Parse(Ed25519), target.Peer);
    }

    private static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));

    private static byte[] LengthOf(int length) => length < 128 ? [(byte)length] : [(byte)(0x80 | (length & 0x7f)), (byte)(length >> 7)];
}
