using PacketSec.Cli;
using PacketSec.Cli.Inspect;
using static PacketSec.Tests.Cli.InspectCaptures;

namespace PacketSec.Tests.Cli;

/// <summary>Capture files: both formats in all their forms, and what is wrong with them.</summary>
public sealed class InspectCaptureTests
{
    [Theory]
    [InlineData(true, Microseconds, 123456, "2025-01-02T03:04:05.123456000Z")]
    [InlineData(false, Microseconds, 123456, "2025-01-02T03:04:05.123456000Z")]
    [InlineData(true, Nanoseconds, 123456789, "2025-01-02T03:04:05.123456789Z")]
    [InlineData(false, Nanoseconds, 123456789, "2025-01-02T03:04:05.123456789Z")]
    [InlineData(true, Microseconds, 1_000_001, "2025-01-02T03:04:06.000001000Z")]
    public async Task Pcap_is_read_in_both_byte_orders_and_both_units(bool isLittleEndian, uint magic, uint fraction, string time)
    {
        byte[] file = [.. PcapHeader(isLittleEndian, magic, LinkTypes.Raw), .. PcapRecord(isLittleEndian, 1735787045, fraction, RejectOverIPv4)];
        var (run, lines) = await InspectAsync(file);
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        var line = Assert.Single(lines);
        Assert.Equal(("reject", time), (line.TypeOf(), line.TextOf("time")));
        Assert.Equal(("192.0.2.1:4001", "192.0.2.2:4002"), (line.TextOf("from"), line.TextOf("to")));
        Assert.Equal((1, 1), (line.GetProperty("number").GetInt32(), line.GetProperty("length").GetInt32()));
    }

