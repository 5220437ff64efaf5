using PacketSec.Interop.Peers;

namespace PacketSec.Interop;

/// <summary>Builds the Go peer.</summary>
internal static class GoBuild
{
    private const string LibraryRoot = "/usr/share/gocode";
    private const string LibraryVariable = "PSEC_GOCODE";
    private const string Library = "src/github.com/flynn/noise";

    /// <summary>Gets a value indicating whether the environment says that Go may not be absent.</summary>
    public static bool IsRequired
        => (Environment.GetEnvironmentVariable("PACKETSEC_REQUIRE") ?? "").Split([',', ' '], StringSplitOptions.RemoveEmptyEntries).Contains("go");

    /// <summary>Returns what is missing for the build, or null.</summary>
    public static string? Missing()
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        var library = Path.Combine(Environment.GetEnvironmentVariable(LibraryVariable) ?? LibraryRoot, Library);
        return OperatingSystem.IsWindows() ? "a Unix system"
            : !Array.Exists(path, folder => File.Exists(Path.Combine(folder, "go"))) ? "go (package golang-go)"
            : !Directory.Exists(library) ? "github.com/flynn/noise (package golang-github-flynn-noise-dev)"
            : null;
    }

    /// <summary>Builds the peer and returns its path.</summary>
    /// <exception cref="InvalidOperationException">It does not build, or this program runs outside of the repository.</exception>
    public static async Task<string> RunAsync(CancellationToken cancellationToken)
    {
        var folder = Path.Combine(RepositoryRoot(), "interop", "go");
        var program = Path.Combine(folder, "bin", "psec-go");
        await using var build = new ChildProcess(Path.Combine(folder, "build.sh"), program);
        var code = await build.WaitAsync(cancellationToken);
        return code == 0 ? program : throw new InvalidOperationException($"interop/go/build.sh ended with {code}: {build.Errors}");
    }

    /// <summary>Returns the repository's folder.</summary>
    /// <exception cref="InvalidOperationException">This program runs outside of it.</exception>
    public static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "PacketSec.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("Not within the repository: name the Go peer by --go.");
    }
}
