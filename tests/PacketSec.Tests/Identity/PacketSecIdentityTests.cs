using System.Diagnostics;
using System.Text;
using PacketSec.Protocol.Identity;

namespace PacketSec.Tests.Identity;

public sealed class PacketSecIdentityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_identity_is_made_once_and_then_loaded()
    {
        using var made = PacketSecIdentity.LoadOrCreate(_folder["me.key"]);
        using var loaded = PacketSecIdentity.LoadOrCreate(_folder["me.key"]);
        using var other = PacketSecIdentity.Generate();

        Assert.Equal(made.PeerId, loaded.PeerId);
        Assert.Equal(made.PublicKey, loaded.PublicKey);
        Assert.NotEqual(made.PeerId, other.PeerId);
        Assert.StartsWith("12D3KooW", made.ToString(), StringComparison.Ordinal);
        Assert.Equal(["me.key"], _folder.FileNames);
    }

    [Theory]
    [InlineData(KeyFileFormat.Pkcs8)]
    [InlineData(KeyFileFormat.Libp2p)]
    public void Each_format_is_loaded_again(KeyFileFormat format)
    {
        using var identity = PacketSecIdentity.Generate();
        identity.Save(_folder["me.key"], format: format);
        using var loaded = PacketSecIdentity.Load(_folder["me.key"]);
        using var imported = PacketSecIdentity.Import(identity.Export(format));

        Assert.Equal(identity.PeerId, loaded.PeerId);
        Assert.Equal(identity.PeerId, imported.PeerId);
        Assert.Equal(identity.Export(format), File.ReadAllBytes(_folder["me.key"]));
    }

    [Fact]
    public void A_key_file_is_replaced_only_when_that_is_asked_for()
    {
        using var first = PacketSecIdentity.LoadOrCreate(_folder["me.key"]);
        using var second = PacketSecIdentity.Generate();

        var error = Assert.Throws<IOException>(() => second.Save(_folder["me.key"]));
        Assert.Contains("not overwritten", error.Message, StringComparison.Ordinal);
        AssertHolds(first.PeerId);

        second.Save(_folder["me.key"], overwrite: true);
        AssertHolds(second.PeerId);
        Assert.Equal(["me.key"], _folder.FileNames);
    }

    //= spec/threat-model.md#identity-once
    [Fact]
    public async Task Of_several_that_start_at_once_all_have_the_key_that_is_in_the_file()
    {
        const int Creators = 4;
        const int Rounds = 100;
        for (var round = 0; round < Rounds; round++)
        {
            var name = $"{round}.key";
            using var start = new Barrier(Creators);
            var peers = new PeerId[Creators];
            await Task.WhenAll(Enumerable.Range(0, Creators).Select(i => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait(SocketsCollection.CeilingMilliseconds);
                    using var identity = PacketSecIdentity.LoadOrCreate(_folder[name]);
                    peers[i] = identity.PeerId;
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default)));

            using var kept = PacketSecIdentity.Load(_folder[name]);
            Assert.All(peers, peer => Assert.Equal(kept.PeerId, peer));
            File.Delete(_folder[name]);
        }

        Assert.Empty(_folder.FileNames);
    }

    //= spec/threat-model.md#identity-file
    [Fact]
    public void A_key_file_is_its_owners_alone()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var identity = PacketSecIdentity.LoadOrCreate(_folder["me.key"]);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder["me.key"]));
    }

    //= spec/threat-model.md#identity-file
    [Theory]
    [InlineData(UnixFileMode.UserRead, true)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, true)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.GroupRead, false)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.GroupWrite, false)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.OtherRead, false)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.OtherWrite, false)]
    public void A_key_file_that_others_can_open_is_refused(UnixFileMode mode, bool accepted)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var identity = PacketSecIdentity.LoadOrCreate(_folder["me.key"]);
        File.SetUnixFileMode(_folder["me.key"], mode);
        if (accepted)
        {
            AssertHolds(identity.PeerId);
            return;
        }

        var error = Assert.Throws<UnauthorizedAccessException>(() => PacketSecIdentity.Load(_folder["me.key"]));
        Assert.Contains("chmod 600", error.Message, StringComparison.Ordinal);
        Assert.Throws<UnauthorizedAccessException>(() => PacketSecIdentity.LoadOrCreate(_folder["me.key"]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    [InlineData(4097)]
    public void A_file_that_is_no_key_is_refused(int size)
    {
        WriteOwnerOnly("me.key", new byte[size]);
        var error = Assert.Throws<InvalidDataException>(() => PacketSecIdentity.LoadOrCreate(_folder["me.key"]));
        Assert.Contains("me.key", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_and_a_missing_folder_are_named()
    {
        using var identity = PacketSecIdentity.Generate();
        Assert.Throws<FileNotFoundException>(() => PacketSecIdentity.Load(_folder["none.key"]));
        var error = Assert.Throws<DirectoryNotFoundException>(() => identity.Save(Path.Combine(_folder["none"], "me.key")));
        Assert.Contains("The folder of", error.Message, StringComparison.Ordinal);
        Assert.Empty(_folder.FileNames);
    }

    [Fact]
    public void A_disposed_identity_is_saved_nowhere()
    {
        var identity = PacketSecIdentity.Generate();
        identity.Dispose();
        Assert.Throws<ObjectDisposedException>(() => identity.Save(_folder["me.key"]));
        Assert.Empty(_folder.FileNames);
    }

    [OpenSslFact]
    public void OpenSsl_reads_our_keys_and_we_read_its()
    {
        using var ours = PacketSecIdentity.LoadOrCreate(_folder["ours.key"]);
        var publicKey = OpenSslFactAttribute.Run("pkey", "-in", _folder["ours.key"], "-pubout", "-outform", "DER");
        Assert.Equal(ours.PublicKey.PublicKeyInfo.ToArray(), publicKey);

        WriteOwnerOnly("theirs.key", OpenSslFactAttribute.Run("genpkey", "-algorithm", "ed25519"));
        using var theirs = PacketSecIdentity.Load(_folder["theirs.key"]);
        Assert.True(PublicKey.TryRead(OpenSslFactAttribute.Run("pkey", "-in", _folder["theirs.key"], "-pubout", "-outform", "DER"), out var key));
        Assert.Equal(key, theirs.PublicKey);
        Assert.Equal(Encoding.ASCII.GetString(File.ReadAllBytes(_folder["theirs.key"])), Encoding.ASCII.GetString(theirs.Export()));
    }

    private void AssertHolds(PeerId expected)
    {
        using var loaded = PacketSecIdentity.Load(_folder["me.key"]);
        Assert.Equal(expected, loaded.PeerId);
    }

    private void WriteOwnerOnly(string name, byte[] content)
    {
        File.WriteAllBytes(_folder[name], content);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_folder[name], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }
}

/// <summary>A fact that asks the openssl program: skipped, visibly, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OpenSslFactAttribute : FactAttribute
{
    public OpenSslFactAttribute()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (!folders.Any(folder => File.Exists(Path.Combine(folder, "openssl")) || File.Exists(Path.Combine(folder, "openssl.exe"))))
        {
            Skip = "There is no openssl program on this machine.";
        }
    }

    public static byte[] Run(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("openssl", arguments) { RedirectStandardOutput = true })!;
        using var output = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output.ToArray();
    }
}
