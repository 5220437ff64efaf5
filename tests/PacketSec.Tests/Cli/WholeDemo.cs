namespace PacketSec.Tests.Cli;

/// <summary>
/// One run of <c>psec demo</c> for all tests that look at it, and one whose sessions are not renewed. Both take seconds, in which they wait for sessions
/// to age: they begin together.
/// </summary>
internal static class WholeDemo
{
    private static readonly Lazy<(Task<(CliRun Run, byte[] Capture)> Whole, Task<CliRun> Stuck)> Once = new(
        () => (RunAsync(), CliRun.InvokeAsync("demo", "--break", "rekey")));

    public static Task<(CliRun Run, byte[] Capture)> Value => Once.Value.Whole;

    /// <summary>Gets the run that cannot renew its keys.</summary>
    public static Task<CliRun> Stuck => Once.Value.Stuck;

    private static async Task<(CliRun Run, byte[] Capture)> RunAsync()
    {
        using var folder = new TemporaryFolder();
        var run = await CliRun.InvokeAsync("demo", "--json", "--pcap", folder["demo"]);
        return (run, await File.ReadAllBytesAsync(folder["demo"]));
    }
}
