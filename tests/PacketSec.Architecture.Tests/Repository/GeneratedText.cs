using PacketSec.TestSupport;

namespace PacketSec.Architecture.Tests.Repository;

/// <summary>
/// Text in the repository that follows from the code: compared by a test, and written by the same test where
/// <c>PACKETSEC_UPDATE_API=1</c> is set.
/// </summary>
internal static class GeneratedText
{
    private const string Command = "PACKETSEC_UPDATE_API=1 dotnet test tests/PacketSec.Architecture.Tests -m:1";

    private static bool Updating => Environment.GetEnvironmentVariable("PACKETSEC_UPDATE_API") == "1";

    /// <summary>Compares a whole file.</summary>
    public static void AssertFile(string path, IReadOnlyList<string> expected)
    {
        var file = Path.Combine(TestData.RepositoryRoot, path);
        var actual = File.Exists(file) ? File.ReadAllLines(file) : [];
        AssertSame(path, actual, expected, () => File.WriteAllLines(file, expected));
    }

    /// <summary>Compares what stands between <c>&lt;!-- generated:name --&gt;</c> and <c>&lt;!-- /generated --&gt;</c>.</summary>
    public static void AssertSection(string path, string name, IReadOnlyList<string> expected)
    {
        var file = Path.Combine(TestData.RepositoryRoot, path);
        var lines = File.ReadAllLines(file);
        var start = Array.IndexOf(lines, $"<!-- generated:{name} -->");
        var end = Array.IndexOf(lines, "<!-- /generated -->", start + 1);
        Assert.True(start >= 0 && end > start, $"{path} has no section 'generated:{name}'.");
        AssertSame(path, lines[(start + 1)..end], expected, () => File.WriteAllLines(file, [.. lines[..(start + 1)], .. expected, .. lines[end..]]));
    }

    private static void AssertSame(string path, IReadOnlyList<string> actual, IReadOnlyList<string> expected, Action write)
    {
        if (actual.SequenceEqual(expected, StringComparer.Ordinal))
        {
            return;
        }

        if (Updating)
        {
            write();
            return;
        }

        var difference = string.Join('\n', LineDifference.Between(actual, expected));
        Assert.Fail($"{path} is not what the code yields (- in the file, + in the code). If that is meant: {Command}\n{difference}");
    }
}
