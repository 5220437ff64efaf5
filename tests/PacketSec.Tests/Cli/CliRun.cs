using System.Text.Json;
using PacketSec.Cli;
using PacketSec.Tests.Api;

namespace PacketSec.Tests.Cli;

/// <summary>One command line, run inside the test's process; its channels close at once.</summary>
internal sealed record CliRun(int ExitCode, string Output, string Error)
{
    public static Task<CliRun> InvokeAsync(params string[] args) => InvokeAsync(args, time: null);

    /// <summary>Runs a command whose protocol waits for a deadline, without the wait: its clock moves until the command has ended.</summary>
    public static async Task<CliRun> InvokeHurriedAsync(params string[] args)
    {
        var time = new ManualTimeProvider();
        var run = InvokeAsync(args, time);
        await time.AdvanceUntilEndAsync(run);
        return await run;
    }

    /// <summary>Returns the output's lines as JSON, each of which has <c>"v":1</c>.</summary>
    public IReadOnlyList<JsonElement> JsonLines()
    {
        var lines = Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.Clone()).ToList();
        Assert.All(lines, line => Assert.Equal(1, line.GetProperty("v").GetInt32()));
        return lines;
    }

    /// <summary>Asserts that the command failed with a code and one line that says what is wrong.</summary>
    public void AssertFails(int exitCode, params string[] words)
    {
        Assert.Equal(exitCode, ExitCode);
        Assert.StartsWith("psec: ", Error, StringComparison.Ordinal);
        Assert.Single(Error.TrimEnd('\n').Split('\n'));
        Assert.All(words, word => Assert.Contains(word, Error, StringComparison.Ordinal));
        Assert.Empty(Output);
    }

    private static async Task<CliRun> InvokeAsync(string[] args, TimeProvider? time)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var exitCode = await CliApplication.RunAsync(args, TextReader.Null, output, error, time: time, closesAtOnce: true);
        return new(exitCode, output.ToString(), error.ToString());
    }
}
