using PacketSec.Cli;
using PacketSec.Protocol.Identity;
using PacketSec.Tests.Identity;
using PacketSec.TestSupport;

namespace PacketSec.Tests.Cli;

public sealed class KeyCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Keygen_makes_an_identity_that_id_prints()
    {
        var made = await CliRun.InvokeAsync("keygen", _folder["me.key"]);
        var printed = await CliRun.InvokeAsync("id", _folder["me.key"]);

        Assert.Equal((ExitCodes.Success, ""), (made.ExitCode, made.Error));
        Assert.Equal(made, printed);
        using var identity = PacketSecIdentity.Load(_folder["me.key"]);
        Assert.Equal(identity.PeerId + "\n", made.Output);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder["me.key"]));
        }
    }

    [Fact]
    public async Task Keygen_replaces_a_key_only_by_force()
    {
        var first = await CliRun.InvokeAsync("keygen", _folder["me.key"]);
        (await CliRun.InvokeAsync("keygen", _folder["me.key"])).AssertFails(ExitCodes.KeyFile, "me.key", "--force");
        Assert.Equal(first.Output, (await CliRun.InvokeAsync("id", _folder["me.key"])).Output);

        var second = await CliRun.InvokeAsync("keygen", _folder["me.key"], "--force");
        Assert.Equal(ExitCodes.Success, second.ExitCode);
        Assert.NotEqual(first.Output, second.Output);
        Assert.Equal(second.Output, (await CliRun.InvokeAsync("id", _folder["me.key"])).Output);
    }

    [Fact]
    public async Task Id_prints_all_forms_of_a_key_as_json()
    {
        await CliRun.InvokeAsync("keygen", _folder["me.key"]);
        var line = Assert.Single((await CliRun.InvokeAsync("id", _folder["me.key"], "--json")).JsonLines());
        using var identity = PacketSecIdentity.Load(_folder["me.key"]);

        Assert.Equal("identity", line.GetProperty("type").GetString());
        Assert.Equal("ed25519", line.GetProperty("key_type").GetString());
        Assert.Equal(identity.PeerId.ToString(), line.GetProperty("peer_id").GetString());
        Assert.Equal(identity.PeerId, PeerId.Parse(line.GetProperty("cid").GetString()!));
        Assert.Equal(43, line.GetProperty("p2pke_id").GetString()!.Length);
        Assert.Equal(identity.PublicKey.PublicKeyInfo.ToArray(), line.GetProperty("x509").GetBytesFromBase64());
    }

    [VectorsFact]
    public async Task Id_of_a_published_public_key_is_the_published_id()
    {
        using var keys = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(TestData.Vectors("p2pke", "keys.json")));
        foreach (var key in keys.RootElement.GetProperty("keys").EnumerateArray())
        {
            File.WriteAllBytes(_folder["peer.der"], Convert.FromHexString(key.GetProperty("public_x509").GetString()!));
            var line = Assert.Single((await CliRun.InvokeAsync("id", "--json", _folder["peer.der"])).JsonLines());
            Assert.Equal(key.GetProperty("peer_id_text").GetString(), line.GetProperty("p2pke_id").GetString());
        }
    }

    [Fact]
    public async Task Convert_carries_a_key_through_every_format()
    {
        var made = await CliRun.InvokeAsync("keygen", _folder["a"], "--format", "libp2p");
        Assert.Equal(68, File.ReadAllBytes(_folder["a"]).Length);
        foreach (var (source, target, format) in new[] { ("a", "b", "pkcs8"), ("b", "c", "libp2p"), ("b", "d", "x509") })
        {
            var run = await CliRun.InvokeAsync("convert", _folder[source], _folder[target], "--format", format);
            Assert.Equal(made, run);
            Assert.Equal(made, await CliRun.InvokeAsync("id", _folder[target]));
        }

        Assert.Equal(File.ReadAllBytes(_folder["a"]), File.ReadAllBytes(_folder["c"]));
        Assert.StartsWith("-----BEGIN PUBLIC KEY-----\n", File.ReadAllText(_folder["d"]), StringComparison.Ordinal);
        (await CliRun.InvokeAsync("convert", _folder["a"], _folder["d"])).AssertFails(ExitCodes.KeyFile, "--force");
    }

    [OpenSslFact]
    public async Task Openssl_reads_what_keygen_and_convert_write()
    {
        await CliRun.InvokeAsync("keygen", _folder["me.key"]);
        await CliRun.InvokeAsync("convert", _folder["me.key"], _folder["me.pub"], "--format", "x509");
        var fromPrivate = OpenSslFactAttribute.Run("pkey", "-in", _folder["me.key"], "-pubout");
        Assert.Equal(fromPrivate, File.ReadAllBytes(_folder["me.pub"]));
    }

    [Fact]
    public async Task A_key_that_others_can_read_is_refused_with_the_remedy()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await CliRun.InvokeAsync("keygen", _folder["me.key"]);
        File.SetUnixFileMode(_folder["me.key"], UnixFileMode.UserRead | UnixFileMode.OtherRead);
        (await CliRun.InvokeAsync("id", _folder["me.key"])).AssertFails(ExitCodes.KeyFile, "chmod 600");
        (await CliRun.InvokeAsync("convert", _folder["me.key"], _folder["b"])).AssertFails(ExitCodes.KeyFile, "chmod 600");
    }

    [Fact]
    public async Task Each_kind_of_wrong_use_has_its_line_and_code()
    {
        (await CliRun.InvokeAsync()).AssertFails(ExitCodes.Usage, "--help");
        (await CliRun.InvokeAsync("dance")).AssertFails(ExitCodes.Usage, "'dance'");
        (await CliRun.InvokeAsync("keygen")).AssertFails(ExitCodes.Usage, "psec keygen --help");
        (await CliRun.InvokeAsync("keygen", _folder["a"], "--format", "jwk")).AssertFails(ExitCodes.Usage, "'jwk'", "'libp2p'");
        (await CliRun.InvokeAsync("id", _folder["none"])).AssertFails(ExitCodes.KeyFile, "There is no key file", "psec keygen");
        (await CliRun.InvokeAsync("keygen", Path.Combine(_folder["none"], "a"))).AssertFails(ExitCodes.KeyFile, "folder");
        File.WriteAllText(_folder["text"], "hello");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_folder["text"], UnixFileMode.UserRead);
        }

        (await CliRun.InvokeAsync("id", _folder["text"])).AssertFails(ExitCodes.KeyFile, "no Ed25519 private key");
        (await CliRun.InvokeAsync("id", _folder["."])).AssertFails(ExitCodes.KeyFile);
    }

    [Fact]
    public async Task Version_names_the_providers_and_the_files_they_come_from()
    {
        var plain = await CliRun.InvokeAsync("version");
        Assert.Matches(@"^psec \d+\.\d+\.\d+", plain.Output);
        var line = Assert.Single((await CliRun.InvokeAsync("version", "--verbose", "--json")).JsonLines());
        Assert.Contains("OpenSSL 3", line.GetProperty("providers")[0].GetString(), StringComparison.Ordinal);
        Assert.Contains(line.GetProperty("libraries").EnumerateArray(), file => File.Exists(file.GetString()));
        Assert.Matches("^(linux|portable)", line.GetProperty("path").GetString());
        Assert.StartsWith("OpenSSL 3", line.GetProperty("aead").GetString(), StringComparison.Ordinal);
        Assert.StartsWith(line.GetProperty("curves").GetString()!, line.GetProperty("provider").GetString(), StringComparison.Ordinal);
        var text = (await CliRun.InvokeAsync("version", "--verbose")).Output;
        Assert.Contains($"path      {line.GetProperty("path").GetString()}\n", text, StringComparison.Ordinal);
        Assert.Contains($"aead      {line.GetProperty("aead").GetString()}\n", text, StringComparison.Ordinal);
        Assert.Contains($"curves    {line.GetProperty("curves").GetString()}\n", text, StringComparison.Ordinal);
        Assert.Contains("(serves)", text, StringComparison.Ordinal);
    }
}
