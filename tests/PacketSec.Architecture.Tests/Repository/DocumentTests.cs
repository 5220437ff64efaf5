using System.Text.RegularExpressions;

namespace PacketSec.Architecture.Tests.Repository;

public partial class DocumentTests
{
    [Fact]
    public void Every_link_between_the_documents_leads_somewhere()
        => Findings.None(
            from path in RepositoryFiles.WithExtension(".md")
            from Match link in Link().Matches(RepositoryFiles.Text(path))
            let file = link.Groups["file"].Value is { Length: > 0 } named ? named : Path.GetFileName(path)
            let target = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(RepositoryFiles.FullPath(path))!, file))
            where !(File.Exists(target) || Directory.Exists(target)) || !HasAnchor(target, link.Groups["anchor"].Value)
            select $"{path}: {link.Value}");

    private static bool HasAnchor(string file, string anchor)
        => anchor.Length == 0
            || File.ReadAllText(file).Contains($"<a id=\"{anchor}\"></a>", StringComparison.Ordinal)
            || File.ReadLines(file).Any(line => line.StartsWith('#') && Slug(line) == anchor);

    // As the places that show Markdown derive it from a heading.
    private static string Slug(string heading)
        => NotInSlug().Replace(heading.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex(@"\]\((?!https?:|mailto:)(?<file>[^)#\s]*)(#(?<anchor>[^)\s]*))?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"[^a-z0-9 _-]")]
    private static partial Regex NotInSlug();
}
