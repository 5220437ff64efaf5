using PacketSec.Protocol.Wire;

namespace PacketSec.Core.Tests.Wire;

public sealed class PacketHeaderTests
{
    [Theory]
    [InlineData("00000000", 0, 0U)]
    [InlineData("80000001", 1, 1U)]
    [InlineData("00000010", 0, 16U)]
    [InlineData("7fffffff", 0, 2147483647U)]
    [InlineData("ffffffff", 1, 2147483647U)]
    public void Direction_and_counter_share_one_big_endian_word(string hex, int direction, uint counter)
    {
        Assert.True(PacketHeader.TryRead(Convert.FromHexString(hex), out var header));
        Assert.Equal(new PacketHeader((Direction)direction, new PacketCounter(counter)), header);

        var written = new byte[PacketHeader.Size];
        header.WriteTo(written);
        Assert.Equal(hex, Convert.ToHexStringLower(written));
    }

    [Fact]
    public void Three_bytes_are_no_header()
    {
        Assert.False(PacketHeader.TryRead(new byte[3], out _));
        Assert.True(PacketHeader.TryRead(new byte[5], out _));
    }

    [Fact]
    public void A_counter_ends_at_31_bits_and_never_wraps()
    {
        Assert.True(new PacketCounter(PacketCounter.MaxValue - 1).TryNext(out var last));
        Assert.Equal(PacketCounter.Closing, last);
        Assert.False(last.TryNext(out var none));
        Assert.Equal(last, none);
        Assert.Throws<ArgumentOutOfRangeException>(() => new PacketCounter(PacketCounter.MaxValue + 1));
    }

    [Fact]
    public void The_nonce_is_little_endian_after_four_zero_bytes()
    {
        var nonce = new byte[12];
        Array.Fill(nonce, (byte)0xff);
        new PacketCounter(0x01020304).WriteNonce(nonce);
        Assert.Equal("000000000403020100000000", Convert.ToHexStringLower(nonce));
    }
}
