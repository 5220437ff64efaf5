using PacketSec.Interop.Peers;

namespace PacketSec.Interop.Libp2p;

/// <summary>Finds Node and the packages of the JavaScript peer.</summary>
internal static class JsBuild
{
    /// <summary>Gets a value indicating whether the environment says that Node may not be absent.</summary>
    public static bool IsRequired
        => (Environment.GetEnvironmentVariable("PACKETSEC_REQUIRE") ?? "").Split([',', ' '], StringSplitOptions.RemoveEmptyEntries).Contains("node");

    /// <summary>Gets the peer's folder.</summary>
    public static string Folder => Path.Combine(GoBuild.RepositoryRoot(), "interop", "js");

    /// <summary>Returns what is missing, or null.</summary>
    public static string? Missing()
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return Array.Exists(path, folder => File.Exists(Path.Combine(folder, "node"))) ? null : "node (version 20 or later, with npm)";
    }

    /// <summary>Installs the packages of the lock where they are missing or older than it.</summary>
    /// <exception cref="InvalidOperationException">They cannot be installed, or this program runs outside of the repository.</exception>
    public static async Task InstallAsync(CancellationToken cancellationToken)
    {
        var installed = new FileInfo(Path.Combine(Folder, "node_modules", ".package-lock.json"));
        if (installed.Exists && installed.LastWriteTimeUtc >= File.GetLastWriteTimeUtc(Path.Combine(Folder, "package-lock.json")))
        {
            return;
        }

        await using var install = new ChildProcess("npm", "--prefix", Folder, "ci");
        var code = await install.WaitAsync(cancellationToken);
        if (code != 0)
        {
            throw new InvalidOperationException($"\"npm ci\" in interop/js ended with {code}: {install.Errors}");
        }
    }
}