    [Fact]
    public async Task The_upper_half_of_a_pcap_link_type_says_something_else()
    {
        var file = Pcap(LinkTypes.Raw | 0x14000000, RejectOverIPv4);
        Assert.Equal("reject", Assert.Single((await InspectAsync(file)).Lines).TypeOf());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Pcapng_is_read_in_both_byte_orders(bool isLittleEndian)
    {
        byte[] file =
        [
            .. Section(isLittleEndian), .. Interface(isLittleEndian, LinkTypes.Raw),
            .. Enhanced(isLittleEndian, 0, 1735787045_123456, RejectOverIPv4), .. Simple(isLittleEndian, RejectOverIPv6),
        ];
        var (run, lines) = await InspectAsync(file);
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        Assert.Equal(["reject", "reject"], lines.Select(line => line.TypeOf()));
        Assert.Equal("2025-01-02T03:04:05.123456000Z", lines[0].TextOf("time"));
        Assert.False(lines[1].TryGetProperty("time", out _));
        Assert.Equal("[2001:db8::1]:4001", lines[1].TextOf("from"));
    }

    [Theory]
    [InlineData(6, 0, 1_500_000, "1970-01-01T00:00:01.500000000Z")]
    [InlineData(9, 0, 1_500_000_001, "1970-01-01T00:00:01.500000001Z")]
    [InlineData(0, 0, 7, "1970-01-01T00:00:07.000000000Z")]
    [InlineData(0x80 | 10, 0, 1536, "1970-01-01T00:00:01.500000000Z")]
    [InlineData(0x80 | 127, 0, ulong.MaxValue, "1970-01-01T00:00:00.000000000Z")]
    [InlineData(19, 0, ulong.MaxValue, "1970-01-01T00:00:01.844674407Z")]
    [InlineData(38, 0, ulong.MaxValue, "1970-01-01T00:00:00.000000000Z")]
    [InlineData(39, 0, ulong.MaxValue, "1970-01-01T00:00:00.000000000Z")]
    [InlineData(127, 5, ulong.MaxValue, "1970-01-01T00:00:05.000000000Z")]
    [InlineData(6, -2, 1_500_000, "1969-12-31T23:59:59.500000000Z")]
    [InlineData(0, 253402300799, 0, "9999-12-31T23:59:59.000000000Z")]
    [InlineData(0, 253402300800, 0, "253402300800 s and 0 ns after 1970")]
    [InlineData(0, long.MaxValue, ulong.MaxValue, "27670116110564327422 s and 0 ns after 1970")]
    [InlineData(6, long.MinValue, 1, "-9223372036854775808 s and 1000 ns after 1970")]
    public async Task The_times_of_an_interface_have_its_unit_and_offset(int resolution, long offset, ulong units, string time)
    {
        byte[] file =
        [
            .. Section(true),
            .. Interface(true, LinkTypes.Raw, 0, Option(true, 2, "eth0"u8.ToArray()), Option(true, 9, [(byte)resolution]), Option(true, 14, BitConverter.GetBytes(offset)), Option(true, 0, []), Option(true, 9, [1])),
            .. Enhanced(true, 0, units, RejectOverIPv4),
        ];
        Assert.Equal(time, Assert.Single((await InspectAsync(file)).Lines).TextOf("time"));
    }

    [Fact]
    public async Task Sections_may_differ_in_byte_order_and_interfaces_and_other_blocks_are_skipped()
    {
        byte[] ethernet = [.. new byte[12], 0x08, 0x00, .. RejectOverIPv4];
        byte[] file =
        [
            .. Section(true), .. Block(true, 0xbad, new byte[100_000]), .. Interface(true, LinkTypes.Raw), .. Interface(true, LinkTypes.Ethernet),
            .. Enhanced(true, 1, 0, ethernet), .. Block(true, 5, new byte[8]), .. Enhanced(true, 0, 0, RejectOverIPv6),
            .. Section(false), .. Interface(false, LinkTypes.Ethernet), .. Block(false, 4, []), .. Enhanced(false, 0, 0, ethernet),
        ];
        var (run, lines) = await InspectAsync(file);
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        Assert.Equal([1, 2, 3], lines.Select(line => line.GetProperty("number").GetInt32()));
        Assert.Equal(["192.0.2.1:4001", "[2001:db8::1]:4001", "192.0.2.1:4001"], lines.Select(line => line.TextOf("from")));
    }

    [Fact]
    public async Task A_simple_packet_is_as_long_as_its_interface_takes()
    {
        var packet = IPv4(OverUdp(1, 2, InspectSample.Sealed(0x80000010, 40)));
        byte[] file = [.. Section(true), .. Interface(true, LinkTypes.Raw, 40), .. Simple(true, packet[..40], packet.Length)];
        var line = Assert.Single((await InspectAsync(file)).Lines);
        Assert.Equal(("truncated", 12, 60), (line.TypeOf(), line.GetProperty("captured").GetInt32(), line.GetProperty("length").GetInt32()));
        Assert.Equal(("r2i", 16), (line.TextOf("direction"), line.GetProperty("counter").GetInt32()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(44)]
    public async Task A_pcap_that_ends_inside_a_packet_tells_what_came_before_and_fails(int kept)
    {
        byte[] whole = Pcap(LinkTypes.Raw, RejectOverIPv4, RejectOverIPv4);
        var (run, lines) = await InspectAsync(whole[..(24 + 45 + kept)]);
        Assert.Equal("reject", Assert.Single(lines).TypeOf());
        Assert.Equal(ExitCodes.File, run.ExitCode);
        Assert.Matches("^psec: '.*': The capture ends inside .*packet 2, which begins at byte 69\\.\n$", run.Error);
    }

    [Fact]
    public async Task A_pcap_of_every_length_ends_with_an_exit_code()
    {
        var whole = Pcap(LinkTypes.Raw, RejectOverIPv4);
        for (var length = 4; length < whole.Length; length++)
        {
            var (run, lines) = await InspectAsync(whole[..length]);
            Assert.Equal(length == 24 ? ExitCodes.Failed : ExitCodes.File, run.ExitCode);
            Assert.Empty(lines);
        }
    }

    [Fact]
    public async Task A_pcapng_of_every_length_tells_what_was_readable_and_ends_with_an_exit_code()
    {
        byte[] first = [.. Section(true), .. Interface(true, LinkTypes.Raw), .. Enhanced(true, 0, 0, RejectOverIPv4)];
        byte[] whole = [.. first, .. Enhanced(true, 0, 0, RejectOverIPv4)];
        for (var length = 4; length < whole.Length; length++)
        {
            var (run, lines) = await InspectAsync(whole[..length]);
            var (isEmpty, isWhole) = (length is 28 or 48, length == first.Length);
            Assert.Equal((length, isEmpty ? ExitCodes.Failed : isWhole ? ExitCodes.Success : ExitCodes.File), (length, run.ExitCode));

            // A packet counts when it is there, even if its padding and the length after it are not.
            Assert.Equal((length >= first.Length - 7 ? 1 : 0) + (length >= whole.Length - 7 ? 1 : 0), lines.Count);
            Assert.True(isEmpty || isWhole || run.Error.Contains("The capture ends inside ", StringComparison.Ordinal), run.Error);
        }
    }

    [Theory]
    [InlineData(CaptureFile.MaxPacketSize, ExitCodes.Success, 2)]
    [InlineData(CaptureFile.MaxPacketSize + 1, ExitCodes.File, 0)]
    public async Task A_pcap_packet_has_at_most_256_KiB(int size, int exitCode, int shown)
    {
        byte[] large = [.. RejectOverIPv4, .. new byte[size - RejectOverIPv4.Length]];
        var (run, lines) = await InspectAsync(Pcap(LinkTypes.Raw, large, RejectOverIPv4));
        Assert.Equal((exitCode, shown), (run.ExitCode, lines.Count));
        Assert.Equal(exitCode != ExitCodes.Success, run.Error.Contains("claims 262145 bytes; none has more than 262144", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_pcap_packet_that_claims_four_gigabytes_allocates_nothing()
    {
        byte[] file = [.. PcapHeader(true, Microseconds, LinkTypes.Raw), .. PcapRecord(true, 0, 0, RejectOverIPv4, captured: uint.MaxValue)];
        var (run, lines) = await InspectAsync(file);
        Assert.Equal((ExitCodes.File, 0), (run.ExitCode, lines.Count));
        Assert.Contains("claims 4294967295 bytes", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(CaptureFile.MaxPacketSize, ExitCodes.Success, 2)]
    [InlineData(CaptureFile.MaxPacketSize + 4, ExitCodes.File, 1)]
    public async Task A_pcapng_packet_past_256_KiB_is_named_and_skipped(int size, int exitCode, int shown)
    {
        byte[] large = [.. RejectOverIPv4, .. new byte[size - RejectOverIPv4.Length]];
        byte[] file = [.. Section(true), .. Interface(true, LinkTypes.Raw), .. Enhanced(true, 0, 0, large), .. Enhanced(true, 0, 0, RejectOverIPv4)];
        var (run, lines) = await InspectAsync(file);
        Assert.Equal((exitCode, shown), (run.ExitCode, lines.Count));
        Assert.Equal(exitCode != ExitCodes.Success, run.Error.Contains("Packet 1 of", StringComparison.Ordinal));
    }

    public static TheoryData<byte[], string> BrokenBlocks => new()
    {
        { [.. Number(true, 4, 6), .. Number(true, 4, 8)], "claims a length of 8 bytes" },
        { [.. Number(true, 4, 0xbad), .. Number(true, 4, 13), .. new byte[5]], "claims a length of 13 bytes" },
        { [.. Number(true, 4, 0xbad), .. Number(true, 4, uint.MaxValue - 3)], "ends inside block 3" },
        { [.. Number(true, 4, 0xbad), .. Number(true, 4, 12), .. Number(true, 4, 16)], "ends with another length, 16, than it begins with, 12" },
        { Block(true, 6, new byte[16]), "is a packet block with 16 bytes in it" },
        { Block(true, 3, []), "is a packet block with 0 bytes in it" },
        { Block(true, 1, new byte[4]), "is an interface description with 4 bytes in it" },
        { Block(true, 1, new byte[CaptureFile.MaxPacketSize + 4]), "is an interface description with 262148 bytes in it" },
        { Interface(true, 1, 0, [9, 0, 5, 0, 1, 0, 0, 0]), "with an option that goes past its end" },
        { Enhanced(true, 0, 0, [1, 2, 3, 4], captured: 5), "claims 5 captured bytes and has 4" },
        { Section(true, 2), "begins a section of version 2; 1 is known" },
        { [.. Number(true, 4, 0x0a0d0d0a), .. Number(true, 4, 28), .. new byte[20]], "is a section header without a byte order" },
        { [.. Number(true, 4, 0x0a0d0d0a), .. Number(true, 4, 24), .. Section(true)[8..]], "claims a length of 24 bytes, which no section header has" },
    };

    [Theory]
    [MemberData(nameof(BrokenBlocks))]
    public async Task A_broken_block_ends_the_reading_with_its_place(byte[] block, string reason)
    {
        byte[] file = [.. Section(true), .. Interface(true, LinkTypes.Raw), .. Enhanced(true, 0, 0, RejectOverIPv4)];
        var (run, lines) = await InspectAsync([.. file, .. block, .. Enhanced(true, 0, 0, RejectOverIPv4)]);
        Assert.Single(lines);
        Assert.Equal(ExitCodes.File, run.ExitCode);
        Assert.Contains(reason.Replace("block 3", "block 4", StringComparison.Ordinal), run.Error, StringComparison.Ordinal);
        Assert.Contains($"at byte {file.Length}", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_packet_of_an_interface_that_is_not_described_is_named()
    {
        byte[] file = [.. Section(true), .. Simple(true, RejectOverIPv4), .. Interface(true, LinkTypes.Raw), .. Enhanced(true, 1, 0, RejectOverIPv4)];
        var (run, lines) = await InspectAsync(file);
        Assert.Equal((ExitCodes.File, 0), (run.ExitCode, lines.Count));
        Assert.Contains("does not describe interface 0", run.Error, StringComparison.Ordinal);
        Assert.Contains("does not describe interface 1", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(65_536, ExitCodes.Success)]
    [InlineData(65_537, ExitCodes.File)]
    public async Task A_section_describes_at_most_65536_interfaces(int count, int exitCode)
    {
        var one = Interface(true, LinkTypes.Raw);
        byte[] file = [.. Section(true), .. Enumerable.Repeat(one, count).SelectMany(bytes => bytes), .. Enhanced(true, 65_535, 0, RejectOverIPv4)];
        Assert.Equal(exitCode, (await InspectAsync(file)).Run.ExitCode);
    }

    [Fact]
    public async Task A_pcap_of_another_version_is_not_guessed_at()
    {
        byte[] file = [.. PcapHeader(true, Microseconds, LinkTypes.Raw, major: 3), .. PcapRecord(true, 0, 0, RejectOverIPv4)];
        var (run, lines) = await InspectAsync(file);
        Assert.Equal((ExitCodes.File, 0), (run.ExitCode, lines.Count));
        Assert.Contains("version 3", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_link_type_is_named_once_with_its_count()
    {
        var (run, lines) = await InspectAsync(Pcap(147, RejectOverIPv4, RejectOverIPv4));
        Assert.Equal((ExitCodes.File, 0), (run.ExitCode, lines.Count));
        Assert.Matches("^psec: 2 packets of '.*' have link type 147, which is not known\\.\n$", run.Error);
    }

    [Fact]
    public async Task A_byte_changed_anywhere_never_throws()
    {
        byte[] file =
        [
            .. Section(true), .. Interface(true, LinkTypes.Ethernet, 0, Option(true, 9, [9])), .. Enhanced(true, 0, 1, [.. new byte[12], 0x86, 0xdd, .. RejectOverIPv6]),
            .. Section(false), .. Interface(false, LinkTypes.Raw), .. Simple(false, IPv4(OverUdp(1, 2, InspectSample.InitHello(1)))),
        ];
        for (var i = 0; i < file.Length; i++)
        {
            foreach (var change in new byte[] { 0x01, 0x80, 0xff })
            {
                var output = new StringWriter();
                var run = new InspectRun(new(new CliContext(TextReader.Null, output, output), true), new HashSet<int>(), false, default);
                run.ReadFile("file", new MemoryStream([.. file[..i], (byte)(file[i] ^ change), .. file[(i + 1)..]]));
                Assert.InRange(run.ExitCode, ExitCodes.Success, ExitCodes.File);
            }
        }
    }
}
