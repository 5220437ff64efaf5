namespace PacketSec.Architecture.Tests.Spec;

/// <summary>Whether each MUST of the specification has a test that says it checks it.</summary>
public class SpecCoverageTests
{
    private const int MaxTodoEntries = 10;

    [Fact]
    public void Every_MUST_is_cited_by_a_test_or_stands_on_the_list_with_a_reason()
    {
        var listed = Listed();
        var missing = SpecText.Requirements
            .Where(requirement => requirement.IsMust && !Cited().Contains(requirement.Name) && !listed.Contains(requirement.Name))
            .Select(requirement => $"{requirement.Name}: {requirement.Text}")
            .ToList();

        Assert.True(missing.Count == 0, $"{missing.Count} requirements have no test that cites them:\n{string.Join('\n', missing)}");
    }

    [Fact]
    public void The_list_is_short_and_each_entry_names_an_uncited_requirement_and_a_reason()
    {
        Assert.InRange(SpecText.TodoEntries.Count, 0, MaxTodoEntries);
        Assert.DoesNotContain(SpecText.TodoEntries, entry => !SpecText.TryParseTodo(entry, out _));
        Assert.Empty(Listed().Except(SpecText.Requirements.Select(requirement => requirement.Name)));
        Assert.Empty(Listed().Intersect(Cited()));
    }

    private static List<string> Listed()
        => [.. SpecText.TodoEntries.Select(entry => SpecText.TryParseTodo(entry, out var name) ? name : "").Where(name => name.Length > 0)];

    private static HashSet<string> Cited()
        => [.. SpecText.Citations.Where(citation => citation.IsInTests).Select(citation => citation.Requirement)];
}
