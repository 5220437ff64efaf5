namespace PacketSec.Tests.Cli;

/// <summary>One run of <c>psec demo</c>, which takes seconds, for all tests that look at it.</summary>
internal static class WholeDemo
{
    private static readonly Lazy<Task<(CliRun Run, byte[] Capture)>> Once = new(RunAsync);

    public static Task<(CliRun Run, byte[] Capture)> Value => Once.Value;

    private static async Task<(CliRun Run, byte[] Capture)> RunAsync()
    {
        using var folder = new TemporaryFolder();
        var run = await CliRun.InvokeAsync("demo", "--json", "--pcap", folder["demo"]);
        return (run, await File.ReadAllBytesAsync(folder["demo"]));
    }
}
