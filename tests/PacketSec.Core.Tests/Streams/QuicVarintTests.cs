using PacketSec.Protocol.Streams.Frames;
using PacketSec.Protocol.Wire;

namespace PacketSec.Core.Tests.Streams;

public sealed class QuicVarintTests
{
    //= rfc9000#appendix-A.1
    [Theory]
    [InlineData("c2197c5eff14e88c", 151_288_809_941_952_652)]
    [InlineData("9d7f3e7d", 494_878_333)]
    [InlineData("7bbd", 15_293)]
    [InlineData("25", 37)]
    [InlineData("4025", 37)]
    public void The_samples_of_the_RFC_are_read(string hex, long expected)
    {
        var reader = new WireReader(Convert.FromHexString(hex));
        Assert.True(reader.TryReadQuicVarint(out var value, out var length));
        Assert.Equal((expected, hex.Length / 2), (value, length));
        Assert.True(reader.IsAtEnd);
    }

    [Theory]
    [InlineData(0, "00")]
    [InlineData(63, "3f")]
    [InlineData(64, "4040")]
    [InlineData(16_383, "7fff")]
    [InlineData(16_384, "80004000")]
    [InlineData(1_073_741_823, "bfffffff")]
    [InlineData(1_073_741_824, "c000000040000000")]
    [InlineData(QuicVarint.MaxValue, "ffffffffffffffff")]
    public void The_shortest_encoding_changes_at_each_limit(long value, string hex)
    {
        var writer = new WireWriter(new byte[QuicVarint.MaxLength]);
        writer.WriteQuicVarint(value);
        Assert.Equal(hex, Convert.ToHexStringLower(writer.Written));
        Assert.Equal(writer.Length, QuicVarint.Length(value));
    }

    [Theory]
    [InlineData("")]
    [InlineData("40")]
    [InlineData("800000")]
    [InlineData("c0000000000000")]
    public void A_number_that_is_cut_off_is_false_and_moves_nothing(string hex)
    {
        var reader = new WireReader(Convert.FromHexString(hex));
        Assert.False(reader.TryReadQuicVarint(out _));
        Assert.Equal(hex.Length / 2, reader.Remaining);
    }

    [Fact]
    public void A_number_that_does_not_fit_is_the_callers_mistake()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => QuicVarint.Length(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => QuicVarint.Length(QuicVarint.MaxValue + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => QuicVarint.Write(new byte[1], 64));
        Assert.Throws<ArgumentOutOfRangeException>(() => QuicVarint.Write(new byte[3], 0));
    }

    [Fact]
    public void Room_that_was_kept_takes_any_number_that_fits()
    {
        var bytes = new byte[4];
        QuicVarint.Write(bytes, 5);
        Assert.Equal("80000005", Convert.ToHexStringLower(bytes));
    }
}
