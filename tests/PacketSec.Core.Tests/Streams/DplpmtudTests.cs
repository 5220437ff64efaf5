using PacketSec.Protocol.Streams;

namespace PacketSec.Core.Tests.Streams;

public sealed class DplpmtudTests
{
    private const long Second = 1_000_000_000;
    private const long Room = long.MaxValue;

    //= spec/streams.md#mtu-probe
    //= rfc8899#section-5.3.2
    [Theory]
    [InlineData(1472, 1472)]
    [InlineData(65_000, 1472)]
    [InlineData(65_000, 65_000)]
    [InlineData(65_000, 1200)]
    [InlineData(9000, 8999)]
    [InlineData(1210, 1210)]
    [InlineData(1200, 1200)]
    [InlineData(1000, 1200)]
    public void The_search_ends_close_below_what_the_path_carries(int most, int path)
    {
        var mtu = new Dplpmtud(most);
        var probes = 0;
        while (mtu.NextProbe(Room) is var size && size > 0)
        {
            Assert.True(size <= most && size > mtu.Size);
            mtu.OnProbeSent();
            Assert.Equal(0, mtu.NextProbe(Room));
            if (size <= path)
            {
                mtu.OnProbeAcknowledged(0, size);
                Assert.Equal(size, mtu.Size);
            }
            else
            {
                mtu.OnProbeLost(0, size);
            }

            Assert.InRange(++probes, 1, 60);
        }

        Assert.InRange(mtu.Size, path == most ? path : Math.Max(1200, path - 8), path);
        Assert.False(mtu.IsSearching);
    }

    //= spec/streams.md#mtu-probe
    //= rfc8899#section-5.1.2
    [Fact]
    public void A_size_is_too_large_after_three_lost_probes_and_not_after_two()
    {
        var mtu = new Dplpmtud(1472);
        Lose(mtu);
        Lose(mtu);
        Assert.Equal(1472, mtu.NextProbe(Room));
        Lose(mtu);
        Assert.Equal(1336, mtu.NextProbe(Room));
    }

    // A window that grows or shrinks changes the size between two probes.
    //= spec/streams.md#mtu-probe
    [Fact]
    public void Three_lost_probes_of_different_sizes_make_the_largest_of_them_too_large()
    {
        var mtu = new Dplpmtud(1472);
        foreach (var room in new[] { 1400, 1472, 1300 })
        {
            Assert.Equal(room, mtu.NextProbe(room));
            mtu.OnProbeSent();
            mtu.OnProbeLost(0, room);
        }

        Assert.Equal(1336, mtu.NextProbe(Room));
    }

    //= rfc8899#section-5.1.1
    [Fact]
    public void A_larger_size_is_tried_again_after_600_s()
    {
        var mtu = new Dplpmtud(1216);
        Assert.Equal(long.MaxValue, mtu.RaiseAt);
        for (var i = 0; i < 3; i++)
        {
            Lose(mtu);
        }

        for (var i = 0; mtu.NextProbe(Room) > 0; i++)
        {
            Lose(mtu);
        }

        Assert.Equal(600 * Second, mtu.RaiseAt);
        mtu.Raise();
        Assert.Equal(1216, mtu.NextProbe(Room));
    }

    [Fact]
    public void A_window_that_is_smaller_than_the_interface_is_probed_as_far_as_it_goes()
    {
        var mtu = new Dplpmtud(65_000);
        Assert.Equal(12_000, mtu.NextProbe(12_000));
        Assert.Equal(0, mtu.NextProbe(1208));
        Assert.Equal(1209, mtu.NextProbe(1209));
        mtu.OnProbeSent();
        mtu.OnProbeAcknowledged(0, 12_000);
        Assert.Equal((12_000, 65_000), (mtu.Size, mtu.NextProbe(65_000)));
    }

    //= spec/streams.md#black-hole
    //= rfc8899#section-4.3
    [Theory]
    [InlineData(3, 7, 20, true)]
    [InlineData(2, 7, 20, false)]
    [InlineData(3, 0, 20, false)]
    [InlineData(3, 7, 19, false)]
    public void Large_packets_that_vanish_while_a_later_small_one_arrives_are_a_black_hole(int lost, long small, long seconds, bool expected)
    {
        var mtu = Found(1472);
        for (var i = 1; i <= lost; i++)
        {
            mtu.OnLost(i, 1472, 0);
        }

        Assert.Equal(expected, mtu.OnAcknowledged(seconds * Second, small, 1200, 20 * Second));
        Assert.Equal(expected ? 1200 : 1472, mtu.Size);
        Assert.Equal(0, mtu.NextProbe(Room));
        Assert.Equal(expected ? (600 + seconds) * Second : long.MaxValue, mtu.RaiseAt);
    }

    //= spec/streams.md#black-hole
    [Fact]
    public void One_large_packet_that_arrives_shows_that_there_is_no_black_hole()
    {
        var mtu = Found(1472);
        for (var i = 1; i <= 10; i++)
        {
            mtu.OnLost(i, 1472, 0);
        }

        Assert.False(mtu.OnAcknowledged(50 * Second, 20, 1472, 20 * Second));
        Assert.False(mtu.OnAcknowledged(60 * Second, 21, 1200, 20 * Second));
        Assert.Equal(1472, mtu.Size);
    }

    [Fact]
    public void Small_packets_may_be_lost()
    {
        var mtu = Found(1472);
        for (var i = 1; i <= 10; i++)
        {
            mtu.OnLost(i, 1200, 0);
        }

        Assert.False(mtu.OnAcknowledged(60 * Second, 21, 1200, 20 * Second));
    }

    [Fact]
    public void An_interface_that_takes_less_bounds_the_size_and_one_that_takes_more_is_searched()
    {
        var mtu = Found(1472);
        mtu.SetMost(1300);
        Assert.Equal((1300, 0), (mtu.Size, mtu.NextProbe(Room)));
        mtu.SetMost(1472);
        Assert.Equal((1300, 1472), (mtu.Size, mtu.NextProbe(Room)));
    }

    private static void Lose(Dplpmtud mtu)
    {
        var size = mtu.NextProbe(Room);
        mtu.OnProbeSent();
        mtu.OnProbeLost(0, size);
    }

    private static Dplpmtud Found(int size)
    {
        var mtu = new Dplpmtud(size);
        mtu.OnProbeSent();
        mtu.OnProbeAcknowledged(0, size);
        return mtu;
    }
}
