using PacketSec.Protocol.Streams.Recovery;

namespace PacketSec.Core.Tests.Streams;

public sealed class CongestionTests
{
    private const int Size = 1200;
    private const long Ms = 1_000_000;

    public static TheoryData<bool> Kinds => [true, false];

    //= rfc9002#section-7.2
    [Theory]
    [InlineData(1200, 12_000)]
    [InlineData(1472, 14_720)]
    [InlineData(1500, 14_720)]
    [InlineData(9000, 18_000)]
    public void The_first_window_is_ten_datagrams_or_14720_bytes_or_two_datagrams(int datagram, long window)
    {
        Assert.Equal(window, new NewReno(datagram).Window);
        Assert.Equal(window, new Cubic(datagram).Window);
    }

    //= rfc9002#section-7.3.1
    //= rfc9002#section-7.8
    [Theory]
    [MemberData(nameof(Kinds))]
    public void In_slow_start_the_window_grows_by_what_is_acknowledged_while_it_is_used(bool cubic)
    {
        var controller = Create(cubic);
        Acknowledge(controller, 0, sentAt: 0);
        Assert.Equal(13_200, controller.Window);
        Acknowledge(controller, 0, sentAt: 0, limited: false);
        Assert.Equal(13_200, controller.Window);
        Assert.True(controller.InSlowStart);
    }

    //= rfc9002#section-7.3.2
    [Fact]
    public void Reno_halves_its_window_once_for_all_losses_of_a_round_trip()
    {
        var reno = new NewReno(Size);
        reno.OnLost(100 * Ms, sentAt: 50 * Ms);
        Assert.Equal(6_000, reno.Window);
        reno.OnLost(120 * Ms, sentAt: 100 * Ms);
        Assert.Equal(6_000, reno.Window);
        Acknowledge(reno, 130 * Ms, sentAt: 100 * Ms);
        Assert.Equal(6_000, reno.Window);
        reno.OnLost(200 * Ms, sentAt: 101 * Ms);
        Assert.Equal(3_000, reno.Window);
        reno.OnLost(400 * Ms, sentAt: 300 * Ms);
        Assert.Equal(2_400, reno.Window);
    }

    //= rfc9002#section-7.3.3
    [Fact]
    public void Reno_avoids_congestion_by_one_datagram_for_a_window_acknowledged()
    {
        var reno = new NewReno(Size);
        reno.OnLost(0, sentAt: -1);
        Assert.False(reno.InSlowStart);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(6_000, reno.Window);
            Acknowledge(reno, Ms, sentAt: 1);
        }

