using PacketSec.Crypto;

namespace PacketSec.Core.Tests.Crypto;

public class SecretKeyTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    public void A_secret_is_a_copy_of_1_to_64_bytes(int size)
    {
        var bytes = Enumerable.Range(1, size).Select(i => (byte)i).ToArray();
        using var key = new SecretKey(bytes);
        var expected = bytes.ToArray();
        Array.Clear(bytes);

        Assert.Equal(expected, key.Span.ToArray());
        Assert.Equal(size, key.Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65)]
    public void Other_lengths_throw(int size) => Assert.Throws<ArgumentException>(() => new SecretKey(new byte[size]));

    [Fact]
    public void Disposal_zeroes_the_bytes_and_reading_throws_from_then_on()
    {
        var key = new SecretKey([1, 2, 3]);
        var view = key.Span;
        key.Dispose();
        key.Dispose();

        Assert.Equal(new byte[3], view.ToArray());
        Assert.Throws<ObjectDisposedException>(() => key.Span.Length);
        using var other = new SecretKey([1, 2, 3]);
        Assert.Throws<ObjectDisposedException>(() => key.FixedTimeEquals(other));
        Assert.Throws<ObjectDisposedException>(() => other.FixedTimeEquals(key));
    }

    [Fact]
    public void Secrets_compare_by_their_bytes_in_fixed_time_only()
    {
        using var key = new SecretKey([1, 2, 3]);
        using var same = new SecretKey([1, 2, 3]);
        using var differs = new SecretKey([1, 2, 4]);
        using var longer = new SecretKey([1, 2, 3, 0]);

        Assert.True(key.FixedTimeEquals(same));
        Assert.False(key.FixedTimeEquals(differs));
        Assert.False(key.FixedTimeEquals(longer));
        Assert.False(key.Equals(same));
        Assert.Throws<ArgumentNullException>(() => key.FixedTimeEquals(null!));
    }

    //= spec/threat-model.md#no-secrets-printed
    [Fact]
    public void The_text_of_a_secret_is_its_type_alone()
    {
        using var key = new SecretKey([0x41, 0x42, 0x43]);
        Assert.Equal(typeof(SecretKey).FullName, key.ToString());
    }
}
