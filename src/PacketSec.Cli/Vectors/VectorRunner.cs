using System.Text.Json;
using PacketSec.Crypto;

namespace PacketSec.Cli.Vectors;

/// <summary>Finds the vector files of a folder and replays them.</summary>
internal static class VectorRunner
{
    /// <summary>Replays all files of a folder and its subfolders, in the order of their paths.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="providers">The providers on which each vector must hold.</param>
    /// <returns>One report for each file, those of no known format included.</returns>
    public static IEnumerable<VectorReport> Run(string folder, IReadOnlyList<ICryptoProvider> providers)
    {
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            yield return Replay(Path.GetRelativePath(folder, path), path, providers);
        }
    }

    private static VectorReport Replay(string name, string path, IReadOnlyList<ICryptoProvider> providers)
    {
        using var document = TryParse(path);
        if (document?.RootElement is not { ValueKind: JsonValueKind.Object } root
            || VectorFormat.All.FirstOrDefault(format => format.Matches(root)) is not { } known)
        {
            return new(name, null, 0, 0, 0, [], []);
        }

        var tally = new VectorTally(path, providers);
        try
        {
            known.Replay(root, tally);
        }
        catch (Exception error) when (error is KeyNotFoundException or FormatException or InvalidOperationException or IOException or JsonException)
        {
            tally.Check($"the file as a whole ({error.Message})", holds: false);
        }

        return new(name, known.Name, tally.Passed, tally.Failed, tally.Skipped, tally.Failures, tally.Notes);
    }

    private static JsonDocument? TryParse(string path)
    {
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(path));
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
