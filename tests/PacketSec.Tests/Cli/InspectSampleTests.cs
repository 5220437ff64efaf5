using PacketSec.Cli;

namespace PacketSec.Tests.Cli;

/// <summary>
/// The committed capture, and what is said of it. With <c>PACKETSEC_UPDATE_SAMPLE=1</c> the files are written anew: read the difference.
/// </summary>
public sealed class InspectSampleTests : IDisposable
{
    private static readonly bool IsUpdate = Environment.GetEnvironmentVariable("PACKETSEC_UPDATE_SAMPLE") == "1";

    private readonly TemporaryFolder _folder = new();

    public InspectSampleTests()
    {
        InspectSample.WriteTo(_folder["sample.pcapng"]);
        if (IsUpdate)
        {
            File.WriteAllBytes(InspectSample.PathOf("sample.pcapng"), File.ReadAllBytes(_folder["sample.pcapng"]));
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_committed_capture_is_what_the_generator_makes()
        => Assert.Equal(File.ReadAllBytes(InspectSample.PathOf("sample.pcapng")), File.ReadAllBytes(_folder["sample.pcapng"]));

    [Fact]
    public async Task What_people_read_of_it_is_as_committed()
        => AssertCommitted("sample.txt", await CliRun.InvokeAsync("inspect", InspectSample.PathOf("sample.pcapng")));

    [Fact]
    public async Task What_programs_read_of_it_is_as_committed()
    {
        var run = await CliRun.InvokeAsync("inspect", "--json", InspectSample.PathOf("sample.pcapng"));
        Assert.Equal(51, run.JsonLines().Count);

        // The name depends on the machine.
        AssertCommitted("sample.json", run with { Output = run.Output.Replace(InspectSample.PathOf("sample.pcapng"), "sample.pcapng", StringComparison.Ordinal) });
    }

    private static void AssertCommitted(string name, CliRun run)
    {
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        if (IsUpdate)
        {
            File.WriteAllText(InspectSample.PathOf(name), run.Output);
        }

        Assert.Equal(File.ReadAllText(InspectSample.PathOf(name)), run.Output);
    }
}
