using System.Globalization;
using PacketSec.Udp;

namespace PacketSec.Tests.Udp;

public sealed class BootClockTests
{
    [Fact]
    public void The_clock_never_goes_back()
    {
        long last = BootClock.GetNanoseconds();
        for (int i = 0; i < 1000; i++)
        {
            long now = BootClock.GetNanoseconds();
            Assert.True(now >= last);
            last = now;
        }
    }

    [Fact]
    public void The_clock_counts_nanoseconds_since_the_machine_started()
    {
        long before = BootClock.GetNanoseconds();
        string uptime = File.ReadAllText("/proc/uptime").Split(' ')[0];
        long after = BootClock.GetNanoseconds();

        // The file has hundredths of a second, cut.
        long read = (long)(decimal.Parse(uptime, CultureInfo.InvariantCulture) * 1_000_000_000m);
        Assert.InRange(read, before - 10_000_000, after);
    }
}
