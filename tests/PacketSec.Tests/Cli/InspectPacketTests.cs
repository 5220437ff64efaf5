using System.Text.Json;
using PacketSec.Cli;
using PacketSec.Cli.Inspect;
using static PacketSec.Tests.Cli.InspectCaptures;

namespace PacketSec.Tests.Cli;

/// <summary>What stands before a datagram: links, IP, UDP.</summary>
public sealed class InspectPacketTests
{
    public static TheoryData<int, byte[]> Links => new()
    {
        { LinkTypes.Null, [2, 0, 0, 0] },
        { LinkTypes.Null, [0, 0, 0, 2] },
        { LinkTypes.Loop, [0, 0, 0, 2] },
        { LinkTypes.Ethernet, [.. new byte[12], 0x08, 0x00] },
        { LinkTypes.Ethernet, [.. new byte[12], 0x81, 0x00, 0, 7, 0x08, 0x00] },
        { LinkTypes.Ethernet, [.. new byte[12], 0x88, 0xa8, 0, 7, 0x81, 0x00, 0, 7, 0x08, 0x00] },
        { LinkTypes.Raw, [] },
        { LinkTypes.IPv4, [] },
        { LinkTypes.LinuxCooked, [.. new byte[14], 0x08, 0x00] },
        { LinkTypes.LinuxCooked, [.. new byte[14], 0x81, 0x00, 0, 7, 0x08, 0x00] },
        { LinkTypes.LinuxCooked2, [0x08, 0x00, .. new byte[18]] },
    };

    public static TheoryData<int, byte[]> Links6 => new()
    {
        { LinkTypes.Null, [30, 0, 0, 0] },
        { LinkTypes.Null, [0, 0, 0, 24] },
        { LinkTypes.Null, [28, 0, 0, 0] },
        { LinkTypes.Null, [10, 0, 0, 0] },
        { LinkTypes.Loop, [0, 0, 0, 24] },
        { LinkTypes.Ethernet, [.. new byte[12], 0x86, 0xdd] },
        { LinkTypes.Raw, [] },
        { LinkTypes.IPv6, [] },
        { LinkTypes.LinuxCooked, [.. new byte[14], 0x86, 0xdd] },
        { LinkTypes.LinuxCooked2, [0x86, 0xdd, .. new byte[18]] },
    };

    public static TheoryData<int, byte[]> OtherPackets => new()
    {
        { LinkTypes.Null, [7, 0, 0, 0, .. RejectOverIPv4] },
        { LinkTypes.Null, [2, 0, 0] },
        { LinkTypes.Ethernet, [.. new byte[12], 0x08, 0x06, .. RejectOverIPv4] },
        { LinkTypes.Ethernet, new byte[13] },
        { LinkTypes.Ethernet, [.. new byte[12], 0x81, 0x00, 0, 7] },
        { LinkTypes.LinuxCooked, new byte[15] },
        { LinkTypes.LinuxCooked2, new byte[19] },
        { LinkTypes.Raw, IPv4(OverUdp(1, 2, Reject), protocol: 6) },
        { LinkTypes.Raw, IPv6(6, OverUdp(1, 2, Reject)) },
        { LinkTypes.Raw, IPv6(59, []) },
        { LinkTypes.Raw, IPv6(44, [6, 0, 0, 8, 0, 0, 0, 1, 9, 9, 9, 9]) },
    };

    public static TheoryData<byte, byte[]> Extensions => new()
    {
        { 0, [17, 0, 1, 4, 0, 0, 0, 0] },
        { 43, [17, 1, 0, 0, .. new byte[12]] },
        { 60, [17, 0, .. new byte[6]] },
        { 135, [17, 0, .. new byte[6]] },
        { 51, [17, 4, .. new byte[22]] },
        { 44, [17, 0, 0, 0, 0, 0, 0, 1] }, // the whole datagram in one fragment
        { 0, [60, 0, .. new byte[6], 43, 0, .. new byte[6], 17, 0, .. new byte[6]] },
    };

