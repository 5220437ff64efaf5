using PacketSec.Crypto;

namespace PacketSec.Core.Tests.Crypto;

public class X25519Tests
{
    public static TheoryData<string> AllProviders => Providers.All;

    [Theory]
    [MemberData(nameof(AllProviders))]
    public void Scalar_multiplication_gives_the_values_of_Rfc_7748_section_5_2(string provider)
    {
        var crypto = Providers.Named(provider);
        Assert.Equal(
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
            Agree(
                crypto,
                "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"));
        Assert.Equal(
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
            Agree(
                crypto,
                "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"));
    }

    [Theory]
    [MemberData(nameof(AllProviders))]
    public void Iteration_gives_the_values_of_Rfc_7748_section_5_2(string provider)
    {
        var crypto = Providers.Named(provider);
        byte[] k = new byte[32], u = new byte[32], result = new byte[32];
        k[0] = u[0] = 9;
        for (var i = 1; i <= 1000; i++)
        {
            using var key = crypto.ImportX25519PrivateKey(k);
            Assert.True(key.TryAgree(u, result));
            (k, u, result) = (result, k, u);
            if (i == 1)
            {
                Assert.Equal("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079", Convert.ToHexStringLower(k));
            }
        }

        Assert.Equal("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51", Convert.ToHexStringLower(k));
    }

    [Theory]
    [MemberData(nameof(AllProviders))]
    public void Two_keys_agree_as_in_Rfc_7748_section_6_1(string provider)
    {
        var crypto = Providers.Named(provider);
        using var alice = crypto.ImportX25519PrivateKey(Convert.FromHexString("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
        using var bob = crypto.ImportX25519PrivateKey(Convert.FromHexString("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
        Assert.Equal("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", Convert.ToHexStringLower(alice.PublicKey));
        Assert.Equal("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", Convert.ToHexStringLower(bob.PublicKey));

        // Twice, since a key may keep what it used.
        for (var i = 0; i < 2; i++)
        {
            var secret = new byte[32];
            Assert.True(alice.TryAgree(bob.PublicKey, secret));
            Assert.Equal("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", Convert.ToHexStringLower(secret));
            Assert.True(bob.TryAgree(alice.PublicKey, secret));
            Assert.Equal("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", Convert.ToHexStringLower(secret));
        }
    }

    [Theory]
    [MemberData(nameof(AllProviders))]
    public void A_refused_peer_does_not_spoil_the_key(string provider)
    {
        using var key = Providers.Named(provider).ImportX25519PrivateKey(Convert.FromHexString("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
        var peer = Convert.FromHexString("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
        byte[] before = new byte[32], after = new byte[32];
        Assert.True(key.TryAgree(peer, before));
        Assert.False(key.TryAgree(new byte[32], after));
        Assert.True(key.TryAgree(peer, after));
        Assert.Equal(before, after);
    }

    [Theory]
    [MemberData(nameof(AllProviders))]
    public void Wrong_lengths_throw(string provider)
    {
        var crypto = Providers.Named(provider);
        using var key = crypto.ImportX25519PrivateKey(new byte[32]);
        foreach (var size in new[] { 0, 31, 33, 64 })
        {
            Assert.Throws<ArgumentException>(() => crypto.ImportX25519PrivateKey(new byte[size]));
            Assert.Throws<ArgumentException>(() => key.TryAgree(new byte[size], new byte[32]));
            Assert.Throws<ArgumentException>(() => key.TryAgree(new byte[32], new byte[size]));
        }
    }

    [Theory]
    [MemberData(nameof(AllProviders))]
    public void A_disposed_key_throws_and_may_be_disposed_again(string provider)
    {
        var key = Providers.Named(provider).ImportX25519PrivateKey(new byte[32]);
        var peer = key.PublicKey.ToArray();
        Assert.True(key.TryAgree(peer, new byte[32]));
        key.Dispose();
        key.Dispose();

        Assert.Throws<ObjectDisposedException>(() => key.TryAgree(peer, new byte[32]));
        Assert.Throws<ObjectDisposedException>(() => key.TryAgree(new byte[32], new byte[32]));
    }

    private static string Agree(ICryptoProvider crypto, string privateKey, string publicKey)
    {
        using var key = crypto.ImportX25519PrivateKey(Convert.FromHexString(privateKey));
        var secret = new byte[32];
        Assert.True(key.TryAgree(Convert.FromHexString(publicKey), secret));
        return Convert.ToHexStringLower(secret);
    }
}
