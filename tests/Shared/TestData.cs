namespace PacketSec.TestSupport;

/// <summary>Finds the published vectors: <c>PACKETSEC_VECTORS</c>, or <c>shared/vectors</c> in a folder above.</summary>
internal static class TestData
{
    /// <summary>The vectors' folder, or null where it is absent.</summary>
    public static string? VectorsDirectory { get; } = FindVectors();

    /// <summary>The repository's root.</summary>
    public static string RepositoryRoot { get; } = FindUpwards("PacketSec.sln")
        ?? throw new InvalidOperationException("The tests run inside a checkout: PacketSec.sln is in no folder above the test assembly.");

    public static string Vectors(params string[] parts)
        => Path.Combine([VectorsDirectory ?? throw new InvalidOperationException("The vectors are absent; this test wants [VectorsFact]."), .. parts]);

    public static bool IsRequired(string name)
        => (Environment.GetEnvironmentVariable("PACKETSEC_REQUIRE") ?? "").Split(',', StringSplitOptions.TrimEntries).Contains(name);

    private static string? FindVectors()
    {
        if (Environment.GetEnvironmentVariable("PACKETSEC_VECTORS") is { Length: > 0 } named)
        {
            return named;
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "shared", "vectors");
            if (Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }

    private static string? FindUpwards(string file)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, file)))
            {
                return folder.FullName;
            }
        }

        return null;
    }
}

/// <summary>A fact that reads the published vectors: skipped, visibly, where they are absent, unless <c>PACKETSEC_REQUIRE</c> names them.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class VectorsFactAttribute : FactAttribute
{
    public VectorsFactAttribute()
    {
        if (TestData.VectorsDirectory is null && !TestData.IsRequired("vectors"))
        {
            Skip = "The vectors are absent: set PACKETSEC_VECTORS to their folder.";
        }
    }
}

/// <summary>A theory that reads the published vectors; see <see cref="VectorsFactAttribute"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class VectorsTheoryAttribute : TheoryAttribute
{
    public VectorsTheoryAttribute()
    {
        if (TestData.VectorsDirectory is null && !TestData.IsRequired("vectors"))
        {
            Skip = "The vectors are absent: set PACKETSEC_VECTORS to their folder.";
        }
    }
}
