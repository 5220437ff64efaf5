using System.Text.RegularExpressions;
using PacketSec.Architecture.Tests.Repository;

namespace PacketSec.Architecture.Tests.Spec;

/// <summary>A requirement of the specification.</summary>
/// <param name="Name">File and anchor, as in <c>p2pke.md#init-hello-layout</c>.</param>
/// <param name="Keywords">The bold words MUST, MUST NOT and SHOULD of its paragraph, in order.</param>
/// <param name="Text">The paragraph on one line.</param>
internal sealed record Requirement(string Name, IReadOnlyList<string> Keywords, string Text)
{
    public bool IsMust => Keywords is ["MUST"] or ["MUST NOT"];
}

/// <summary>A comment that names a requirement.</summary>
/// <param name="Place">File and line of the comment.</param>
/// <param name="Requirement">File and anchor.</param>
/// <param name="NextCode">The first line after it that is no comment, trimmed.</param>
internal sealed record Citation(string Place, string Requirement, string NextCode)
{
    public bool IsInTests => Place.StartsWith("tests/", StringComparison.Ordinal);
}

/// <summary>The specification's requirements, who cites them, and the list of those that nobody cites.</summary>
internal static partial class SpecText
{
    public const string TodoFile = "spec/coverage/todo.md";

    public static IReadOnlyList<Requirement> Requirements { get; } = [.. RequirementFiles().SelectMany(ReadRequirements)];

    public static IReadOnlyList<Citation> Citations { get; } =
        [.. RepositoryFiles.WithExtension(".cs", ".go").Where(IsCode).SelectMany(ReadCitations)];

    /// <summary>Gets the lines after the marker of the list: "- file.md#anchor: reason".</summary>
    public static IReadOnlyList<string> TodoEntries { get; } =
        [.. RepositoryFiles.Lines(TodoFile).SkipWhile(line => line != "<!-- entries -->").Skip(1).Where(line => line.Length > 0)];

    public static bool TryParseTodo(string entry, out string requirement)
    {
        var match = TodoEntry().Match(entry);
        requirement = match.Groups["name"].Value;
        return match.Success;
    }

    // Pages below spec/ (decisions, coverage) explain; the pages themselves require.
    private static IEnumerable<string> RequirementFiles()
        => RepositoryFiles.WithExtension(".md")
            .Where(path => Path.GetDirectoryName(path) == "spec" && path != "spec/README.md");

    private static bool IsCode(string path)
        => path.Split('/')[0] is "src" or "tests" or "fuzz" or "interop";

    private static IEnumerable<Requirement> ReadRequirements(string path)
    {
        var lines = RepositoryFiles.Lines(path);
        for (var i = 0; i < lines.Length; i++)
        {
            foreach (Match anchor in Anchor().Matches(lines[i]))
            {
                var paragraph = lines[i..].TakeWhile((line, at) => at == 0 || !EndsParagraph(line)).Select(line => line.Trim());
                var text = string.Join(' ', paragraph)[Anchor().Match(lines[i].Trim()).Index..];
                var keywords = Keyword().Matches(text).Select(match => match.Groups["word"].Value);
                yield return new($"{Path.GetFileName(path)}#{anchor.Groups["name"].Value}", [.. keywords], text[anchor.Length..]);
            }
        }
    }

    private static bool EndsParagraph(string line)
        => string.IsNullOrWhiteSpace(line) || line.StartsWith("- ", StringComparison.Ordinal) || line.StartsWith("* ", StringComparison.Ordinal);

    private static IEnumerable<Citation> ReadCitations(string path)
    {
        var lines = RepositoryFiles.Lines(path);
        for (var i = 0; i < lines.Length; i++)
        {
            if (CitationComment().Match(lines[i]) is { Success: true } match)
            {
                var next = lines.Skip(i + 1).Select(line => line.Trim()).FirstOrDefault(line => !line.StartsWith("//", StringComparison.Ordinal)) ?? "";
                yield return new($"{path}:{i + 1}", match.Groups["name"].Value, next);
            }
        }
    }

    [GeneratedRegex(@"<a id=""(?<name>[^""]*)""></a>")]
    private static partial Regex Anchor();

    [GeneratedRegex(@"\*\*(?<word>MUST NOT|MUST|SHOULD NOT|SHOULD)\*\*")]
    private static partial Regex Keyword();

    [GeneratedRegex(@"^\s*//=\s*spec/(?<name>\S+)\s*$")]
    private static partial Regex CitationComment();

    [GeneratedRegex(@"^- (?<name>[a-z0-9-]+\.md#[a-z0-9-]+): \S.*$")]
    private static partial Regex TodoEntry();
}
