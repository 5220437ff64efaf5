using System.Text;
using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Identity;

public sealed class IdentityKeyTests
{
    // RFC 8410, section 10.3: the same key in version 1, and in version 2 with an attribute and the public key.
    private const string Rfc8410Seed = "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";
    private const string Rfc8410Public = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

    private const string Rfc8410Version1 =
        """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
        -----END PRIVATE KEY-----
        """;

    private const string Rfc8410Version2 =
        """
        -----BEGIN PRIVATE KEY-----
        MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
        oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
        Z9w7lshQhqowtrbLDFw4rXAxZuE=
        -----END PRIVATE KEY-----
        """;

    [Theory]
    [InlineData(Rfc8410Version1)]
    [InlineData(Rfc8410Version2)]
    [InlineData("A comment before the key\n" + Rfc8410Version1, false)]
    [InlineData("\n  " + Rfc8410Version1)]
    public void The_examples_of_rfc_8410_are_read(string pem, bool accepted = true)
    {
        Assert.Equal(accepted, IdentityKey.TryImport(Encoding.ASCII.GetBytes(pem), CryptoProvider.Default, out var identity));
        if (accepted)
        {
            using (identity)
            {
                Assert.Equal(Rfc8410Seed, Convert.ToHexStringLower(identity!.Seed));
                Assert.Equal(Rfc8410Public, Convert.ToHexStringLower(identity.PublicKey.Ed25519));
            }
        }
    }

    [Fact]
    public void Each_format_that_is_written_is_read()
    {
        using var identity = IdentityKey.FromSeed(Convert.FromHexString(Rfc8410Seed), CryptoProvider.Default);
        Assert.Equal(Rfc8410Version1 + "\n", Encoding.ASCII.GetString(identity.ExportPem()));
        Assert.Equal("08011240" + Rfc8410Seed + Rfc8410Public, Convert.ToHexStringLower(identity.ExportProtobuf()));
        foreach (var encoded in new[] { identity.ExportPem(), identity.ExportProtobuf() })
        {
            Assert.True(IdentityKey.TryImport(encoded, CryptoProvider.Default, out var read));
            Assert.Equal(identity.PeerId, read.PeerId);
            read.Dispose();
        }
    }

    [VectorsFact]
    public void The_published_private_keys_are_read_and_only_ed25519_ones_are_identities()
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(TestData.Vectors("p2pke", "keys.json")));
        var count = 0;
        foreach (var entry in file.RootElement.GetProperty("keys").EnumerateArray())
        {
            var der = Convert.FromHexString(entry.GetProperty("private_pkcs8").GetString()!);
            var isEd25519 = entry.TryGetProperty("seed", out var seed);
            Assert.Equal(isEd25519, IdentityKey.TryImport(der, CryptoProvider.Default, out var identity));
            if (isEd25519)
            {
                Assert.Equal(seed.GetString(), Convert.ToHexStringLower(identity!.Seed));
                Assert.Equal(entry.GetProperty("public_x509").GetString(), Convert.ToHexStringLower(identity.PublicKey.PublicKeyInfo));
                identity.Dispose();
                count++;
            }
        }

        Assert.Equal(3, count);
    }

    [Fact]
    public void A_public_key_that_is_not_the_seeds_is_refused()
    {
        var protobuf = Convert.FromHexString("08011240" + Rfc8410Seed + Rfc8410Public);
        protobuf[^1] ^= 1;
        Assert.False(IdentityKey.TryImport(protobuf, CryptoProvider.Default, out _));

        var der = Convert.FromBase64String(string.Concat(Rfc8410Version2.Split('\n')[1..^1]));
        Assert.True(Import(der));
        der[^1] ^= 1;
        Assert.False(Import(der));
    }

    [Theory]
    [InlineData("08011260" + Rfc8410Seed + Rfc8410Public + Rfc8410Public, true)] // an old form of libp2p
    [InlineData("08011260" + Rfc8410Seed + Rfc8410Public + Rfc8410Seed, false)]
    [InlineData("08001240" + Rfc8410Seed + Rfc8410Public, false)]
    [InlineData("08011240" + Rfc8410Seed + Rfc8410Public + "00", false)]
    [InlineData("0881001240" + Rfc8410Seed + Rfc8410Public, false)]
    [InlineData("08011220" + Rfc8410Public, false)]
    [InlineData("302e020100300506032b657004220420" + Rfc8410Seed, true)]
    [InlineData("302e020101300506032b657004220420" + Rfc8410Seed, true)]
    [InlineData("302e020102300506032b657004220420" + Rfc8410Seed, false)]
    [InlineData("302e020100300506032b656e04220420" + Rfc8410Seed, false)]
    [InlineData("302e020100300506032b657004220420" + Rfc8410Seed + "00", false)]
    [InlineData("302c020100300506032b65700420" + Rfc8410Seed, false)]
    [InlineData("3051020100300506032b657004220420" + Rfc8410Seed + "812100" + Rfc8410Public, false)] // version 1 has no public key
    [InlineData("3051020101300506032b657004220420" + Rfc8410Seed + "812100" + Rfc8410Public, true)]
    [InlineData("3050020101300506032b657004220420" + Rfc8410Seed + "8120" + Rfc8410Public, false)]
    [InlineData("", false)]
    [InlineData("2d2d2d2d2d", false)]
    public void Only_whole_keys_are_imported(string hex, bool accepted) => Assert.Equal(accepted, Import(Convert.FromHexString(hex)));

    [Theory]
    [InlineData("-----BEGIN PUBLIC KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PUBLIC KEY-----")]
    [InlineData("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END ENCRYPTED PRIVATE KEY-----")]
    [InlineData("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nMC4C\u0000AQAw\n-----END PRIVATE KEY-----")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC")]
    public void Other_pem_is_refused(string pem) => Assert.False(Import(Encoding.UTF8.GetBytes(pem)));

    [Fact]
    public void A_file_longer_than_any_key_is_refused()
    {
        var longest = Rfc8410Version1 + new string('\n', Ed25519KeyFormat.MaxFileSize - Rfc8410Version1.Length);
        Assert.True(Import(Encoding.ASCII.GetBytes(longest)));
        Assert.False(Import(Encoding.ASCII.GetBytes(longest + "\n")));
    }

    [Fact]
    public void A_disposed_identity_gives_its_key_to_nobody()
    {
        var identity = IdentityKey.Generate(new CountingSource(), CryptoProvider.Default);
        Assert.Equal("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", Convert.ToHexStringLower(identity.Seed));
        identity.Dispose();
        identity.Dispose();
        Assert.Throws<ObjectDisposedException>(identity.ExportPem);
        Assert.Throws<ObjectDisposedException>(identity.ExportProtobuf);
        Assert.Throws<ArgumentException>(() => IdentityKey.FromSeed(new byte[31], CryptoProvider.Default));
    }

    private static bool Import(byte[] encoded)
    {
        var imported = IdentityKey.TryImport(encoded, CryptoProvider.Default, out var identity);
        identity?.Dispose();
        return imported;
    }

    private sealed class CountingSource : IRandomSource
    {
        public void Fill(Span<byte> destination)
        {
            for (var i = 0; i < destination.Length; i++)
            {
                destination[i] = (byte)i;
            }
        }
    }
}
