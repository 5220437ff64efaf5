using PacketSec.Protocol.Streams.Frames;
using PacketSec.Protocol.Streams.Recovery;
using PacketSec.Protocol.Wire;

namespace PacketSec.Core.Tests.Streams;

public sealed class AckRangesTests
{
    [Fact]
    public void Any_order_of_arrival_gives_the_ranges_of_the_set()
    {
        var random = new Random(5);
        for (var round = 0; round < 200; round++)
        {
            var ranges = new AckRanges();
            var expected = new SortedSet<long>();
            for (var i = 0; i < 60; i++)
            {
                var number = random.Next(100);
                Assert.Equal(expected.Add(number), ranges.Add(number));
            }

            Assert.Equal(expected, Numbers(ranges));
            Assert.Equal(expected.Max, ranges.Largest);
            Assert.All(Enumerable.Range(0, 110), number => Assert.Equal(expected.Contains(number), ranges.Contains(number)));
        }
    }

    //= spec/streams.md#ack-ranges-bound
    //= rfc9000#section-13.2.3
    [Fact]
    public void The_65th_range_drives_out_the_oldest_and_what_lies_below_counts_as_seen()
    {
        var ranges = new AckRanges();
        for (var i = 0; i < AckRanges.Capacity; i++)
        {
            Assert.True(ranges.Add(10 + (2 * i)));
        }

        Assert.False(ranges.Contains(9));
        Assert.Equal((AckRanges.Capacity, 10L), (ranges.Count, ranges[0].First));

        Assert.True(ranges.Add(1000));
        Assert.Equal((AckRanges.Capacity, 12L), (ranges.Count, ranges[0].First));
        Assert.False(ranges.Add(10));
        Assert.False(ranges.Add(9));
        Assert.True(ranges.Contains(5));
        Assert.True(ranges.Add(11));
    }

    //= rfc9000#section-13.2.4
    [Fact]
    public void What_the_peer_knows_to_be_acknowledged_is_forgotten_and_stays_seen()
    {
        var ranges = new AckRanges();
        foreach (var number in (long[])[1, 2, 5, 6, 9])
        {
            ranges.Add(number);
        }

        ranges.ForgetBelow(6);
        Assert.Equal([5, 6, 9], Numbers(ranges));
        Assert.True(ranges.Contains(1) && ranges.Contains(2));
        Assert.False(ranges.Contains(4));
    }

    [Fact]
    public void A_frame_holds_as_many_of_the_newest_ranges_as_have_room()
    {
        var ranges = new AckRanges();
        for (var i = 0; i < 40; i++)
        {
            ranges.Add(100 * i);
            ranges.Add((100 * i) + 1);
        }

        for (var room = 0; room < 140; room++)
        {
            var writer = new WireWriter(new byte[200]);
            if (!AckFrame.TryWrite(ref writer, ranges, 25, room))
            {
                Assert.InRange(room, 0, 5);
                Assert.Equal(0, writer.Length);
                continue;
            }

            Assert.InRange(writer.Length, 6, room);
            var reader = new WireReader(writer.Written[1..]);
            Assert.True(AckFrame.TryRead(FrameType.Ack, ref reader, out var frame) && reader.IsAtEnd);
            Assert.Equal(writer.Length, frame.EncodedLength);
            Assert.Equal((3901L, 25L), (frame.Largest, frame.Delay));
            var next = 39;
            foreach (var range in frame)
            {
                Assert.Equal(new NumberRange(100 * next, (100 * next) + 1), range);
                next--;
            }

            Assert.True(room < 130 || next == -1);
        }
    }

    private static List<long> Numbers(AckRanges ranges)
        => [.. Enumerable.Range(0, ranges.Count).SelectMany(i => Enumerable.Range((int)ranges[i].First, (int)(ranges[i].Last - ranges[i].First + 1)).Select(n => (long)n))];
}
