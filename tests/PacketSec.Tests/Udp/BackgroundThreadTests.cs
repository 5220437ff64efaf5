using System.Globalization;
using PacketSec.Udp;

namespace PacketSec.Tests.Udp;

public class BackgroundThreadTests
{
    [LinuxFact]
    public void It_stands_back_and_others_do_not()
    {
        var lowered = 0;
        var thread = new Thread(() =>
        {
            BackgroundThread.StandBack();
            lowered = Niceness();
        });
        var before = Niceness();
        thread.Start();
        thread.Join();
        Assert.Equal(10, lowered);
        Assert.Equal(before, Niceness());
    }

    [LinuxFact]
    public void It_keeps_a_processor_for_a_tenth_of_a_millisecond_at_most_where_the_system_can_be_told()
    {
        string[] before = [], after = [];
        var thread = new Thread(() =>
        {
            before = Slice();
            BackgroundThread.StandBack();
            after = Slice();
        });
        thread.Start();
        thread.Join();

        // Linux shows it since the version that takes it, unless it was built without; before that the niceness is all there is.
        Assert.Equal(before.Length, after.Length);
        Assert.All(after, slice => Assert.Equal("100000", slice));
        Assert.All(before, slice => Assert.NotEqual("100000", slice));
    }

    private static string[] Slice()
        => File.Exists("/proc/thread-self/sched")
            ? [.. File.ReadLines("/proc/thread-self/sched").Where(line => line.StartsWith("se.slice ", StringComparison.Ordinal)).Select(line => line.Split(':')[1].Trim())]
            : [];

    // The 19th field of the thread's state, counted behind its name, which may have spaces.
    private static int Niceness()
    {
        var state = File.ReadAllText("/proc/thread-self/stat");
        return int.Parse(state[(state.LastIndexOf(')') + 2)..].Split(' ')[16], CultureInfo.InvariantCulture);
    }
}
