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

    // The 19th field of the thread's state, counted behind its name, which may have spaces.
    private static int Niceness()
    {
        var state = File.ReadAllText("/proc/thread-self/stat");
        return int.Parse(state[(state.LastIndexOf(')') + 2)..].Split(' ')[16], CultureInfo.InvariantCulture);
    }
}
