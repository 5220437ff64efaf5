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

    [Fact]
    public void A_group_ends_with_its_first_shorter_datagram()
    {
        var batch = new SendBatch();
        foreach (int length in (int[])[10, 10, 5, 5, 5, 4, 3, 6])
        {
            batch.Append(default, One, length);
        }

        Assert.Equal([(3, 10), (3, 5), (1, 3), (1, 6)], batch.Groups.ToArray().Select(g => (g.Segments, g.SegmentSize)));
        Assert.Equal([5, 4, 3, 6], batch.Groups.ToArray().Select(g => g.LastLength));
    }

    [Theory]
    [InlineData(100, SendBatch.MaxSegments, 0, 1)]
    [InlineData(100, SendBatch.MaxSegments, 1, 2)]
    [InlineData(1, SendBatch.MaxSegments, 1, 2)]
    [InlineData(1100, 59, SendBatch.MaxGroupBytes - (59 * 1100), 1)]
    [InlineData(1100, 59, SendBatch.MaxGroupBytes - (59 * 1100) + 1, 2)]
    public void A_group_ends_with_the_most_datagrams_or_bytes_that_it_may_have(int size, int count, int last, int groups)
    {
        var batch = new SendBatch();
        for (int i = 0; i < count; i++)
        {
            batch.Append(default, One, size);
        }

        if (last > 0)
        {
            batch.Append(default, One, last);
        }

        Assert.Equal(groups, batch.Count);
    }

    [Fact]
    public void What_was_sent_of_a_group_is_its_beginning_or_where_that_was_too_large_its_end()
    {
        var group = new SendGroup { Length = 25, SegmentSize = 10 };

        Assert.Equal([true, true, true], Sent(3, SendStatus.Sent));
        Assert.Equal([true, true, false], Sent(2, SendStatus.WouldBlock));
        Assert.Equal([false, false, true], Sent(1, SendStatus.TooLarge));
        Assert.Equal([false, false, false], Sent(0, SendStatus.TooLarge));

        bool[] Sent(int sent, SendStatus status)
        {
            (group.Sent, group.Status) = (sent, status);
            return [.. Enumerable.Range(0, group.Segments).Select(group.WasSent)];
        }
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