    public static TheoryData<byte[], string> BadPackets => new()
    {
        { [], "the IP header is missing" },
        { [0x50, .. new byte[40]], "the IP version is 5" },
        { [0x44, .. RejectOverIPv4[1..]], "the IPv4 header claims 16 bytes" },
        { RejectOverIPv4[..19], "the IPv4 header is not complete" },
        { [0x4f, .. RejectOverIPv4[1..]], "the IPv4 header is not complete" },
        { IPv4(OverUdp(1, 2, Reject), length: 19), "the IPv4 packet claims 19 bytes, less than its header" },
        { IPv4(OverUdp(1, 2, Reject), length: 30), "the IP packet claims 1 bytes more than it has" },
        { IPv4([1, 2, 3, 4, 5, 6, 7]), "the UDP header is not complete" },
        { IPv4(OverUdp(1, 2, Reject, length: 7)), "the UDP header claims 7 bytes, and the IP packet has 9 for it" },
        { IPv4(OverUdp(1, 2, Reject, length: 10)), "the UDP header claims 10 bytes, and the IP packet has 9 for it" },
        { RejectOverIPv6[..39], "the IPv6 header is not complete" },
        { IPv6(60, [17]), "an IPv6 extension header is not complete" },
        { IPv6(60, [17, 1, .. new byte[13]]), "an IPv6 extension header is not complete" },
        { IPv6(44, [17, 0, 0, 0, 0, 0, 0]), "an IPv6 extension header is not complete" },
        { IPv6(51, [17]), "an IPv6 extension header is not complete" },
        { IPv6(60, [17, 0, .. new byte[6], .. OverUdp(1, 2, Reject)], length: 7), "an IPv6 extension header is not complete" },
        { IPv6(17, OverUdp(1, 2, Reject), length: 10), "the IP packet claims 1 bytes more than it has" },
    };

    [Theory]
    [MemberData(nameof(Links))]
    public async Task Each_link_type_leads_to_IPv4(int linkType, byte[] header)
    {
        var line = await OneAsync(linkType, [.. header, .. RejectOverIPv4]);
        Assert.Equal(("reject", "192.0.2.1:4001", "192.0.2.2:4002"), (line.TypeOf(), line.TextOf("from"), line.TextOf("to")));
    }

    [Theory]
    [MemberData(nameof(Links6))]
    public async Task Each_link_type_leads_to_IPv6(int linkType, byte[] header)
    {
        var line = await OneAsync(linkType, [.. header, .. RejectOverIPv6]);
        Assert.Equal(("reject", "[2001:db8::1]:4001", "[2001:db8::2]:4002"), (line.TypeOf(), line.TextOf("from"), line.TextOf("to")));
    }

