using PacketSec.Udp;

namespace PacketSec.Tests.Udp;

public sealed class SendBatchTests
{
    private static readonly UdpAddress One = UdpAddress.FromIPv4(0x7F00_0001, 1);
    private static readonly UdpAddress Two = UdpAddress.FromIPv4(0x7F00_0001, 2);

    [Fact]
    public void A_group_has_one_source_and_one_receiver()
    {
        var batch = new SendBatch();
        batch.Append(default, One, 10);
        batch.Append(default, Two, 10);
        batch.Append(Two, Two, 10);
        batch.Append(Two, Two, 10);

        Assert.Equal([1, 1, 2], batch.Groups.ToArray().Select(g => g.Segments));
        Assert.Equal([(0, 10), (10, 10), (20, 20)], batch.Groups.ToArray().Select(g => (g.Offset, g.Length)));
    }

    [Fact]
    public void A_cleared_batch_begins_anew()
    {
        var batch = new SendBatch();
        batch.Append(default, One, 10);
        batch.Append(default, One, 5);
        batch.Clear();

        Assert.Equal(0, batch.Count);
        Assert.Equal(SendBatch.Capacity, batch.Free.Length);
        batch.Append(default, One, 5);
        batch.Append(default, One, 5);
        Assert.Equal(2, Assert.Single(batch.Groups.ToArray()).Segments);
    }

    [Fact]
    public void The_batch_is_full_when_its_groups_are()
    {
        var batch = new SendBatch();
        for (int i = 1; i < SendBatch.MaxGroups; i++)
        {
            batch.Append(default, One, i);
        }

        Assert.False(batch.IsFull);
        batch.Append(default, One, SendBatch.MaxGroups);
        Assert.True(batch.IsFull);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(SendBatch.Capacity + 1)]
    public void A_datagram_has_a_byte_and_fits(int length) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new SendBatch().Append(default, One, length));

    [Fact]
    public void Datagrams_fill_the_batch_to_its_last_byte()
    {
        var batch = new SendBatch();
        batch.Append(default, One, SendBatch.Capacity - 1);
        batch.Append(default, One, 1);

        Assert.True(batch.Free.IsEmpty);
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.Append(default, One, 1));
    }
}
