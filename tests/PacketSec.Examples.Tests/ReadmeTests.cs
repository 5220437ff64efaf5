using System.Text.RegularExpressions;
using PacketSec.TestSupport;

namespace PacketSec.Examples.Tests;

/// <summary>The C# of the documents is a copy of what is compiled and run here.</summary>
public sealed partial class ReadmeTests
{
    [Theory]
    [InlineData("README.md")]
    [InlineData("src/PacketSec.Protocol/README.md")]
    public void Each_block_of_code_is_a_region_of_a_compiled_example(string document)
    {
        var regions = Directory.EnumerateFiles(Path.Combine(TestData.RepositoryRoot, "tests", "PacketSec.Examples.Tests"), "*.cs")
            .SelectMany(file => Region().Matches(Read(file)))
            .ToDictionary(match => match.Groups["name"].Value, match => Unindent(match.Groups["code"].Value));
        var text = Read(Path.Combine(TestData.RepositoryRoot, document));
        var blocks = Block().Matches(text);

        Assert.Equal(Count(text, "```csharp"), blocks.Count);
        foreach (Match block in blocks)
        {
            var name = block.Groups["name"].Value;
            Assert.True(regions.ContainsKey(name), $"{document} shows '{name}', which no example has.");
            Assert.Equal(regions[name], block.Groups["code"].Value.TrimEnd('\n'));
        }
    }

    private static string Read(string file) => File.ReadAllText(file).ReplaceLineEndings("\n");

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    private static string Unindent(string code)
    {
        var lines = code.TrimEnd().Split('\n').ToList();
        var indent = lines.Where(line => line.Length > 0).Min(line => line.Length - line.TrimStart().Length);
        return string.Join('\n', lines.Select(line => line.Length == 0 ? line : line[indent..]));
    }

    [GeneratedRegex(@"^ *// <example:(?<name>[a-z-]+)>\n(?<code>.*?)^ *// </example>", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Region();

    [GeneratedRegex(@"^<!-- example:(?<name>[a-z-]+) -->\n```csharp\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
