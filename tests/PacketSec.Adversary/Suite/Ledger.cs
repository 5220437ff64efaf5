using System.Text.Json;
using PacketSec.Adversary.Games;

namespace PacketSec.Adversary.Suite;

/// <summary>Measurements in a file, one a line, so that a run of hours survives being stopped.</summary>
internal sealed class Ledger
{
    private readonly string _path;
    private readonly Lock _lock = new();
    private readonly Dictionary<(ulong Seed, string Game, string Contestant, int Runs), Measurement> _known = [];

    /// <exception cref="GameException">A line of the file is none of ours.</exception>
    public Ledger(string path)
    {
        _path = path;
        foreach (var line in File.Exists(path) ? File.ReadAllLines(path) : [])
        {
            try
            {
                var (seed, measured) = JsonSerializer.Deserialize<Entry>(line)!;
                _known[KeyOf(seed, measured)] = measured;
            }
            catch (JsonException exception)
            {
                throw new GameException($"{path} holds no measurements, or its last line was cut off: take out the line '{line}' ({exception.Message}).");
            }
        }
    }

    public Measurement? Find(ulong seed, string game, string contestant, int runs)
    {
        lock (_lock)
        {
            return _known.GetValueOrDefault((seed, game, contestant, runs));
        }
    }

    public void Add(ulong seed, Measurement measured)
    {
        lock (_lock)
        {
            _known[KeyOf(seed, measured)] = measured;
            File.AppendAllText(_path, JsonSerializer.Serialize(new Entry(seed, measured)) + "\n");
        }
    }

    private static (ulong, string, string, int) KeyOf(ulong seed, Measurement measured) => (seed, measured.Game, measured.Contestant, measured.Runs);

    private sealed record Entry(ulong Seed, Measurement Measured);
}
