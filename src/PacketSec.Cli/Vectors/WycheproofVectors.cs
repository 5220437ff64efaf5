using System.Text.Json;
using PacketSec.Crypto;

namespace PacketSec.Cli.Vectors;

/// <summary>Wycheproof's files, under the policy that all-zero X25519 results and illegal sizes are refused.</summary>
internal static class WycheproofVectors
{
    private const int NonceBits = AeadContext.NonceSize * 8;
    private const int TagBits = AeadContext.TagSize * 8;

    public static void ReplayX25519(JsonElement root, VectorTally tally) => Each(root, (_, test) => tally.Check(Name(test), crypto =>
    {
        using var key = crypto.ImportX25519PrivateKey(test.Hex("private"));
        var secret = new byte[X25519PrivateKey.Size];
        var isZero = HasFlag(test, "ZeroSharedSecret");
        return key.TryAgree(test.Hex("public"), secret) != isZero && secret.AsSpan().SequenceEqual(isZero ? new byte[secret.Length] : test.Hex("shared"));
    }));

    public static void ReplayEd25519(JsonElement root, VectorTally tally) => Each(root, (group, test) => tally.Check(
        Name(test), crypto => crypto.VerifyEd25519(group.GetProperty("publicKey").Hex("pk"), test.Hex("msg"), test.Hex("sig")) == IsValid(test)));

    public static void ReplayChaChaPoly(JsonElement root, VectorTally tally) => Each(root, (group, test) =>
    {
        if (group.GetProperty("ivSize").GetInt32() == NonceBits)
        {
            tally.Check(Name(test), crypto => AeadHolds(crypto, AeadAlgorithm.ChaCha20Poly1305, test));
        }
        else
        {
            tally.Check(Name(test), crypto => RefusesNonce(crypto, AeadAlgorithm.ChaCha20Poly1305, test));
            tally.Note("of the passed: an illegal nonce size, refused as the caller's mistake");
        }
    });

    public static void ReplayAesGcm(JsonElement root, VectorTally tally) => Each(root, (group, test) =>
    {
        if (group.GetProperty("ivSize").GetInt32() == NonceBits && group.GetProperty("tagSize").GetInt32() == TagBits)
        {
            tally.Check(Name(test), crypto => AeadHolds(crypto, AeadAlgorithm.AesGcm, test));
        }
        else
        {
            tally.Skip("a nonce that has not 96 bits");
        }
    });

    public static void ReplayHkdfSha256(JsonElement root, VectorTally tally) => ReplayHkdf(root, tally, HashAlgorithm.Sha256);

    public static void ReplayHkdfSha512(JsonElement root, VectorTally tally) => ReplayHkdf(root, tally, HashAlgorithm.Sha512);

    public static void ReplayHmacSha256(JsonElement root, VectorTally tally) => Each(root, (_, test) => tally.Check(Name(test), crypto =>
    {
        var tag = test.Hex("tag");
        var mac = new byte[HashAlgorithm.Sha256.HashSize()];
        crypto.Hmac(HashAlgorithm.Sha256, test.Hex("key"), test.Hex("msg"), default, mac);
        return mac.AsSpan(0, tag.Length).SequenceEqual(tag) == IsValid(test);
    }));

    private static void ReplayHkdf(JsonElement root, VectorTally tally, HashAlgorithm hash) => Each(root, (_, test) => tally.Check(Name(test), crypto =>
    {
        var output = new byte[test.GetProperty("size").GetInt32()];
        try
        {
            crypto.Hkdf(hash, test.Hex("ikm"), test.Hex("salt"), test.Hex("info"), output);
        }
        catch (ArgumentException) when (HasFlag(test, "SizeTooLarge"))
        {
            return !IsValid(test);
        }

        return IsValid(test) && output.AsSpan().SequenceEqual(test.Hex("okm"));
    }));

    private static bool AeadHolds(ICryptoProvider crypto, AeadAlgorithm algorithm, JsonElement test)
    {
        using var aead = crypto.CreateAead(algorithm);
        byte[] text = test.Hex("msg"), packet = [.. test.Hex("ct"), .. test.Hex("tag")];
        var opened = new byte[packet.Length - AeadContext.TagSize];
        var isOpened = aead.TryOpen(test.Hex("key"), test.Hex("iv"), test.Hex("aad"), packet, opened);
        if (!IsValid(test))
        {
            return !isOpened && opened.AsSpan().SequenceEqual(new byte[opened.Length]);
        }

        var made = new byte[packet.Length];
        aead.Seal(test.Hex("key"), test.Hex("iv"), test.Hex("aad"), text, made);
        return isOpened && opened.AsSpan().SequenceEqual(text) && made.AsSpan().SequenceEqual(packet);
    }

    private static bool RefusesNonce(ICryptoProvider crypto, AeadAlgorithm algorithm, JsonElement test)
    {
        using var aead = crypto.CreateAead(algorithm);
        var text = test.Hex("msg");
        try
        {
            aead.Seal(test.Hex("key"), test.Hex("iv"), test.Hex("aad"), text, new byte[text.Length + AeadContext.TagSize]);
            return false;
        }
        catch (ArgumentException)
        {
            return true;
        }
    }

    private static void Each(JsonElement root, Action<JsonElement, JsonElement> replay)
    {
        foreach (var group in root.Items("testGroups"))
        {
            foreach (var test in group.Items("tests"))
            {
                replay(group, test);
            }
        }
    }

    private static string Name(JsonElement test) => $"test {test.GetProperty("tcId").GetInt32()}";

    private static bool IsValid(JsonElement test) => test.Text("result") == "valid";

    private static bool HasFlag(JsonElement test, string flag) => test.Items("flags").Any(item => item.GetString() == flag);
}
