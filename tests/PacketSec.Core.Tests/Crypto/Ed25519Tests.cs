using PacketSec.Crypto;

namespace PacketSec.Core.Tests.Crypto;

public class Ed25519Tests
{
    public static TheoryData<string> AllProviders => Providers.All;

    /// <summary>RFC 8032, section 7.1: seed, public key, message, signature (TEST 1, 2, 3 and SHA(abc)).</summary>
    public static TheoryData<string, string, string, string> Rfc8032 => new()
    {
        {
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        },
        {
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        },
        {
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        },
        {
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        },
    };

    [Theory]
    [MemberData(nameof(Rfc8032))]
    public void Signatures_are_those_of_Rfc_8032(string seed, string publicKey, string message, string signature)
    {
        foreach (var crypto in CryptoProvider.Available)
        {
            using var key = crypto.ImportEd25519PrivateKey(Convert.FromHexString(seed));
            var made = new byte[64];
            key.Sign(Convert.FromHexString(message), made);
            Assert.Equal(publicKey, Convert.ToHexStringLower(key.PublicKey));
            Assert.Equal(signature, Convert.ToHexStringLower(made));
            Assert.True(crypto.VerifyEd25519(key.PublicKey, Convert.FromHexString(message), made));
        }
    }

    [Theory]
    [MemberData(nameof(AllProviders))]
    public void One_bit_changed_in_key_message_or_signature_is_refused(string provider)
    {
        var crypto = Providers.Named(provider);
        using var key = crypto.ImportEd25519PrivateKey(new byte[32]);
        byte[] publicKey = key.PublicKey.ToArray(), message = [1, 2, 3, 4], signature = new byte[64];
        key.Sign(message, signature);
        foreach (var part in new[] { publicKey, message, signature })
        {
            for (var bit = 0; bit < part.Length * 8; bit++)
            {
                part[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.False(crypto.VerifyEd25519(publicKey, message, signature));
                part[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }

        Assert.True(crypto.VerifyEd25519(publicKey, message, signature));
    }

    [Theory]
    [MemberData(nameof(AllProviders))]
    public void A_signature_of_another_length_is_false_and_a_callers_wrong_length_throws(string provider)
    {
        var crypto = Providers.Named(provider);
        using var key = crypto.ImportEd25519PrivateKey(new byte[32]);
        var publicKey = key.PublicKey.ToArray();
        foreach (var size in new[] { 0, 32, 63, 65, 128 })
        {
            Assert.False(crypto.VerifyEd25519(publicKey, default, new byte[size]));
            Assert.Throws<ArgumentException>(() => key.Sign(default, new byte[size]));
        }

        foreach (var size in new[] { 0, 31, 33, 64 })
        {
            Assert.Throws<ArgumentException>(() => crypto.ImportEd25519PrivateKey(new byte[size]));
            Assert.Throws<ArgumentException>(() => crypto.VerifyEd25519(new byte[size], default, new byte[64]));
        }

        var buffer = new byte[100];
        Assert.Throws<ArgumentException>(() => key.Sign(buffer.AsSpan(0, 40), buffer.AsSpan(36, 64)));
        key.Sign(buffer.AsSpan(0, 36), buffer.AsSpan(36, 64));
        Assert.True(crypto.VerifyEd25519(publicKey, buffer.AsSpan(0, 36), buffer.AsSpan(36, 64)));
    }

    [Theory]
    [MemberData(nameof(AllProviders))]
    public void A_disposed_key_throws_and_may_be_disposed_again(string provider)
    {
        var key = Providers.Named(provider).ImportEd25519PrivateKey(new byte[32]);
        key.Dispose();
        key.Dispose();

        Assert.Throws<ObjectDisposedException>(() => key.Sign(default, new byte[64]));
    }
}
