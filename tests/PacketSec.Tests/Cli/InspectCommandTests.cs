using System.Text;
using PacketSec.Cli;
using PacketSec.Cli.Inspect;
using Spectre.Console;
using static PacketSec.Tests.Cli.InspectCaptures;

namespace PacketSec.Tests.Cli;

/// <summary>Where datagrams come from, and what becomes of text that is none.</summary>
public sealed class InspectCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Arguments_are_files_or_datagrams_and_keep_their_order()
    {
        await File.WriteAllTextAsync(_folder["a.hex"], "# a reject\n\n  FF  \r\n0x01 07 70:32:70:6b:65:2d:31\nff");
        await File.WriteAllBytesAsync(_folder["b.pcap"], Pcap(LinkTypes.Raw, RejectOverIPv4));
        var run = await CliRun.InvokeAsync("inspect", "--json", "ff", _folder["a.hex"], _folder["b.pcap"], "0xFF");
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        var lines = run.JsonLines();
        Assert.Equal(["reject", "reject", "accept", "reject", "reject", "reject"], lines.Select(line => line.TypeOf()));
        Assert.Equal([1, 3, 4, 5, 1, 4], lines.Select(line => line.GetProperty("number").GetInt32()));
        Assert.Equal(_folder["a.hex"], lines[1].TextOf("file"));
        Assert.False(lines[0].TryGetProperty("file", out _));
    }

    [Fact]
    public async Task People_see_the_file_where_there_is_more_than_one_source()
    {
        await File.WriteAllTextAsync(_folder["a.hex"], "ff");
        Assert.Equal("#1 1 byte: reject\n", (await CliRun.InvokeAsync("inspect", _folder["a.hex"])).Output);
        Assert.Equal($"#1 1 byte: reject\n{_folder["a.hex"]}#1 1 byte: reject\n", (await CliRun.InvokeAsync("inspect", "ff", _folder["a.hex"])).Output);
    }

    [Theory]
    [InlineData]
    [InlineData("-")]
    public async Task Standard_input_may_be_text_or_a_capture(params string[] source)
    {
        Assert.Equal((ExitCodes.Success, "#1 1 byte: reject\n", ""), await RunAsync(new StringReader("ff\n"), ["inspect", .. source]));
        using var binary = new StreamReader(new MemoryStream(Pcap(LinkTypes.Raw, RejectOverIPv4)));
        Assert.Equal(
            (ExitCodes.Success, "#1 1970-01-01T00:00:00.000000000Z 192.0.2.1:4001 > 192.0.2.2:4002 1 byte: reject\n", ""),
            await RunAsync(binary, ["inspect", .. source]));
    }

    [Fact]
    public async Task Lines_that_are_no_hexadecimal_are_shown_with_the_reason_and_fail_the_run()
    {
        await File.WriteAllTextAsync(_folder["a.hex"], $"ff\nabc\n  fg\n{new string('0', HexText.MaxDatagramSize * 2)}\n{new string('0', (HexText.MaxDatagramSize + 1) * 2)}\n");
        var run = await CliRun.InvokeAsync("inspect", "--json", _folder["a.hex"]);
        Assert.Equal(ExitCodes.File, run.ExitCode);
        Assert.Equal($"psec: 3 of 5 lines in '{_folder["a.hex"]}' are no hexadecimal text.\n", run.Error);
        var lines = run.JsonLines();
        Assert.Equal(["reject", "malformed", "malformed", "malformed", "malformed"], lines.Select(line => line.TypeOf()));
        Assert.Equal("it has an odd number of digits, 3", lines[1].TextOf("reason"));
        Assert.Equal("character 2 is no hexadecimal digit", lines[2].TextOf("reason"));
        Assert.Equal(("init_hello", "TooLong"), (lines[3].TextOf("kind"), lines[3].TextOf("drop")));
        Assert.Equal("it has more than 65527 bytes", lines[4].TextOf("reason"));
    }

    [Theory]
    [InlineData(HexText.MaxLineLength, ExitCodes.Success)]
    [InlineData(HexText.MaxLineLength + 1, ExitCodes.File)]
    public async Task A_line_has_at_most_256_KiB(int length, int exitCode)
    {
        await File.WriteAllTextAsync(_folder["a.hex"], $"ff{new string(' ', length - 2)}\nff\n");
        var run = await CliRun.InvokeAsync("inspect", "--json", _folder["a.hex"]);
        Assert.Equal(exitCode, run.ExitCode);
        Assert.Equal([exitCode == ExitCodes.Success ? "reject" : "malformed", "reject"], run.JsonLines().Select(line => line.TypeOf()));
    }

    [Fact]
    public async Task What_is_neither_file_nor_hexadecimal_is_refused_in_one_line()
    {
        (await CliRun.InvokeAsync("inspect", "none.pcap")).AssertFails(ExitCodes.File, "There is no file 'none.pcap'", "character 1 is no hexadecimal digit");
        (await CliRun.InvokeAsync("inspect", "fff")).AssertFails(ExitCodes.File, "it has an odd number of digits");
        (await CliRun.InvokeAsync("inspect", _folder["."])).AssertFails(ExitCodes.File, "cannot be read");
        await File.WriteAllBytesAsync(_folder["binary"], [0x1f, 0x8b, 8, 0]);
        (await CliRun.InvokeAsync("inspect", _folder["binary"])).AssertFails(ExitCodes.File, "is neither a capture (pcap, pcapng) nor hexadecimal text");
        await File.WriteAllBytesAsync(_folder["empty"], []);
        (await CliRun.InvokeAsync("inspect", _folder["empty"])).AssertFails(ExitCodes.Failed, "There is no datagram in");
    }

    [Theory]
    [InlineData("0", false)]
    [InlineData("1", true)]
    [InlineData("65535", true)]
    [InlineData("65536", false)]
    public async Task A_port_is_1_to_65535(string port, bool isValid)
        => Assert.Equal(isValid ? ExitCodes.Success : ExitCodes.Usage, (await CliRun.InvokeAsync("inspect", "ff", "--port", port)).ExitCode);

    [Fact]
    public async Task What_a_stranger_wrote_cannot_steer_the_terminal()
    {
        byte[] accept = [1, 9, .. "\u001b[31m\r\n\u202e"u8];
        accept[1] = (byte)(accept.Length - 2);
        var run = await CliRun.InvokeAsync("inspect", Convert.ToHexString(accept));
        Assert.Equal($"#1 {accept.Length} bytes: accept\n  scheme: \\u{{1b}}[31m\\u{{d}}\\u{{a}}\\u{{202e}}\n", run.Output);
        var line = Assert.Single((await CliRun.InvokeAsync("inspect", "--json", Convert.ToHexString(accept))).JsonLines());
        Assert.Equal("\u001b[31m\r\n\u202e", line.TextOf("scheme"));
    }

    [Fact]
    public async Task A_terminal_gets_the_same_text()
    {
        using var plain = new StringWriter { NewLine = "\n" };
        var terminal = AnsiConsole.Create(new() { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(plain) });
        terminal.Profile.Width = 4096;
        await CliApplication.RunAsync(["inspect", InspectSample.PathOf("sample.pcapng")], TextReader.Null, TextWriter.Null, TextWriter.Null, terminal);
        Assert.Equal(await File.ReadAllTextAsync(InspectSample.PathOf("sample.txt")), plain.ToString());
    }

    [Fact]
    public async Task A_line_is_answered_before_the_next_one_comes_and_Ctrl_C_ends_the_waiting()
    {
        using var stop = new CancellationTokenSource();
        using var input = new StreamReader(new EndlessStream(() => stop.Cancel()));
        using var output = new LineLog();
        Assert.Equal(
            ExitCodes.Interrupted,
            await CliApplication.RunAsync(["inspect"], input, output, TextWriter.Null, cancellationToken: stop.Token).WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(["#1 1 byte: reject"], output.Lines);
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(TextReader input, string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        return (await CliApplication.RunAsync(args, input, output, error), output.ToString(), error.ToString());
    }

    // A pipe that nobody writes to.
    private sealed class EndlessStream(Action onRead) : MemoryStream(Encoding.ASCII.GetBytes("ff\n"))
    {
        private readonly SemaphoreSlim _never = new(0);

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = base.Read(buffer, offset, count);
            if (read == 0)
            {
                onRead();
                _never.Wait();
            }

            return read;
        }

        protected override void Dispose(bool disposing)
        {
            _never.Release();
            base.Dispose(disposing);
        }
    }
}
