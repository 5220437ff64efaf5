using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace PacketSec.Architecture.Tests.Repository;

public partial class SourceFileTests
{
    private const int MaxLines = 500;

    /// <summary>Files that are longer, each with its reason.</summary>
    private static readonly FrozenDictionary<string, string> LongFiles = FrozenDictionary<string, string>.Empty;

    private static readonly string[] Code = [".cs", ".go", ".sh", ".js"];

    private static readonly string[] Settings = [".config", ".props", ".targets", ".csproj", ".json"];

    [Fact]
    public void No_source_file_is_longer_than_500_lines()
        => Findings.None(RepositoryFiles.WithExtension(Code)
            .Except(LongFiles.Keys)
            .Where(path => RepositoryFiles.Lines(path).Length > MaxLines));

    [Fact]
    public void Every_file_listed_as_long_is_still_long()
        => Findings.None(LongFiles.Keys.Where(path => RepositoryFiles.Lines(path).Length <= MaxLines));

    // The machine's own sources serve: an address here would overrule them.
    [Fact]
    public void No_package_source_is_written_down()
        => Findings.None(RepositoryFiles.WithExtension(Settings)
            .Where(path => !IsData(path) && Address().IsMatch(RepositoryFiles.Text(path))));

    [Fact]
    public void No_file_names_a_place_on_somebodys_machine()
        => Findings.None(TextLines().Where(line => MachinePath().IsMatch(line.Text)).Select(line => line.Place));

    // What is left to do stands in spec/coverage/todo.md with its reason, or nowhere.
    [Fact]
    public void No_comment_puts_work_off()
        => Findings.None(TextLines()
            .Where(line => Code.Contains(Path.GetExtension(line.Path)) && PutOff().IsMatch(line.Text))
            .Select(line => line.Place));

    [Fact]
    public void Every_warning_that_is_silenced_says_why()
        => Findings.None(RepositoryFiles.WithExtension(".cs")
            .SelectMany(path => RepositoryFiles.Lines(path).Select((text, index) => (path, text, index, lines: RepositoryFiles.Lines(path))))
            .Where(line => line.text.TrimStart().StartsWith("#pragma warning disable", StringComparison.Ordinal))
            .Where(line => !line.text.Contains("//", StringComparison.Ordinal)
                && !(line.index > 0 && line.lines[line.index - 1].TrimStart().StartsWith("//", StringComparison.Ordinal)))
            .Select(line => $"{line.path}:{line.index + 1}"));

    private static bool IsData(string path)
        => path.Contains("/vectors/", StringComparison.Ordinal) || path.StartsWith("fuzz/corpus/", StringComparison.Ordinal);

    private static IEnumerable<(string Path, string Place, string Text)> TextLines()
        => from path in RepositoryFiles.All
           where !IsData(path)
           from line in RepositoryFiles.Lines(path).Select((text, index) => (text, index))
           select (path, $"{path}:{line.index + 1}", line.text);

    [GeneratedRegex(@"https?://(?!schemas\.microsoft\.com/|json\.schemastore\.org/)")]
    private static partial Regex Address();

    // Written so that this file does not match itself.
    [GeneratedRegex(@"/(?:home|Users|work|workspace)/[a-z0-9_]|/roo[t]/|/tmp/[a-z]|[A-Z]:\\Users")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b")]
    private static partial Regex PutOff();
}
