using System.Security.Cryptography;

namespace PacketSec.Fuzz.Engine;

/// <summary>The folders of inputs: one for each target.</summary>
internal static class Corpus
{
    /// <summary>Finds <c>fuzz/corpus</c> in a folder above.</summary>
    public static string DefaultFolder()
    {
        foreach (var start in new[] { Environment.CurrentDirectory, AppContext.BaseDirectory })
        {
            for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
            {
                var candidate = Path.Combine(folder.FullName, "fuzz", "corpus");
                if (Directory.Exists(candidate))
                {
                    return candidate;
                }
            }
        }

        throw new DirectoryNotFoundException("There is no fuzz/corpus in a folder above: name one with --corpus.");
    }

    /// <summary>Reads a target's inputs, in the order of their names.</summary>
    public static IReadOnlyList<(string Path, byte[] Input)> Read(string folder, FuzzTarget target)
    {
        var own = Path.Combine(folder, target.Name);
        return Directory.Exists(own)
            ? [.. Directory.EnumerateFiles(own).Order(StringComparer.Ordinal).Select(path => (path, File.ReadAllBytes(path)))]
            : [];
    }

    /// <summary>Writes an input under a name made of its content.</summary>
    /// <returns>The file.</returns>
    public static string Write(string folder, string prefix, byte[] input)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, prefix + Convert.ToHexStringLower(SHA256.HashData(input).AsSpan(0, 8)));
        File.WriteAllBytes(path, input);
        return path;
    }
}
