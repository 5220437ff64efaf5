using System.Diagnostics;
using System.Net;
using System.Text.Json;
using PacketSec.Cli.Inspect;
using PacketSec.TestSupport;

namespace PacketSec.Tests.Cli;

/// <summary>A fact about tshark: skipped, visibly, where it is not installed, unless <c>PACKETSEC_REQUIRE</c> names it.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TsharkFactAttribute : FactAttribute
{
    public TsharkFactAttribute()
    {
        if (!IsInstalled && !TestData.IsRequired("tshark"))
        {
            Skip = "tshark is not installed: apt-get install tshark.";
        }
    }

    private static bool IsInstalled { get; }
        = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, "tshark")));
}

/// <summary>The dissector for Wireshark against <c>psec inspect</c>: two programs that were written apart say the same.</summary>
public sealed class InspectTsharkTests : IDisposable
{
    // What the dissector calls the facts of psec inspect, and the order in which the values are asked for.
    private static readonly (string Field, string Fact)[] Facts =
    [
        ("psec.type", "type"), ("psec.kind", "kind"), ("psec.drop", "drop"), ("psec.peer_id", "peer_id"), ("psec.peer_id_is_hash", "peer_id_is_hash"),
        ("psec.scheme", "schemes"), ("psec.string", "psec_strings"), ("psec.cookie", "cookie"), ("p2pke.ephemeral", "p2pke ephemeral"), ("p2pke.suite", "suites"),
        ("p2pke.key", "key"), ("p2pke.peer_id", "claimed_peer_id"), ("p2pke.tag", "transcript_tag"), ("p2pke.sealed_size", "sealed_size"),
        ("mychips.letter", "letter"), ("mychips.ephemeral", "mychips ephemeral"), ("mychips.name_ephemeral", "name_ephemeral"),
        ("mychips.site_id_size", "site_id_size"), ("mychips.claim_size", "claim_size"), ("mychips.strings_size", "strings_size"),
        ("mychips.certificate_size", "certificate_size"),
        ("session.direction", "direction"), ("session.counter", "counter"), ("session.payload_size", "payload_size"),
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TsharkFact]
    public void The_dissection_of_the_committed_capture_is_as_committed()
    {
        var (exitCode, output) = Run("bash", InspectSample.PathOf("test.sh"));
        Assert.Equal((0, "the dissection of sample.pcapng is as expected\n"), (exitCode, output));
    }

    [TsharkFact]
    public async Task Tshark_and_psec_say_the_same_of_the_committed_capture()
    {
        var run = await CliRun.InvokeAsync("inspect", "--json", InspectSample.PathOf("sample.pcapng"));
        Assert.Equal(51, await AssertSameAsync(InspectSample.PathOf("sample.pcapng"), "psec.ports:4001-4005"));
        Assert.Equal(51, run.JsonLines().Count);
    }

    [TsharkFact]
    public async Task Tshark_and_psec_say_the_same_of_mutations_of_the_vectors_and_of_first_messages()
    {
        byte[][] messages = [InspectSample.InitHello(1, new byte[8]), InspectSample.Site(1), InspectSample.Site(100), .. InspectDecoderTests.Lettered];
        var datagrams = InspectVectorTests.Mutations().Where((_, number) => number % 4 == 0)
            .Concat(messages.SelectMany(message => Enumerable.Range(0, Math.Min(message.Length, 200))
                .SelectMany(i => new[] { message[..i], [.. message[..i], (byte)(message[i] ^ 1), .. message[(i + 1)..]] }).Append(message)))
            .Where(datagram => datagram.Length > 0).ToList();
        Assert.InRange(datagrams.Count, 2500, 10_000);
        using (var writer = PcapWriter.Create(_folder["file"]))
        {
            // Each between addresses of its own: what went before decides nothing.
            for (var i = 0; i < datagrams.Count; i++)
            {
                writer.Write(DateTimeOffset.UnixEpoch, new(i + 1, 4001), new(0x7f000001, 4001), datagrams[i]);
            }
        }

        Assert.Equal(datagrams.Count, await AssertSameAsync(_folder["file"], "psec.ports:4001"));
    }

