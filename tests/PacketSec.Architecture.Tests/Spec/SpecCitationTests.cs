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

    [GeneratedRegex(@"^[a-z0-9-]+\.md#[a-z0-9]+(-[a-z0-9]+)*$")]
    private static partial Regex AnchorName();

    [GeneratedRegex(@"^\[(.*\W)?\w*(Fact|Theory|Property)\b|\bclass\s+\w+")]
    private static partial Regex TestOrClass();
}
