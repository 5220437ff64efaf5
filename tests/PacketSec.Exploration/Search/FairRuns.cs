using PacketSec.Exploration.Model;

namespace PacketSec.Exploration.Search;

/// <summary>
/// Where states lead when packets get through: a fair run is a function of its state, so what one state leads to is known for all on its way.
/// </summary>
internal sealed class FairRuns
{
    private const int MostSteps = 2000;

    private readonly Dictionary<UInt128, (int End, Happened Happened)> _known = [];
    private readonly Dictionary<UInt128, int> _endsByKey = [];
    private readonly List<World> _ends = [];
    private readonly List<(UInt128 Key, Happened Happened)> _way = [];

    /// <summary>Runs until nothing happens any more.</summary>
    /// <param name="from">The state.</param>
    /// <param name="key">Its key.</param>
    /// <param name="happened">What happened on the way.</param>
    /// <returns>The last state, or null when there is none.</returns>
    public World? Run(World from, UInt128 key, out Happened happened)
    {
        _way.Clear();
        happened = default;
        var world = from;
        (int End, Happened Happened) result;
        while (!_known.TryGetValue(key, out result))
        {
            if (world.IsQuiet)
            {
                result = (AddEnd(world, key), default);
                _known.Add(key, result);
                break;
            }

            if (_way.Count == MostSteps)
            {
                return null;
            }

            var next = world.ApplyFair();
            _way.Add((key, next.Happened));
            world = next;
            key = world.Key;
        }

        for (var i = _way.Count - 1; i >= 0; i--)
        {
            result.Happened |= _way[i].Happened;
            _known[_way[i].Key] = result;
        }

        happened = result.Happened;
        return _ends[result.End];
    }

    private int AddEnd(World world, UInt128 key)
    {
        if (!_endsByKey.TryGetValue(key, out var end))
        {
            end = _ends.Count;
            _ends.Add(world);
            _endsByKey.Add(key, end);
        }

        return end;
    }
}
