using System.Text.Json;
using PacketSec.Crypto;

namespace PacketSec.Cli.Vectors;

/// <summary>Counts the vectors of one file. A vector passes when it holds on every provider.</summary>
internal sealed class VectorTally(string path, IReadOnlyList<ICryptoProvider> providers)
{
    private const int MaxFailures = 5;

    private readonly List<string> _failures = [];
    private readonly SortedDictionary<string, int> _notes = new(StringComparer.Ordinal);

    public int Passed { get; private set; }

    public int Failed { get; private set; }

    public int Skipped { get; private set; }

    public IReadOnlyList<string> Failures => _failures;

    public IReadOnlyList<string> Notes => [.. _notes.Select(note => $"{note.Value} {note.Key}")];

    /// <summary>Reads another vector file of the same folder.</summary>
    public JsonElement Sibling(string name)
    {
        var file = Path.Combine(Path.GetDirectoryName(path)!, name);
        using var document = JsonDocument.Parse(File.ReadAllBytes(file));
        return document.RootElement.Clone();
    }

    /// <summary>Replays one vector on every provider.</summary>
    /// <param name="name">The vector's name, for the failure's line.</param>
    /// <param name="holds">Whether the vector holds. An exception is a failure: an implementation must not throw on a vector.</param>
    public void Check(string name, Func<ICryptoProvider, bool> holds)
    {
        foreach (var provider in providers)
        {
            string? problem;
            try
            {
                problem = holds(provider) ? null : "does not hold";
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                problem = $"throws {error.GetType().Name}: {error.Message}";
            }

            if (problem is not null)
            {
                Failed++;
                if (_failures.Count < MaxFailures)
                {
                    _failures.Add($"{name} {problem} on {provider.Name}");
                }

                return;
            }
        }

        Passed++;
    }

    /// <summary>Replays one vector that no provider takes part in.</summary>
    public void Check(string name, bool holds) => Check(name, _ => holds);

    /// <summary>Counts a vector that needs what PacketSec does not have.</summary>
    /// <param name="reason">What that is.</param>
    public void Skip(string reason)
    {
        Skipped++;
        Note($"skipped: {reason}");
    }

    /// <summary>Counts something that a reader of the counts should know.</summary>
    public void Note(string what) => _notes[what] = _notes.GetValueOrDefault(what) + 1;
}
