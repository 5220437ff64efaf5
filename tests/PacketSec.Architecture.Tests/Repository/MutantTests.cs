using System.Text.RegularExpressions;

namespace PacketSec.Architecture.Tests.Repository;

/// <summary>
/// What can be said of the mutants without running them: <c>tests/mutants/run</c> does that. A patch that no longer applies, or that names a
/// test that is gone, proves nothing any more.
/// </summary>
public partial class MutantTests
{
    private static readonly Lazy<(string Path, string Text)[]> Mutants = new(() =>
        [.. RepositoryFiles.WithExtension(".patch")
            .Where(path => path.StartsWith("tests/mutants/", StringComparison.Ordinal))
            .Select(path => (path, RepositoryFiles.Text(path)))]);

    public static TheoryData<string> Names => [.. Mutants.Value.Select(mutant => Path.GetFileNameWithoutExtension(mutant.Path))];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_mutant_applies_to_the_code_as_it_is(string name)
    {
        var (exitCode, _, error) = RepositoryFiles.Git("apply", "--check", $"tests/mutants/{name}.patch");
        Assert.True(exitCode == 0, error);
    }

    [Fact]
    public void Each_of_the_17_faults_of_the_reference_has_a_mutant()
        => Findings.None(Enumerable.Range(1, 17)
            .Select(number => $"tests/mutants/reference-{number:D2}-")
            .Where(prefix => !Mutants.Value.Any(mutant => mutant.Path.StartsWith(prefix, StringComparison.Ordinal))));

    [Fact]
    public void A_mutant_changes_code_and_no_test()
        => Findings.None(
            from mutant in Mutants.Value
            from Match changed in ChangedFile().Matches(mutant.Text)
            where !changed.Groups["path"].Value.StartsWith("src/", StringComparison.Ordinal)
            select $"{mutant.Path}: {changed.Value}");

    [Fact]
    public void A_mutant_says_why_and_names_tests_that_there_are()
        => Findings.None(Mutants.Value.SelectMany(mutant => Faults(mutant.Path, mutant.Text)));

    private static IEnumerable<string> Faults(string path, string text)
    {
        if (Header(text, "why").Length == 0)
        {
            yield return $"{path}: no '# why: ' line";
        }

        var project = Header(text, "project");
        var sources = RepositoryFiles.WithExtension(".cs").Where(source => source.StartsWith(project + "/", StringComparison.Ordinal)).ToList();
        if (project.Length == 0 || sources.Count == 0)
        {
            yield return $"{path}: no project '{project}'";
            yield break;
        }

        var filter = Header(text, "filter");
        var named = filter.Split('|').Select(part => FilterPart().Match(part)).ToList();
        if (named.Any(part => !part.Success))
        {
            yield return $"{path}: the filter is not made of 'FullyQualifiedName~Class.Method' or '~Class', joined by '|'";
        }

        foreach (var part in named.Where(part => part.Success))
        {
            var (type, method) = (part.Groups["class"].Value, part.Groups["method"].Value);
            if (!sources.Any(source => Declares(RepositoryFiles.Text(source), type, method)))
            {
                yield return $"{path}: no test {type}.{method} in {project}";
            }
        }
    }

    // The runner matches by substring, so a method may be named by its beginning.
    private static bool Declares(string source, string type, string method)
        => Regex.IsMatch(source, $@"\bclass {type}\b") && Regex.IsMatch(source, $@"public (async )?\w+ {method}");

    private static string Header(string text, string name) => Regex.Match(text, $"^# {name}: (.*)$", RegexOptions.Multiline).Groups[1].Value;

    [GeneratedRegex(@"^diff --git a/(?<path>\S+)", RegexOptions.Multiline)]
    private static partial Regex ChangedFile();

    [GeneratedRegex(@"^FullyQualifiedName~(?<class>\w+)(\.(?<method>\w+))?$")]
    private static partial Regex FilterPart();
}
