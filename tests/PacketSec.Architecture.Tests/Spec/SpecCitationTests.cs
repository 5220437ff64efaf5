using System.Text.RegularExpressions;
using PacketSec.Architecture.Tests.Repository;

namespace PacketSec.Architecture.Tests.Spec;

public partial class SpecCitationTests
{
    [Fact]
    public void The_specification_has_requirements_and_the_code_cites_them()
    {
        Assert.NotEmpty(SpecText.Requirements);
        Assert.NotEmpty(SpecText.Citations);
    }

    [Fact]
    public void Every_anchor_is_lower_case_words_and_unique_in_its_file()
    {
        Findings.None(SpecText.Requirements.Select(requirement => requirement.Name).Where(name => !AnchorName().IsMatch(name)));
        Findings.None(SpecText.Requirements.CountBy(requirement => requirement.Name).Where(pair => pair.Value > 1).Select(pair => pair.Key));
    }

    [Fact]
    public void Every_requirement_has_exactly_one_keyword()
        => Findings.None(SpecText.Requirements
            .Where(requirement => requirement.Keywords.Count != 1)
            .Select(requirement => $"{requirement.Name}: {string.Join(", ", requirement.Keywords)}"));

    [Fact]
    public void Every_citation_names_a_requirement()
        => Findings.None(SpecText.Citations
            .Where(citation => !SpecText.Requirements.Any(requirement => requirement.Name == citation.Requirement))
            .Select(citation => $"{citation.Place}: {citation.Requirement}"));

    // A citation that has lost its test claims what nothing checks.
    [Fact]
    public void Every_citation_in_the_tests_stands_above_a_test()
        => Findings.None(SpecText.Citations
            .Where(citation => citation.IsInTests && !TestOrClass().IsMatch(citation.NextCode))
            .Select(citation => $"{citation.Place}: {citation.Requirement}"));

    [Fact]
    public void Every_link_inside_the_specification_leads_somewhere()
        => Findings.None(
            from path in RepositoryFiles.WithExtension(".md").Where(path => path.StartsWith("spec/", StringComparison.Ordinal))
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

    [GeneratedRegex(@"^[a-z0-9-]+\.md#[a-z0-9]+(-[a-z0-9]+)*$")]
    private static partial Regex AnchorName();

    [GeneratedRegex(@"^\[(.*\W)?\w*(Fact|Theory|Property)\b|\bclass\s+\w+")]
    private static partial Regex TestOrClass();

    [GeneratedRegex(@"\]\((?!https?:|mailto:)(?<file>[^)#\s]*)(#(?<anchor>[^)\s]*))?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"[^a-z0-9 _-]")]
    private static partial Regex NotInSlug();
}