    [Theory]
    [MemberData(nameof(OtherPackets))]
    public async Task What_is_no_UDP_is_left_out_and_nothing_else_is_a_failure(int linkType, byte[] packet)
    {
        var (run, lines) = await InspectAsync(Pcap(linkType, packet));
        Assert.Equal((ExitCodes.Failed, 0), (run.ExitCode, lines.Count));
        Assert.Contains("None of the 1 packets in", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Extensions))]
    public async Task Extension_headers_are_skipped(byte first, byte[] headers)
        => Assert.Equal("reject", (await OneAsync(LinkTypes.Raw, IPv6(first, [.. headers, .. OverUdp(1, 2, Reject)]))).TypeOf());

    [Fact]
    public async Task Options_of_IPv4_are_skipped()
        => Assert.Equal("reject", (await OneAsync(LinkTypes.Raw, IPv4(OverUdp(1, 2, Reject), options: new byte[40]))).TypeOf());

    [Fact]
    public async Task Padding_after_the_packet_and_lengths_that_a_network_card_fills_in_do_no_harm()
    {
        Assert.Equal(1, (await OneAsync(LinkTypes.Raw, [.. RejectOverIPv4, .. new byte[17]])).GetProperty("length").GetInt32());
        Assert.Equal(1, (await OneAsync(LinkTypes.Raw, [.. RejectOverIPv6, .. new byte[17]])).GetProperty("length").GetInt32());
        Assert.Equal("reject", (await OneAsync(LinkTypes.Raw, IPv4(OverUdp(1, 2, Reject), length: 0))).TypeOf());
        Assert.Equal("reject", (await OneAsync(LinkTypes.Raw, IPv6(17, OverUdp(1, 2, Reject, length: 0), length: 0))).TypeOf());
    }

    [Theory]
    [InlineData(0x2000, "192.0.2.1:4001", "bytes 0 to 16 of IP packet 4660")]
    [InlineData(0x2002, "192.0.2.1", "bytes 16 to 32 of IP packet 4660")]
    [InlineData(0x0002, "192.0.2.1", "bytes 16 to 32, the last ones, of IP packet 4660")]
    public async Task Fragments_of_IPv4_are_named_and_not_decoded(int word, string from, string what)
    {
        var line = await OneAsync(LinkTypes.Raw, IPv4(OverUdp(4001, 4002, new byte[8]), fragment: word));
        Assert.Equal(("fragment", from, what), (line.TypeOf(), line.TextOf("from"), line.TextOf("fragment")));
    }

    [Theory]
    [InlineData(0x01, "[2001:db8::1]:4001", "bytes 0 to 16 of IP packet 258")]
    [InlineData(0x11, "2001:db8::1", "bytes 16 to 32 of IP packet 258")]
    [InlineData(0x10, "2001:db8::1", "bytes 16 to 32, the last ones, of IP packet 258")]
    public async Task Fragments_of_IPv6_are_named_and_not_decoded(byte word, string from, string what)
    {
        var line = await OneAsync(LinkTypes.Raw, IPv6(44, [17, 0, 0, word, 0, 0, 1, 2, .. OverUdp(4001, 4002, new byte[8])]));
        Assert.Equal(("fragment", from, what), (line.TypeOf(), line.TextOf("from"), line.TextOf("fragment")));
    }

    [Theory]
    [MemberData(nameof(BadPackets))]
    public async Task A_packet_that_contradicts_itself_is_shown_with_the_reason(byte[] packet, string reason)
    {
        var line = await OneAsync(LinkTypes.Raw, packet);
        Assert.Equal(("malformed", "ip", reason), (line.TypeOf(), line.TextOf("kind"), line.TextOf("reason")));
    }

    [Fact]
    public async Task A_packet_that_was_not_captured_whole_is_no_fault()
    {
        var packet = IPv4(OverUdp(4001, 4002, InspectSample.Sealed(0x00000010, 100)));
        byte[] file = [.. PcapHeader(true, Microseconds, LinkTypes.Raw), .. PcapRecord(true, 0, 0, packet[..64], packet.Length)];
        var line = Assert.Single((await InspectAsync(file)).Lines);
        Assert.Equal(("truncated", 120, 36), (line.TypeOf(), line.GetProperty("length").GetInt32(), line.GetProperty("captured").GetInt32()));
        Assert.Equal(("i2r", 16), (line.TextOf("direction"), line.GetProperty("counter").GetInt32()));
    }

    [Fact]
    public async Task Of_a_cut_packet_that_may_be_a_frame_no_counter_is_told()
    {
        var packet = IPv4(OverUdp(4001, 4002, InspectSample.Proposal(InspectSample.PeerOf(1).Multihash, "a").Frame));
        byte[] file = [.. PcapHeader(true, Microseconds, LinkTypes.Raw), .. PcapRecord(true, 0, 0, packet[..^1], packet.Length)];
        Assert.False(Assert.Single((await InspectAsync(file)).Lines).TryGetProperty("counter", out _));
    }

    [Theory]
    [InlineData("4001", 2)]
    [InlineData("4002", 1)]
    [InlineData("5000", 0)]
    public async Task Ports_choose_datagrams_by_either_end(string port, int count)
    {
        var file = Pcap(LinkTypes.Raw, IPv4(OverUdp(4001, 4002, Reject)), IPv4(OverUdp(4003, 4001, Reject)), IPv4(OverUdp(1, 2, new byte[8]), fragment: 2));
        var (run, lines) = await InspectAsync(file, "--port", port);
        Assert.Equal((count == 0 ? ExitCodes.Failed : ExitCodes.Success, count), (run.ExitCode, lines.Count));
        Assert.Equal(count == 0, run.Error.Contains("is UDP of the ports given", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Several_ports_choose_together()
    {
        var file = Pcap(LinkTypes.Raw, IPv4(OverUdp(1, 2, Reject)), IPv4(OverUdp(3, 4, Reject)), IPv4(OverUdp(5, 6, Reject)));
        Assert.Equal([1, 3], (await InspectAsync(file, "--port", "2", "--port", "5")).Lines.Select(line => line.GetProperty("number").GetInt32()));
    }

    private static async Task<JsonElement> OneAsync(int linkType, byte[] packet)
    {
        var (run, lines) = await InspectAsync(Pcap(linkType, packet));
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        return Assert.Single(lines);
    }
}