        Assert.Equal(7_200, reno.Window);
    }

    //= rfc9002#section-7.6.2
    //= rfc9438#section-4.8
    [Theory]
    [MemberData(nameof(Kinds))]
    public void Persistent_congestion_leaves_two_datagrams_and_slow_start(bool cubic)
    {
        var controller = Create(cubic);
        controller.OnLost(100 * Ms, sentAt: 50 * Ms);
        controller.OnPersistentCongestion();
        Assert.Equal(2_400, controller.Window);
        Assert.True(controller.InSlowStart);
        Acknowledge(controller, 110 * Ms, sentAt: 60 * Ms);
        Assert.Equal(3_600, controller.Window);
    }

    //= rfc9438#section-4.6
    //= rfc9438#section-4.2
    [Fact]
    public void Cubic_falls_to_seven_tenths_and_is_back_after_the_cube_root_of_what_it_lost()
    {
        var cubic = Grown(1000);
        cubic.OnLost(0, sentAt: -1);
        Assert.Equal(700 * Size, cubic.Window);

        // K = cbrt((1000 - 700) / 0.4) = 9.09 s.
        var half = Run(cubic, 4_540 * Ms);
        Assert.InRange(half, 955, 970);
        Assert.InRange(Run(cubic, 9_085 * Ms), 995, 1001);
        Assert.InRange(Run(cubic, 18_170 * Ms), 1280, 1301);
    }

    //= rfc9438#section-4.7
    [Fact]
    public void Cubic_gives_room_to_others_when_a_second_loss_comes_before_the_window_is_back()
    {
        var cubic = Grown(1000);
        cubic.OnLost(0, sentAt: -1);
        cubic.OnLost(10, sentAt: 5);

        // The plateau is at 700 * 1.7 / 2 = 595 datagrams, K = cbrt((595 - 490) / 0.4) = 6.4 s.
        Assert.Equal(490 * Size, cubic.Window);
        Assert.InRange(Run(cubic, 6_400 * Ms), 590, 596);
    }

    //= rfc9438#section-4.3
    [Fact]
    public void At_small_windows_and_round_trips_Cubic_is_as_fast_as_Reno()
    {
        var cubic = Grown(20);
        cubic.OnLost(0, sentAt: -1);
        Assert.Equal(14 * Size, cubic.Window);

        // 0.53 datagrams for each of 10 round trips of 10 ms; the cubic function alone would give 0.4 of one.
        var after = Run(cubic, 100 * Ms, rtt: 10 * Ms);
        Assert.InRange(after, 14 + (9 * 0.529), 14 + (10.5 * 0.529));
    }

    //= rfc9438#section-5.8
    [Fact]
    public void Time_without_enough_data_does_not_count_for_the_cubic_function()
    {
        var idle = Grown(1000);
        var busy = Grown(1000);
        idle.OnLost(0, sentAt: -1);
        busy.OnLost(0, sentAt: -1);
        Run(idle, 1000 * Ms);
        Run(busy, 1000 * Ms);
        for (var at = 1100 * Ms; at <= 11_000 * Ms; at += 100 * Ms)
        {
            Acknowledge(idle, at, sentAt: at - 1, limited: false);
        }

        var shifted = Run(idle, 12_000 * Ms, from: 11_000 * Ms);
        Assert.InRange(shifted / Run(busy, 2000 * Ms, from: 1000 * Ms), 0.98, 1.02);
    }

    //= rfc9406#section-4.2
    [Fact]
    public void Slow_start_grows_slower_when_round_trips_become_longer_and_ends_after_five_of_them()
    {
        var exit = new SlowStartExit();
        var number = 0L;
        Assert.All(Round(exit, ref number, 100), divisor => Assert.Equal(1, divisor));
        Assert.All(Round(exit, ref number, 112), divisor => Assert.Equal(1, divisor));

        // An eighth of 112 ms is 14 ms; the eighth sample of a round decides.
        Assert.Equal([1, 1, 1, 1, 1, 1, 1, 4, 4, 4], Round(exit, ref number, 126));
        for (var round = 0; round < 4; round++)
        {
            Assert.All(Round(exit, ref number, 127), divisor => Assert.Equal(4, divisor));
            Assert.False(exit.IsOver);
        }

        Round(exit, ref number, 127);
        Assert.True(exit.IsOver);
    }

    //= rfc9406#section-4.2
    [Fact]
    public void Slow_start_goes_on_when_round_trips_become_shorter_again()
    {
        var exit = new SlowStartExit();
        var number = 0L;
        Round(exit, ref number, 100);
        Round(exit, ref number, 120);
        Assert.Equal([4, 4, 4, 4, 4, 4, 4, 1, 1, 1], Round(exit, ref number, 110));
        Assert.False(exit.IsOver);
    }

    //= rfc9002#section-7.7
    [Fact]
    public void A_pacer_lets_a_burst_go_and_then_a_window_and_a_quarter_in_a_round_trip()
    {
        var pacer = new Pacer();
        var rate = new PacingRate(100 * Size, 100 * Ms, InSlowStart: false, Size);
        var sent = 0;
        var now = 0L;
        while (pacer.NextSend(now, Size, rate) == now)
        {
            pacer.OnSent(Size);
            sent++;
        }

        Assert.Equal(10, sent);
        for (sent = 0; now < 1000 * Ms; sent++)
        {
            now = pacer.NextSend(now, Size, rate);
            Assert.Equal(now, pacer.NextSend(now, Size, rate));
            pacer.OnSent(Size);
        }

        Assert.InRange(sent, 1249, 1252);
        Assert.Equal(2.0 * 100 * Size / (100 * Ms), (rate with { InSlowStart = true }).BytesPerNanosecond, 9);
    }

    private static ICongestionController Create(bool cubic) => cubic ? new Cubic(Size) : new NewReno(Size);

    private static void Acknowledge(ICongestionController controller, long now, long sentAt, bool limited = true, long rtt = 100 * Ms)
        => controller.OnAcknowledged(new(now, sentAt, 0, long.MaxValue, Size, rtt, rtt, limited));

    private static Cubic Grown(int datagrams)
    {
        var cubic = new Cubic(Size);
        while (cubic.Window < datagrams * (long)Size)
        {
            Acknowledge(cubic, -2, sentAt: -2);
        }

        return cubic;
    }

    /// <summary>Acknowledges a window in each round trip, evenly, and returns the window in datagrams.</summary>
    private static double Run(Cubic cubic, long to, long rtt = 100 * Ms, long from = 0)
    {
        for (var now = from; now < to;)
        {
            Acknowledge(cubic, now, now - 1 + (now == 0 ? 2 : 0), rtt: rtt);
            now += Math.Max(1, rtt * Size / cubic.Window);
        }

        return (double)cubic.Window / Size;
    }

    private static List<int> Round(SlowStartExit exit, ref long number, long rttMs)
    {
        var divisors = new List<int>();
        var next = number + 10;
        while (number < next)
        {
            divisors.Add(exit.Divisor(new(0, 0, number, next, Size, rttMs * Ms, rttMs * Ms, true)));
            number++;
        }

        return divisors;
    }
}
