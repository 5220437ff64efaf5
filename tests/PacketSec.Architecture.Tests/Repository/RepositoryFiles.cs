using System.Diagnostics;
using PacketSec.TestSupport;

namespace PacketSec.Architecture.Tests.Repository;

/// <summary>The files that belong to the repository: those that git tracks or would add, by paths from its root with slashes.</summary>
internal static class RepositoryFiles
{
    private static readonly Lazy<string[]> Listed = new(() => List("ls-files", "-z", "--cached", "--others", "--exclude-standard"));

    public static IEnumerable<string> All => Listed.Value.Where(path => File.Exists(FullPath(path)));

    public static IEnumerable<string> WithExtension(params string[] extensions) => All.Where(path => extensions.Contains(Path.GetExtension(path)));

    public static string FullPath(string path) => Path.Combine(TestData.RepositoryRoot, path);

    public static string[] Lines(string path) => File.ReadAllLines(FullPath(path));

    public static string Text(string path) => File.ReadAllText(FullPath(path)).ReplaceLineEndings("\n");

    /// <summary>Runs git at the repository's root.</summary>
    public static (int ExitCode, string Output, string Error) Git(params string[] arguments)
    {
        var start = new ProcessStartInfo("git", arguments)
        {
            WorkingDirectory = TestData.RepositoryRoot,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var git = Process.Start(start)!;
        var error = git.StandardError.ReadToEndAsync();
        var output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        return (git.ExitCode, output, error.GetAwaiter().GetResult());
    }

    private static string[] List(params string[] arguments)
    {
        var (exitCode, output, error) = Git(arguments);
        return exitCode == 0
            ? output.Split('\0', StringSplitOptions.RemoveEmptyEntries)
            : throw new InvalidOperationException($"These tests run in a git checkout: {error}");
    }
}
