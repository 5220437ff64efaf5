using PacketSec.Cli;
using PacketSec.TestSupport;

namespace PacketSec.Tests.Cli;

public sealed class VectorsCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [VectorsTheory]
    [InlineData("noise/cacophony.txt", 472, 472)]
    [InlineData("noise/xkh-own.json", 4, 0)]
    [InlineData("p2pke/keys.json", 5, 0)]
    [InlineData("p2pke/signatures.json", 90, 0)]
    [InlineData("p2pke/tai64n.json", 33, 0)]
    [InlineData("p2pke/replay-window.json", 652, 0)]
    [InlineData("p2pke/handshake-edge.json", 53, 0)]
    [InlineData("p2pke/session-s00.json", 48, 0)]
    [InlineData("p2pke/session-s07.json", 48, 0)]
    [InlineData("wycheproof/x25519_test.json", 518, 0)]
    [InlineData("wycheproof/ed25519_test.json", 151, 0)]
    [InlineData("wycheproof/chacha20_poly1305_test.json", 325, 0)]
    [InlineData("wycheproof/aes_gcm_test.json", 197, 119)]
    [InlineData("wycheproof/hkdf_sha256_test.json", 86, 0)]
    [InlineData("wycheproof/hkdf_sha512_test.json", 83, 0)]
    [InlineData("wycheproof/hmac_sha256_test.json", 174, 0)]
    public async Task Each_published_file_passes_with_its_count(string file, int passed, int skipped)
    {
        Copy(file);
        Copy("p2pke/keys.json");
        Copy("p2pke/session-s00.json");
        var run = await CliRun.InvokeAsync("vectors", _folder["."], "--json");

        Assert.Equal(ExitCodes.Success, run.ExitCode);
        var line = run.JsonLines().Single(line => line.TryGetProperty("file", out var name) && name.GetString() == Path.GetFileName(file));
        Assert.Equal("file", line.GetProperty("type").GetString());
        Assert.Equal(
            (passed, 0, skipped),
            (line.GetProperty("passed").GetInt32(), line.GetProperty("failed").GetInt32(), line.GetProperty("skipped").GetInt32()));
    }

    [VectorsTheory]
    [InlineData("noise/xkh-own.json", "\"ciphertext\": \"")]
    [InlineData("p2pke/keys.json", "\"peer_id\": \"")]
    [InlineData("p2pke/signatures.json", "\"prehash\": \"")]
    [InlineData("p2pke/tai64n.json", "\"tai64n\": \"")]
    [InlineData("p2pke/handshake-edge.json", "\"reference_reply\": [\n    \"")]
    [InlineData("p2pke/session-s00.json", "\"resp_hello\": \"")]
    [InlineData("p2pke/session-s00.json", "\"packet\": \"")]
    [InlineData("wycheproof/x25519_test.json", "\"shared\": \"")]
    [InlineData("wycheproof/ed25519_test.json", "\"sig\": \"")]
    [InlineData("wycheproof/chacha20_poly1305_test.json", "\"tag\": \"")]
    [InlineData("wycheproof/aes_gcm_test.json", "\"tag\": \"")]
    [InlineData("wycheproof/hkdf_sha256_test.json", "\"okm\": \"")]
    [InlineData("wycheproof/hmac_sha256_test.json", "\"tag\": \"")]
    public async Task A_changed_digit_fails_the_file(string file, string before)
    {
        Copy("p2pke/keys.json");
        Copy("p2pke/session-s00.json");
        var text = File.ReadAllText(TestData.Vectors(file.Split('/')));
        var at = text.IndexOf(before, StringComparison.Ordinal) + before.Length + 3;
        Assert.True(at > before.Length + 3, $"{file} has no {before}");
        File.WriteAllText(_folder[Path.GetFileName(file)], string.Concat(text.AsSpan(0, at), text[at] == '0' ? "1" : "0", text.AsSpan(at + 1)));

        var run = await CliRun.InvokeAsync("vectors", _folder["."]);
        Assert.Equal(ExitCodes.Failed, run.ExitCode);
        Assert.Contains($"FAILED    {Path.GetFileName(file)}", run.Output, StringComparison.Ordinal);
        Assert.Contains("1 failed", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("secret-handshake-1.json", 4, null)]
    [InlineData("xkh.json", 4, null)]
    [InlineData("secret-handshake-1.json", 4, "\"message_1\": \"")]
    [InlineData("secret-handshake-1.json", 4, "\"message_2\": \"")]
    [InlineData("secret-handshake-1.json", 4, "\"message_3\": \"")]
    [InlineData("secret-handshake-1.json", 4, "\"first_packet_of_responder\": \"")]
    public async Task The_vectors_of_the_repository_pass_and_a_changed_digit_fails(string file, int count, string? before)
    {
        var text = File.ReadAllText(Path.Combine(TestData.RepositoryRoot, "spec", "vectors", file));
        if (before is not null)
        {
            var at = text.IndexOf(before, StringComparison.Ordinal) + before.Length + 3;
            Assert.True(at > before.Length + 3, $"{file} has no {before}");
            text = string.Concat(text.AsSpan(0, at), text[at] == '0' ? "1" : "0", text.AsSpan(at + 1));
        }

        File.WriteAllText(_folder[file], text);
        var run = await CliRun.InvokeAsync("vectors", _folder["."]);
        var failed = before is null ? 0 : 1;
        Assert.Equal(failed == 0 ? ExitCodes.Success : ExitCodes.Failed, run.ExitCode);
        Assert.Contains($"{file}: {count - failed} passed, {failed} failed, 0 skipped", run.Output, StringComparison.Ordinal);
    }

    [VectorsFact]
    public async Task A_replay_verdict_turned_round_fails_the_file()
    {
        var text = File.ReadAllText(TestData.Vectors("p2pke", "replay-window.json"));
        var at = text.IndexOf("\"accept\": false", StringComparison.Ordinal);
        File.WriteAllText(_folder["replay-window.json"], string.Concat(text.AsSpan(0, at), "\"accept\": true", text.AsSpan(at + 15)));
        var run = await CliRun.InvokeAsync("vectors", _folder["."]);
        Assert.Equal(ExitCodes.Failed, run.ExitCode);
        Assert.Contains("651 passed, 1 failed", run.Output, StringComparison.Ordinal);
    }

    [VectorsFact]
    public async Task A_file_that_cannot_be_replayed_fails_and_an_unknown_one_is_named()
    {
        Copy("p2pke/signatures.json");
        File.WriteAllText(_folder["other.json"], """{"format":"something-else"}""");
        File.WriteAllText(_folder["notes.md"], "notes");

        var run = await CliRun.InvokeAsync("vectors", _folder["."]);
        Assert.Equal(ExitCodes.Failed, run.ExitCode);
        Assert.Contains("the file as a whole", run.Output, StringComparison.Ordinal);
        Assert.Contains("unknown   other.json\n", run.Output, StringComparison.Ordinal);
        Assert.Contains("unknown   notes.md\n", run.Output, StringComparison.Ordinal);
        Assert.EndsWith("20 passed, 1 failed, 0 skipped; 2 files of no known format\n", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_replayed_is_no_success()
    {
        Assert.Equal(ExitCodes.Failed, (await CliRun.InvokeAsync("vectors", _folder["."])).ExitCode);
        (await CliRun.InvokeAsync("vectors", _folder["none"])).AssertFails(ExitCodes.File, "There is no folder");
    }

    private void Copy(string file) => File.Copy(TestData.Vectors(file.Split('/')), _folder[Path.GetFileName(file)], overwrite: true);
}
