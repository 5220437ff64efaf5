using PacketSec.Protocol.Wire;

namespace PacketSec.Core.Tests.Wire;

public sealed class WireReaderTests
{
    [Fact]
    public void What_the_writer_writes_the_reader_reads()
    {
        var writer = new WireWriter(new byte[64]);
        writer.WriteByte(7);
        writer.WriteUInt16(0x0102);
        writer.WriteUInt32(0x03040506);
        writer.WriteUInt64(0x0708090a0b0c0d0e);
        writer.WriteVarint(300);
        writer.WriteDelimited("abc"u8);
        writer.WriteBytes("rest"u8);
        Assert.Equal("0701020304050607" + "08090a0b0c0d0eac02" + "03616263" + "72657374", Convert.ToHexStringLower(writer.Written));

        var reader = new WireReader(writer.Written);
        Assert.True(reader.TryReadByte(out var one) && one == 7);
        Assert.True(reader.TryReadUInt16(out var two) && two == 0x0102);
        Assert.True(reader.TryReadUInt32(out var four) && four == 0x03040506);
        Assert.True(reader.TryReadUInt64(out var eight) && eight == 0x0708090a0b0c0d0e);
        Assert.True(reader.TryReadVarint(out var number) && number == 300);
        Assert.True(reader.TryReadDelimited(out var bytes) && bytes.SequenceEqual("abc"u8));
        Assert.Equal(4, reader.Remaining);
        Assert.True(reader.ReadRest().SequenceEqual("rest"u8));
        Assert.True(reader.IsAtEnd);
    }

    [Fact]
    public void A_read_past_the_end_is_false_and_moves_nothing()
    {
        var reader = new WireReader([3, 1]);
        Assert.False(reader.TryReadUInt32(out _));
        Assert.False(reader.TryReadUInt64(out _));
        Assert.False(reader.TryReadBytes(3, out _));
        Assert.False(reader.TryReadDelimited(out _));
        Assert.False(reader.TryReadLenientDelimited(out _));
        Assert.Equal(2, reader.Remaining);
        Assert.True(reader.TryReadUInt16(out var value));
        Assert.Equal(0x0301, value);
        Assert.False(reader.TryReadByte(out _));
        Assert.False(reader.TryReadUInt16(out _));
        Assert.False(reader.TryReadVarint(out _));
    }

    [Theory]
    [InlineData("ffffffffffffffff7f")]
    [InlineData("ffffffff0f")]
    public void A_length_beyond_all_memory_is_false(string prefix)
    {
        var reader = new WireReader(Convert.FromHexString(prefix + "00"));
        Assert.False(reader.TryReadDelimited(out _));
        Assert.False(reader.TryReadLenientDelimited(out _));
    }

    [Fact]
    public void Only_the_lenient_read_takes_a_padded_length()
    {
        byte[] padded = [0x81, 0x00, 0x2a];
        var strict = new WireReader(padded);
        Assert.False(strict.TryReadDelimited(out _));
        Assert.True(strict.TryReadLenientDelimited(out var bytes) && bytes.SequenceEqual((byte[])[0x2a]));
    }

    [Fact]
    public void Writing_into_too_small_a_buffer_throws()
    {
        var buffer = new byte[3];
        Assert.Throws<ArgumentException>(() =>
        {
            var writer = new WireWriter(buffer);
            writer.WriteUInt32(1);
        });
        var fits = new WireWriter(buffer);
        fits.WriteBytes([1, 2, 3]);
        Assert.Equal(0, fits.Room);
    }
}
