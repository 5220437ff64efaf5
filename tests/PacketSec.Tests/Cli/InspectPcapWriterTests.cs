using System.Diagnostics;
using System.Net;
using PacketSec.Cli;
using PacketSec.Cli.Inspect;

namespace PacketSec.Tests.Cli;

/// <summary>The capture writer, read back by <c>psec inspect</c>; what other programs read of it is tested with tshark.</summary>
public sealed class InspectPcapWriterTests : IDisposable
{
    private static readonly DateTimeOffset Time = new DateTimeOffset(2025, 1, 2, 3, 4, 5, TimeSpan.FromHours(1)).AddTicks(1234567);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("192.0.2.1:1", "192.0.2.2:65535", "192.0.2.1:1", "192.0.2.2:65535")]
    [InlineData("[2001:db8::1]:1", "[2001:db8::2]:2", "[2001:db8::1]:1", "[2001:db8::2]:2")]
    [InlineData("[::]:4001", "[::ffff:192.0.2.2]:2", "0.0.0.0:4001", "192.0.2.2:2")]
    [InlineData("[::ffff:192.0.2.2]:2", "[::]:4001", "192.0.2.2:2", "0.0.0.0:4001")]
    [InlineData("[::ffff:192.0.2.1]:1", "192.0.2.2:2", "192.0.2.1:1", "192.0.2.2:2")]
    [InlineData("[::]:4001", "[2001:db8::2]:2", "[::]:4001", "[2001:db8::2]:2")]
    [InlineData("0.0.0.0:4001", "[2001:db8::2]:2", "[::ffff:0.0.0.0]:4001", "[2001:db8::2]:2")]
    [InlineData("[::]:1", "[::]:2", "[::]:1", "[::]:2")]
    public async Task Addresses_are_written_in_the_family_that_both_have(string from, string to, string readFrom, string readTo)
    {
        using (var writer = PcapWriter.Create(_folder["file"]))
        {
            writer.Write(Time, IPEndPoint.Parse(from), IPEndPoint.Parse(to), [0xff]);
        }

        var line = Assert.Single((await CliRun.InvokeAsync("inspect", "--json", _folder["file"])).JsonLines());
        Assert.Equal(("reject", "2025-01-02T02:04:05.123456700Z"), (line.TypeOf(), line.TextOf("time")));
        Assert.Equal((readFrom.Replace("[::ffff:0.0.0.0]", "[::]", StringComparison.Ordinal), readTo), (line.TextOf("from"), line.TextOf("to")));
    }

    [Theory]
    [InlineData("192.0.2.1:1", 65_507)]
    [InlineData("[2001:db8::1]:1", 65_527)]
    public async Task The_longest_datagram_is_written_and_one_byte_more_is_the_callers_error(string end, int maximum)
    {
        var address = IPEndPoint.Parse(end);
        byte[] datagram = [0x80, 0, 0, 16, .. new byte[maximum - 4]];
        using (var writer = PcapWriter.Create(_folder["file"]))
        {
            writer.Write(Time, address, address, datagram);
            Assert.Throws<ArgumentException>(() => writer.Write(Time, address, address, new byte[maximum + 1]));
            writer.Write(Time, address, address, []);
        }

        var lines = (await CliRun.InvokeAsync("inspect", "--json", _folder["file"])).JsonLines();
        Assert.Equal([maximum, 0], lines.Select(line => line.GetProperty("length").GetInt32()));
        Assert.Equal("data", lines[0].TypeOf());
    }

    [Theory]
    [InlineData(-62135596800, "1970-01-01T00:00:00.000000000Z")]
    [InlineData(-1, "1970-01-01T00:00:00.000000000Z")]
    [InlineData(1, "1970-01-01T00:00:01.000000000Z")]
    [InlineData(9223372036, "2262-04-11T23:47:16.000000000Z")]
    [InlineData(253402300799, "2262-04-11T23:47:16.854775800Z")]
    public async Task Times_that_the_format_cannot_hold_are_the_nearest_that_it_can(long seconds, string time)
    {
        using (var writer = PcapWriter.Create(_folder["file"]))
        {
            writer.Write(DateTimeOffset.FromUnixTimeSeconds(seconds), new(1, 1), new(2, 2), [0xff]);
        }

        Assert.Equal(time, Assert.Single((await CliRun.InvokeAsync("inspect", "--json", _folder["file"])).JsonLines()).TextOf("time"));
    }

    [Fact]
    public void Only_the_owner_can_read_the_file_even_if_it_was_open_before()
    {
        File.WriteAllText(_folder["old"], new string('x', 10_000));
        foreach (var name in new[] { "old", "new" })
        {
            using var writer = PcapWriter.Create(_folder[name]);
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder[name]));
            }

            Assert.Equal(60, new FileInfo(_folder[name]).Length);
        }
    }

    [Fact]
    public async Task The_file_can_be_read_while_it_is_written()
    {
        using var writer = PcapWriter.Create(_folder["file"]);
        for (var count = 1; count <= 3; count++)
        {
            writer.Write(Time, new(1, 1), new(2, 2), [0xff]);
            var run = await CliRun.InvokeAsync("inspect", "--json", _folder["file"]);
            Assert.Equal((ExitCodes.Success, count), (run.ExitCode, run.JsonLines().Count));
        }
    }

    [Fact]
    public async Task Datagrams_of_many_threads_do_not_mix()
    {
        using (var writer = PcapWriter.Create(_folder["file"]))
        {
            await Task.WhenAll(Enumerable.Range(1, 4).Select(side => Task.Run(() =>
            {
                for (var i = 0; i < 500; i++)
                {
                    writer.Write(Time, new(side, side), new(9, 9), InspectSample.Sealed(0x80000010, side * 10));
                }
            })));
        }

        var lines = (await CliRun.InvokeAsync("inspect", "--json", _folder["file"])).JsonLines();
        Assert.Equal(2000, lines.Count);
        Assert.Equal(
            [500, 500, 500, 500],
            Enumerable.Range(1, 4).Select(side => lines.Count(line =>
                line.TextOf("from") == $"{side}.0.0.0:{side}" && line.GetProperty("payload_size").GetInt32() == side * 10)));
    }

    [Fact]
    public void After_its_end_nothing_is_written_and_nothing_fails()
    {
        var writer = PcapWriter.Create(_folder["file"]);
        writer.Dispose();
        writer.Write(Time, new(1, 1), new(2, 2), [0xff]);
        writer.Dispose();
        Assert.Null(writer.Failure);
        Assert.Equal(60, new FileInfo(_folder["file"]).Length);
    }

    [UnixFact]
    public async Task A_reader_that_goes_away_ends_the_writing_and_nothing_else()
    {
        using (var make = Process.Start("mkfifo", [_folder["pipe"]]))
        {
            await make.WaitForExitAsync();
        }

        var reading = Task.Run(() => File.OpenRead(_folder["pipe"]));
        using var writer = PcapWriter.Create(_folder["pipe"]);
        await using (var reader = await reading)
        {
            var header = new byte[60];
            await reader.ReadExactlyAsync(header);
            Assert.NotNull(CaptureFile.TryOpen(new(new MemoryStream(header))));
            writer.Write(Time, new(1, 1), new(2, 2), [0xff]);
            Assert.Null(writer.Failure);
        }

        writer.Write(Time, new(1, 1), new(2, 2), [0xff]);
        Assert.NotNull(writer.Failure);
        writer.Write(Time, new(1, 1), new(2, 2), [0xff]);
    }

    [Fact]
    public void A_file_that_cannot_be_made_is_an_error_of_input_and_output()
    {
        Assert.Throws<DirectoryNotFoundException>(() => PcapWriter.Create(Path.Combine(_folder["none"], "file")));
        Assert.Throws<UnauthorizedAccessException>(() => PcapWriter.Create(_folder["."]));
    }
}
