using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Crypto;

public class WycheproofTests
{
    public static TheoryData<string> AllProviders => Providers.All;

    [VectorsTheory]
    [MemberData(nameof(AllProviders))]
    public void X25519_gives_the_listed_secret_and_refuses_the_zero_secret(string provider)
    {
        var crypto = Providers.Named(provider);
        int agreed = 0, refused = 0;
        foreach (var (_, test) in Read("x25519_test.json"))
        {
            using var key = crypto.ImportX25519PrivateKey(Hex(test, "private"));
            var secret = Filled(32);
            if (key.TryAgree(Hex(test, "public"), secret))
            {
                Assert.False(HasFlag(test, "ZeroSharedSecret"), Id(test));
                Assert.Equal(Hex(test, "shared"), secret);
                agreed++;
            }
            else
            {
                Assert.True(HasFlag(test, "ZeroSharedSecret"), Id(test));
                Assert.Equal(new byte[32], secret);
                refused++;
            }
        }

        Assert.Equal(518, agreed + refused);
        Assert.Equal(31, refused);
    }

    [VectorsTheory]
    [MemberData(nameof(AllProviders))]
    public void Ed25519_verifies_what_is_valid_and_nothing_else(string provider)
    {
        var crypto = Providers.Named(provider);
        int valid = 0, invalid = 0;
        foreach (var (group, test) in Read("ed25519_test.json"))
        {
            var publicKey = Hex(group.GetProperty("publicKey"), "pk");
            var isValid = test.GetProperty("result").GetString() == "valid";
            Assert.True(isValid == crypto.VerifyEd25519(publicKey, Hex(test, "msg"), Hex(test, "sig")), Id(test));
            if (isValid)
            {
                valid++;
            }
            else
            {
                invalid++;
            }
        }

        Assert.Equal(151, valid + invalid);
        Assert.Equal(88, valid);
    }

    [VectorsTheory]
    [MemberData(nameof(AllProviders))]
    public void ChaCha20Poly1305_follows_every_vector(string provider)
    {
        using var aead = Providers.Named(provider).CreateAead(AeadAlgorithm.ChaCha20Poly1305);
        int run = 0, illegal = 0;
        foreach (var (_, test) in Read("chacha20_poly1305_test.json"))
        {
            if (Hex(test, "iv").Length == AeadContext.NonceSize)
            {
                CheckAead(aead, test);
                run++;
            }
            else
            {
                var text = Hex(test, "msg");
                Assert.Throws<ArgumentException>(
                    () => aead.Seal(Hex(test, "key"), Hex(test, "iv"), Hex(test, "aad"), text, new byte[text.Length + 16]));
                Assert.Throws<ArgumentException>(
                    () => aead.TryOpen(Hex(test, "key"), Hex(test, "iv"), Hex(test, "aad"), Sealed(test), new byte[text.Length]));
                illegal++;
            }
        }

        Assert.Equal(316, run);
        Assert.Equal(9, illegal);
    }

    [VectorsTheory]
    [MemberData(nameof(AllProviders))]
    public void AesGcm_follows_every_vector_with_a_nonce_of_96_bits_and_a_tag_of_128(string provider)
    {
        using var aead = Providers.Named(provider).CreateAead(AeadAlgorithm.AesGcm);
        var run = 0;
        foreach (var (group, test) in Read("aes_gcm_test.json"))
        {
            if (group.GetProperty("ivSize").GetInt32() == 96 && group.GetProperty("tagSize").GetInt32() == 128)
            {
                CheckAead(aead, test);
                run++;
            }
        }

        Assert.Equal(197, run);
    }

    [VectorsTheory]
    [MemberData(nameof(AllProviders))]
    public void Hkdf_follows_every_vector(string provider)
    {
        var crypto = Providers.Named(provider);
        Assert.Equal((83, 3), CheckHkdf(crypto, HashAlgorithm.Sha256, "hkdf_sha256_test.json"));
        Assert.Equal((80, 3), CheckHkdf(crypto, HashAlgorithm.Sha512, "hkdf_sha512_test.json"));
    }

    [VectorsTheory]
    [MemberData(nameof(AllProviders))]
    public void Hmac_follows_every_vector(string provider)
    {
        var crypto = Providers.Named(provider);
        var run = 0;
        foreach (var (_, test) in Read("hmac_sha256_test.json"))
        {
            var tag = Hex(test, "tag");
            var message = Hex(test, "msg");
            var mac = new byte[32];
            crypto.Hmac(HashAlgorithm.Sha256, Hex(test, "key"), message.AsSpan(0, message.Length / 2), message.AsSpan(message.Length / 2), mac);
            var equal = tag.AsSpan().SequenceEqual(mac.AsSpan(0, tag.Length));
            Assert.True(equal == (test.GetProperty("result").GetString() == "valid"), Id(test));
            run++;
        }

        Assert.Equal(174, run);
    }

    private static void CheckAead(AeadContext aead, JsonElement test)
    {
        byte[] key = Hex(test, "key"), nonce = Hex(test, "iv"), associatedData = Hex(test, "aad"), text = Hex(test, "msg");
        var packet = Sealed(test);
        var opened = Filled(packet.Length - AeadContext.TagSize);
        if (test.GetProperty("result").GetString() == "valid")
        {
            Assert.True(aead.TryOpen(key, nonce, associatedData, packet, opened), Id(test));
            Assert.Equal(text, opened);
            var made = new byte[packet.Length];
            aead.Seal(key, nonce, associatedData, text, made);
            Assert.Equal(packet, made);
            text.CopyTo(made, 0);
            aead.Seal(key, nonce, associatedData, made.AsSpan(0, text.Length), made);
            Assert.Equal(packet, made);
        }
        else
        {
            Assert.False(aead.TryOpen(key, nonce, associatedData, packet, opened), Id(test));
            Assert.Equal(new byte[opened.Length], opened);
        }
    }

    private static (int Made, int Refused) CheckHkdf(ICryptoProvider crypto, HashAlgorithm algorithm, string file)
    {
        int made = 0, refused = 0;
        foreach (var (_, test) in Read(file))
        {
            var output = new byte[test.GetProperty("size").GetInt32()];
            void Derive() => crypto.Hkdf(algorithm, Hex(test, "ikm"), Hex(test, "salt"), Hex(test, "info"), output);
            if (test.GetProperty("result").GetString() == "valid")
            {
                Derive();
                Assert.Equal(Hex(test, "okm"), output);
                made++;
            }
            else
            {
                Assert.True(HasFlag(test, "SizeTooLarge"), Id(test));
                Assert.Throws<ArgumentException>(Derive);
                refused++;
            }
        }

        return (made, refused);
    }

    private static IEnumerable<(JsonElement Group, JsonElement Test)> Read(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.Vectors("wycheproof", file)));
        foreach (var group in document.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                yield return (group, test);
            }
        }
    }

    private static byte[] Hex(JsonElement element, string name) => Convert.FromHexString(element.GetProperty(name).GetString()!);

    private static byte[] Sealed(JsonElement test) => [.. Hex(test, "ct"), .. Hex(test, "tag")];

    private static bool HasFlag(JsonElement test, string flag) => test.GetProperty("flags").EnumerateArray().Any(f => f.GetString() == flag);

    private static string Id(JsonElement test) => $"Test {test.GetProperty("tcId")}: {test.GetProperty("comment")}";

    private static byte[] Filled(int length)
    {
        var bytes = new byte[length];
        Array.Fill(bytes, (byte)0xaa);
        return bytes;
    }
}
