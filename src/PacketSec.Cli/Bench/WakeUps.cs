using System.Globalization;

namespace PacketSec.Cli.Bench;

/// <summary>How often the threads of this process went to sleep and were woken, as Linux counts it for each (voluntary context switches).</summary>
internal sealed class WakeUps
{
    private const string Tasks = "/proc/self/task";
    private const string Field = "voluntary_ctxt_switches:";

    private readonly Dictionary<string, long> _counts = [];

    private WakeUps()
    {
    }

    /// <summary>Reads the counts; null where the system does not tell them.</summary>
    public static WakeUps? Read()
    {
        if (!Directory.Exists(Tasks))
        {
            return null;
        }

        var now = new WakeUps();
        foreach (var task in Directory.GetDirectories(Tasks))
        {
            if (TryRead(Path.Combine(task, "status"), out var count))
            {
                now._counts[task] = count;
            }
        }

        return now._counts.Count == 0 ? null : now;
    }

    /// <summary>Returns the wake-ups since an earlier reading. What a thread that ended meanwhile did is not in it.</summary>
    public long Since(WakeUps earlier) => _counts.Sum(entry => entry.Value - earlier._counts.GetValueOrDefault(entry.Key));

    private static bool TryRead(string file, out long count)
    {
        count = 0;
        try
        {
            var line = File.ReadLines(file).FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal));
            return line is not null && long.TryParse(line.AsSpan(Field.Length), NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out count);
        }
        catch (IOException)
        {
            // The thread has just ended.
            return false;
        }
    }
}
