using PacketSec.Libp2p.Datagrams;

namespace PacketSec.Libp2p.Tests.Protocols;

public sealed class FlowDatagramTests
{
    //= spec/libp2p.md#flow-datagram
    [Theory]
    [InlineData("00", 0, "")]
    [InlineData("3fab", 63, "ab")]
    [InlineData("4040ab", 64, "ab")]
    [InlineData("800040000102", 16384, "0102")]
    [InlineData("c000000040000000ff", 1L << 30, "ff")]
    public void The_number_of_the_control_stream_stands_before_the_payload(string hex, long flow, string payload)
    {
        Assert.True(FlowDatagram.TryRead(Convert.FromHexString(hex), out var read, out var rest));
        Assert.Equal((flow, payload), (read, Convert.ToHexStringLower(rest)));
        var written = new byte[FlowDatagram.Overhead(flow) + rest.Length];
        FlowDatagram.Write(written, flow, rest);
        Assert.Equal(hex, Convert.ToHexStringLower(written));
    }

    //= spec/libp2p.md#flow-datagram
    [Theory]
    [InlineData("")]
    [InlineData("40")]
    [InlineData("800000")]
    [InlineData("c0000000000000")]
    public void A_datagram_that_ends_inside_the_number_is_none(string hex)
        => Assert.False(FlowDatagram.TryRead(Convert.FromHexString(hex), out _, out _));

    //= spec/libp2p.md#flow-early
    [Fact]
    public void Sixty_four_early_datagrams_are_kept_and_the_65th_displaces_the_oldest()
    {
        var early = new EarlyDatagrams();
        for (byte i = 0; i < EarlyDatagrams.MaxCount; i++)
        {
            Assert.Equal(0, early.Keep(i % 2, [i]));
        }

        Assert.Equal(1, early.Keep(0, [200]));
        Assert.Equal([.. Enumerable.Range(1, 31).Select(i => (byte)(2 * i)), 200], early.Take(0).Select(payload => payload[0]));
        Assert.Equal(32, early.Take(1).Count);
        Assert.Empty(early.Take(1));
    }

    //= spec/libp2p.md#flow-early
    [Fact]
    public void Early_datagrams_have_65536_bytes_together()
    {
        var early = new EarlyDatagrams();
        Assert.Equal(0, early.Keep(1, new byte[EarlyDatagrams.MaxBytes - 1]));
        Assert.Equal(0, early.Keep(2, new byte[1]));
        Assert.Equal(0, early.Keep(2, []));
        Assert.Equal(1, early.Keep(2, new byte[1]));
        Assert.Empty(early.Take(1));
        Assert.Equal(3, early.Take(2).Count);
        Assert.Equal(0, early.Keep(3, new byte[EarlyDatagrams.MaxBytes]));
        Assert.Equal(1, early.Keep(3, new byte[EarlyDatagrams.MaxBytes + 1]));
        Assert.Single(early.Take(3));
    }
}