    [TsharkFact]
    public void Tshark_finds_the_checksums_of_written_captures_correct()
    {
        using (var writer = PcapWriter.Create(_folder["file"]))
        {
            foreach (var (from, to) in new[] { ("192.0.2.1:4001", "192.0.2.2:65535"), ("[2001:db8::1]:1", "[2001:db8::2]:2"), ("[::]:4001", "[::ffff:192.0.2.2]:2") })
            {
                foreach (var length in new[] { 0, 1, 2, 3, 1200, 65_507 })
                {
                    writer.Write(DateTimeOffset.UnixEpoch, IPEndPoint.Parse(from), IPEndPoint.Parse(to), InspectSample.Filler("checksum", length));
                }
            }

            // A sum that is zero is written as its complement: two bytes of payload that make up for the rest.
            for (var i = 0; i <= ushort.MaxValue; i += 257)
            {
                writer.Write(DateTimeOffset.UnixEpoch, IPEndPoint.Parse("192.0.2.1:1"), IPEndPoint.Parse("192.0.2.2:2"), [(byte)(i >> 8), (byte)(i & 0xff)]);
            }
        }

        var (exitCode, output) = Tshark(
            _folder["file"], "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-T", "fields", "-e", "ip.checksum.status", "-e", "udp.checksum.status");
        Assert.Equal(0, exitCode);
        var lines = output.TrimEnd('\n').Split('\n');
        Assert.Equal(18 + 256, lines.Length);
        Assert.All(lines, (line, number) => Assert.Equal((number, number is >= 6 and < 12 ? "\t1" : "1\t1"), (number, line)));
    }

    private async Task<int> AssertSameAsync(string file, string ports)
    {
        string[] fields = [.. Facts.SelectMany(fact => new[] { "-e", fact.Field })];
        var (exitCode, output) = Tshark(file, ports, ["-T", "fields", "-E", "occurrence=a", "-E", "aggregator=;", "-E", "separator=|", .. fields]);
        Assert.Equal(0, exitCode);
        var dissected = output[..^1].Split('\n');
        var told = (await CliRun.InvokeAsync("inspect", "--json", file)).JsonLines();
        Assert.Equal(told.Count, dissected.Length);
        for (var i = 0; i < told.Count; i++)
        {
            // Nothing is dissected of a datagram without a byte.
            if (told[i].GetProperty("length").GetInt32() > 0)
            {
                Assert.Equal($"{i + 1}|{Told(told[i])}", $"{i + 1}|{dissected[i]}");
            }
        }

        return told.Count;
    }

    private static string Told(JsonElement line) => string.Join('|', Facts.Select(fact => string.Join(';', Values(line, fact.Fact))));

    // The values that the dissector shows: those of a first packet too, of ambiguous bytes those of the packet, and nothing that takes a signature or
    // a curve to know.
    private static IEnumerable<string> Values(JsonElement line, string fact)
    {
        var needsKeys = line.TryGetProperty("drop", out var drop) && drop.GetString() is "BadSignature" or "UnsupportedKey";
        return (line.TypeOf(), fact) switch
        {
            ("ambiguous", "type") => ["ambiguous"],
            ("ambiguous", "direction" or "counter" or "payload_size") => Texts(line.GetProperty("packet").GetProperty(fact)),
            ("ambiguous", _) => [],
            ("malformed", "type") when needsKeys => ["init_hello"],
            ("malformed", "kind" or "drop") when needsKeys => [],
            (_, "p2pke ephemeral" or "mychips ephemeral") => line.TryGetProperty("letter", out _) == fact.StartsWith("mychips", StringComparison.Ordinal)
                ? Own(line, "ephemeral").Concat(Inner(line, fact))
                : Inner(line, fact),
            ("accept" or "handshake", "schemes") => [line.TextOf("scheme")],
            _ => Own(line, fact).Concat(Inner(line, fact)),
        };
    }

    private static IEnumerable<string> Own(JsonElement line, string fact) => line.TryGetProperty(fact, out var value) ? Texts(value) : [];

    private static IEnumerable<string> Inner(JsonElement line, string fact)
        => line.TryGetProperty("first_packet", out var inner) && inner.TypeOf() != "handshake" ? Values(inner, fact) : [];

    private static IEnumerable<string> Texts(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => value.EnumerateArray().Select(text => text.GetString()!),
        JsonValueKind.True => ["1"],
        JsonValueKind.False => ["0"],
        JsonValueKind.Number => [value.GetRawText()],
        _ => [value.GetString() switch { "i2r" => "0", "r2i" => "1", var text => text! }],
    };

    private (int ExitCode, string Output) Tshark(string file, string option, params string[] more)
        => Run("tshark", ["-n", "-r", file, "-X", $"lua_script:{InspectSample.PathOf("packetsec.lua")}", "-o", option, .. more]);

    private (int ExitCode, string Output) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };

        // Neither preferences nor a dissector that is installed change the result.
        start.Environment["WIRESHARK_CONFIG_DIR"] = _folder["."];
        using var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
