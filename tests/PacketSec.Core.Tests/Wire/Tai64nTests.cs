using System.Text.Json;
using PacketSec.Protocol.Wire;
using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Wire;

public sealed class Tai64nTests
{
    //= spec/p2pke.md#timestamp-encoding
    [VectorsFact]
    public void Every_published_time_has_the_published_label()
    {
        var count = 0;
        foreach (var entry in Open().GetProperty("encode").EnumerateArray())
        {
            var label = Tai64n.FromUnixTime(entry.GetProperty("unix_seconds").GetInt64(), entry.GetProperty("nanoseconds").GetUInt32());
            var bytes = new byte[Tai64n.Size];
            label.WriteTo(bytes);
            Assert.Equal(entry.GetProperty("tai64n").GetString(), Convert.ToHexStringLower(bytes));
            Assert.True(Tai64n.TryRead(bytes, out var read));
            Assert.Equal(label, read);
            count++;
        }

        Assert.Equal(24, count);
    }

    //= spec/p2pke.md#timestamp-parsing
    [VectorsFact]
    public void Only_twelve_bytes_with_whole_nanoseconds_are_a_label()
    {
        var count = 0;
        foreach (var entry in Open().GetProperty("parse").EnumerateArray())
        {
            var bytes = Convert.FromHexString(entry.GetProperty("tai64n").GetString()!);
            Assert.Equal(entry.GetProperty("reference_accepts").GetBoolean(), Tai64n.TryRead(bytes, out _));
            count++;
        }

        Assert.Equal(9, count);
    }

    //= spec/p2pke.md#timestamp-encoding
    [Theory]
    [InlineData(-1, 10)]
    [InlineData(78796799, 10)]
    [InlineData(78796800, 11)]
    [InlineData(1483228799, 36)]
    [InlineData(1483228800, 37)]
    public void The_offset_steps_at_the_leap_second(long seconds, int offset)
        => Assert.Equal((ulong)((1L << 62) + seconds + offset), Tai64n.FromUnixTime(seconds, 0).Label);

    [Fact]
    public void A_moment_before_1970_rounds_down_to_whole_seconds()
    {
        var label = Tai64n.FromDateTimeOffset(DateTimeOffset.UnixEpoch.AddTicks(-1));
        Assert.Equal(Tai64n.FromUnixTime(-1, 999_999_900), label);
        Assert.Equal(Tai64n.FromUnixTime(0, 100), Tai64n.FromDateTimeOffset(DateTimeOffset.UnixEpoch.AddTicks(1)));
    }

    [Fact]
    public void A_billion_nanoseconds_are_the_callers_mistake()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Tai64n.FromUnixTime(0, 1_000_000_000));
        Assert.Equal(999_999_999U, Tai64n.FromUnixTime(0, 999_999_999).Nanoseconds);
    }

    private static JsonElement Open()
        => JsonDocument.Parse(File.ReadAllBytes(TestData.Vectors("p2pke", "tai64n.json"))).RootElement;
}
