using PacketSec.Protocol.Wire;

namespace PacketSec.Core.Tests.Wire;

public sealed class VarintTests
{
    [Theory]
    [InlineData(0UL, "00")]
    [InlineData(1UL, "01")]
    [InlineData(127UL, "7f")]
    [InlineData(128UL, "8001")]
    [InlineData(300UL, "ac02")]
    [InlineData(16383UL, "ff7f")]
    [InlineData(16384UL, "808001")]
    [InlineData(Varint.MaxStrictValue, "ffffffffffffffff7f")]
    public void A_number_has_one_strict_encoding(ulong value, string hex)
    {
        var buffer = new byte[10];
        var written = Varint.Write(buffer, value);

        Assert.Equal(hex, Convert.ToHexStringLower(buffer, 0, written));
        Assert.Equal(written, Varint.Length(value));
        Assert.True(Varint.TryReadStrict(buffer.AsSpan(0, written), out var read, out var length));
        Assert.Equal((value, written), (read, length));
        Assert.True(Varint.TryReadLenient(buffer.AsSpan(0, written), out read, out length));
        Assert.Equal((value, written), (read, length));
    }

    [Fact]
    public void Each_power_of_two_and_its_neighbours_round_trip()
    {
        var buffer = new byte[10];
        for (var bit = 0; bit < 64; bit++)
        {
            foreach (var value in new[] { (1UL << bit) - 1, 1UL << bit, (1UL << bit) | 1 })
            {
                var written = Varint.Write(buffer, value);
                Assert.Equal(written, Varint.Length(value));
                Assert.True(Varint.TryReadLenient(buffer, out var read, out var length));
                Assert.Equal((value, written), (read, length));
                Assert.Equal(value <= Varint.MaxStrictValue, Varint.TryReadStrict(buffer, out _, out _));
            }
        }
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("80", false)]
    [InlineData("8000", true)]
    [InlineData("818000", true)]
    [InlineData("80808080808080808001", true)]
    [InlineData("ffffffffffffffffff01", true)]
    [InlineData("ffffffffffffffffff02", false)]
    [InlineData("ffffffffffffffffff7f", false)]
    [InlineData("80808080808080808080", false)]
    [InlineData("8080808080808080808001", false)]
    public void Padded_overlong_and_truncated_encodings_are_never_strict(string hex, bool lenient)
    {
        var bytes = Convert.FromHexString(hex);
        Assert.False(Varint.TryReadStrict(bytes, out _, out _));
        Assert.Equal(lenient, Varint.TryReadLenient(bytes, out _, out _));
    }
}
