using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Protocols;

namespace PacketSec.Libp2p.Tests.Protocols;

public sealed class IdentifyMessageTests
{
    private static readonly IdentifyMessage Full = new()
    {
        PublicKey = TestPeers.KeyNumbered(1),
        ListenAddresses = [Multiaddress.Parse("/ip4/192.0.2.1/udp/1/psec"), Multiaddress.Parse("/ip6/::1/udp/2")],
        Protocols = ["/a/1", "/b/1"],
        ObservedAddress = Multiaddress.Parse("/ip4/192.0.2.2/udp/3/psec"),
        ProtocolVersion = "test/1",
        AgentVersion = "agent/2",
    };

    [Fact]
    public void A_message_is_read_as_it_was_written()
    {
        Assert.True(IdentifyMessage.TryRead(Full.ToBytes(), out var read));
        AssertSame(Full, read);
        Assert.Equal(Full.ToBytes(), read.ToBytes());
    }

    // The field numbers of libp2p's message.
    [Theory]
    [InlineData("1a042f612f31", "/a/1", null, null)]
    [InlineData("2a01782a0179", null, "y", null)] // of two, the later
    [InlineData("320178", null, null, "x")]
    [InlineData("7a0178320178", null, null, "x")] // an unknown field
    [InlineData("18013200320178", null, null, "x")] // a known number with another type, an empty text
    [InlineData("", null, null, null)]
    public void Fields_stand_under_their_numbers(string hex, string? protocol, string? protocolVersion, string? agentVersion)
    {
        Assert.True(IdentifyMessage.TryRead(Convert.FromHexString(hex), out var read));
        Assert.Equal(protocol, read.Protocols.SingleOrDefault());
        Assert.Equal(protocolVersion, read.ProtocolVersion);
        Assert.Equal(agentVersion, read.AgentVersion);
    }

    //= spec/libp2p.md#identify-read
    [Theory]
    [InlineData("0a00")] // no key
    [InlineData("0a020801")]
    [InlineData("1a")] // cut off
    [InlineData("1a0261")]
    [InlineData("1b")] // a group
    public void What_is_no_message_is_refused(string hex)
        => Assert.False(IdentifyMessage.TryRead(Convert.FromHexString(hex), out _));

    //= spec/libp2p.md#identify-read
    [Fact]
    public void Addresses_and_texts_that_are_not_understood_are_left_out()
    {
        // /ip4/127.0.0.1/tcp/1 and a protocol that is no UTF-8, beside ones that are understood.
        Assert.True(IdentifyMessage.TryRead(Convert.FromHexString("1208047f000001060001" + "1205047f000001" + "1a02c328" + "1a0178" + "22020600"), out var read));
        Assert.Equal("/ip4/127.0.0.1", Assert.Single(read.ListenAddresses).ToString());
        Assert.Equal("x", Assert.Single(read.Protocols));
        Assert.Null(read.ObservedAddress);
    }

    //= spec/libp2p.md#identify-bounds
    [Fact]
    public void The_first_256_addresses_and_protocols_are_kept()
    {
        var many = new IdentifyMessage
        {
            ListenAddresses = [.. Enumerable.Range(0, 257).Select(port => Multiaddress.Parse($"/udp/{port}"))],
            Protocols = [.. Enumerable.Range(0, 257).Select(number => $"/{number}")],
        };
        Assert.True(IdentifyMessage.TryRead(many.ToBytes(), out var read));
        Assert.Equal(many.ListenAddresses.Take(256), read.ListenAddresses);
        Assert.Equal(many.Protocols.Take(256), read.Protocols);
    }

    //= spec/libp2p.md#identify-bounds
    [Theory]
    [InlineData(IdentifyMessage.MaxSize, true)]
    [InlineData(IdentifyMessage.MaxSize + 1, false)]
    public void A_message_has_65536_bytes(int size, bool accepted)
    {
        // An unknown field with three bytes of length before it.
        var content = size - 4;
        byte[] encoded = [0x7a, (byte)(0x80 | (content & 0x7f)), (byte)(0x80 | ((content >> 7) & 0x7f)), (byte)(content >> 14), .. new byte[content]];
        Assert.Equal(size, encoded.Length);
        Assert.Equal(accepted, IdentifyMessage.TryRead(encoded, out _));
    }

    //= spec/libp2p.md#identify-push-partial
    [Fact]
    public void A_later_message_replaces_the_parts_that_it_has()
    {
        AssertSame(Full, Full.Updated(new()));
        AssertSame(Full with { Protocols = ["/c/1"], AgentVersion = "agent/3" }, Full.Updated(new() { Protocols = ["/c/1"], AgentVersion = "agent/3" }));
        AssertSame(Full, new IdentifyMessage { AgentVersion = "agent/1" }.Updated(Full));
    }

    private static void AssertSame(IdentifyMessage expected, IdentifyMessage actual)
    {
        Assert.Equal(expected.PublicKey, actual.PublicKey);
        Assert.Equal(expected.ListenAddresses, actual.ListenAddresses);
        Assert.Equal(expected.Protocols, actual.Protocols);
        Assert.Equal(expected.ObservedAddress, actual.ObservedAddress);
        Assert.Equal(expected.ProtocolVersion, actual.ProtocolVersion);
        Assert.Equal(expected.AgentVersion, actual.AgentVersion);
    }
}
