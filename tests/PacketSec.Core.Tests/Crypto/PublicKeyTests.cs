using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.Crypto.OpenSsl;
using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Crypto;

public class PublicKeyTests
{
    private static readonly byte[] Data = [.. Enumerable.Range(0, 64).Select(i => (byte)i)];

    private static readonly RSA Rsa2048 = RSA.Create(2048);

    public static TheoryData<string> AllProviders => Providers.All;

    //= spec/p2pke.md#signature-prehash
    [VectorsTheory]
    [MemberData(nameof(AllProviders))]
    public void Every_signature_of_the_reference_verifies_over_its_prehash_and_every_wrong_one_does_not(string provider)
    {
        var crypto = Providers.Named(provider);
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.Vectors("p2pke", "signatures.json")));
        using var keyFile = JsonDocument.Parse(File.ReadAllBytes(TestData.Vectors("p2pke", "keys.json")));
        var keys = keyFile.RootElement.GetProperty("keys").EnumerateArray().ToDictionary(key => key.GetProperty("name").GetString()!);
        var prehashes = document.RootElement.GetProperty("prehash").EnumerateArray().ToList();
        foreach (var entry in prehashes)
        {
            Assert.Equal(Hex(entry, "prehash"), Prehash(crypto, entry));
        }

        int valid = 0, invalid = 0, signed = 0;
        foreach (var entry in document.RootElement.GetProperty("signatures").EnumerateArray())
        {
            var key = keys[entry.GetProperty("key").GetString()!];
            byte[] publicKeyInfo = Hex(key, "public_x509"), prehash = Prehash(crypto, entry), signature = Hex(entry, "sig");
            var name = entry.GetProperty("key").GetString()!;
            var verified = name switch
            {
                "ecdsa-p256" => crypto.VerifyEcdsaP256(publicKeyInfo, prehash, signature),
                "rsa-2048" => crypto.VerifyRsaPkcs1Raw(publicKeyInfo, prehash, signature),
                _ => crypto.VerifyEd25519(publicKeyInfo.AsSpan(^32..), prehash, signature),
            };
            Assert.Equal(entry.GetProperty("valid").GetBoolean(), verified);
            (valid, invalid) = verified ? (valid + 1, invalid) : (valid, invalid + 1);
            if (verified && key.TryGetProperty("seed", out _))
            {
                using var signer = crypto.ImportEd25519PrivateKey(Hex(key, "seed"));
                var made = new byte[64];
                signer.Sign(prehash, made);
                Assert.Equal(signature, made);
                signed++;
            }
        }

        Assert.Equal(20, prehashes.Count);
        Assert.Equal((50, 20, 30), (valid, invalid, signed));
    }

    //= spec/p2pke.md#key-types
    [Theory]
    [InlineData(2047, false)]
    [InlineData(2048, true)]
    [InlineData(2055, true)]
    [InlineData(4096, true)]
    [InlineData(4097, false)]
    public void Rsa_moduli_have_2048_to_4096_bits(int bits, bool accepted)
    {
        var key = new MultiPrimeRsa(bits, 65537);
        var signature = key.Sign(Data);
        Assert.All(CryptoProvider.Available, crypto => Assert.Equal(accepted, crypto.VerifyRsaPkcs1Raw(key.PublicKeyInfo, Data, signature)));
    }

    //= spec/p2pke.md#key-types
    [Theory]
    [InlineData(1, false)]
    [InlineData(3, true)]
    [InlineData(65537, true)]
    [InlineData(2147483647, true)]
    [InlineData(2147483649, false)]
    [InlineData(4294967297, false)]
    public void Rsa_exponents_are_3_to_31_bits(long exponent, bool accepted)
    {
        var key = new MultiPrimeRsa(2048, exponent);
        var signature = key.Sign(Data);
        Assert.All(CryptoProvider.Available, crypto => Assert.Equal(accepted, crypto.VerifyRsaPkcs1Raw(key.PublicKeyInfo, Data, signature)));
    }

    //= spec/p2pke.md#key-types
    [Fact]
    public void Rsa_keys_in_any_encoding_but_the_exact_one_are_refused()
    {
        var parameters = Rsa2048.ExportParameters(true);
        BigInteger n = Number(parameters.Modulus!), e = Number(parameters.Exponent!);
        var exact = Rsa2048.ExportSubjectPublicKeyInfo();
        var signature = RawSign(parameters, Data);
        Assert.Equal(exact, Der.RsaPublicKeyInfo(n, e));
        byte[] longLength = [0x30, 0x83, 0x00, .. exact.AsSpan(2)];
        byte[] indefinite = [0x30, 0x80, .. exact.AsSpan(4), 0x00, 0x00];
        byte[][] others =
        [
            [.. exact, 0x00],
            exact[..^1],
            [],
            [.. exact, .. exact, .. exact],
            longLength,
            indefinite,
            Der.RsaPublicKeyInfo(Der.RsaEncryption(), [], n, e),
            Der.RsaPublicKeyInfo(Der.RsaPss(), [], n, e),
            Der.RsaPublicKeyInfo(Der.RsaPss(), Der.Null, n, e),
            Der.RsaPublicKeyInfo(-n, e),
        ];
        foreach (var crypto in CryptoProvider.Available)
        {
            Assert.True(crypto.VerifyRsaPkcs1Raw(exact, Data, signature));
            Assert.All(others, other => Assert.False(crypto.VerifyRsaPkcs1Raw(other, Data, signature)));
            Assert.Equal((nuint)0, LibCrypto.ERR_peek_error());
        }
    }

    [Fact]
    public void Rsa_signatures_have_exact_padding_no_digest_information_and_the_length_of_the_modulus()
    {
        var key = Rsa2048.ExportSubjectPublicKeyInfo();
        var signature = RawSign(Rsa2048.ExportParameters(true), Data);
        var withDigestInfo = Rsa2048.SignHash(Data[..32], HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        foreach (var crypto in CryptoProvider.Available)
        {
            Assert.True(crypto.VerifyRsaPkcs1Raw(key, Data, signature));
            Assert.False(crypto.VerifyRsaPkcs1Raw(key, Data.AsSpan(0, 63), signature));
            Assert.False(crypto.VerifyRsaPkcs1Raw(key, Data.AsSpan(1), signature));
            Assert.False(crypto.VerifyRsaPkcs1Raw(key, Data, signature.AsSpan(0, 255)));
            Assert.False(crypto.VerifyRsaPkcs1Raw(key, Data, (byte[])[0, .. signature]));
            Assert.False(crypto.VerifyRsaPkcs1Raw(key, Data, default));
            Assert.False(crypto.VerifyRsaPkcs1Raw(key, Data.AsSpan(0, 32), withDigestInfo));
            signature[9] ^= 1;
            Assert.False(crypto.VerifyRsaPkcs1Raw(key, Data, signature));
            signature[9] ^= 1;
            Assert.Throws<ArgumentException>(() => crypto.VerifyRsaPkcs1Raw(key, default, signature));
        }
    }

    //= spec/p2pke.md#key-types
    [Fact]
    public void Ecdsa_keys_are_on_P256_named_uncompressed_and_on_the_curve()
    {
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var exact = ecdsa.ExportSubjectPublicKeyInfo();
        var signature = ecdsa.SignHash(Data[..32], DSASignatureFormat.Rfc3279DerSequence);
        byte[] algorithm = exact[2..23];
        byte[] compressed = Der.Wrap(0x30, [.. algorithm, .. Der.Wrap(0x03, [0, (byte)(2 + (exact[^1] & 1)), .. exact.AsSpan(27, 32)])]);
        byte[] hybrid = [.. exact];
        hybrid[26] = (byte)(6 + (exact[^1] & 1));
        byte[] offCurve = [.. exact];
        offCurve[^1] ^= 1;
        byte[] infinity = Der.Wrap(0x30, [.. algorithm, .. Der.Wrap(0x03, [0, 0])]);
        byte[][] refused =
        [
            compressed, hybrid, offCurve, infinity, [.. exact, 0], exact[..^1], [], other.ExportSubjectPublicKeyInfo(),
            Rsa2048.ExportSubjectPublicKeyInfo(), Explicit(ecdsa),
        ];
        foreach (var crypto in CryptoProvider.Available)
        {
            Assert.True(crypto.VerifyEcdsaP256(exact, Data, signature));
            Assert.All(refused, key => Assert.False(crypto.VerifyEcdsaP256(key, Data, signature)));
            Assert.False(crypto.VerifyRsaPkcs1Raw(exact, Data, signature));
            Assert.Equal((nuint)0, LibCrypto.ERR_peek_error());
        }
    }

    [Fact]
    public void Ecdsa_signatures_are_DER_over_the_leftmost_32_bytes_with_s_of_either_half()
    {
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var key = ecdsa.ExportSubjectPublicKeyInfo();
        var raw = ecdsa.SignHash(Data[..32], DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        var order = BigInteger.Parse("0ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", System.Globalization.NumberStyles.HexNumber);
        BigInteger r = Number(raw[..32]), s = Number(raw[32..]);
        byte[] Encode(BigInteger a, BigInteger b) => Der.Wrap(0x30, [.. Der.Integer(a), .. Der.Integer(b)]);
        var signature = Encode(r, s);
        byte[] otherTail = [.. Data.AsSpan(0, 32), .. new byte[32]];
        byte[] otherHead = [.. Data];
        otherHead[31] ^= 1;
        foreach (var crypto in CryptoProvider.Available)
        {
            Assert.True(crypto.VerifyEcdsaP256(key, Data, signature));
            Assert.True(crypto.VerifyEcdsaP256(key, Data, Encode(r, order - s)));
            Assert.True(crypto.VerifyEcdsaP256(key, Data.AsSpan(0, 32), signature));
            Assert.True(crypto.VerifyEcdsaP256(key, otherTail, signature));
            Assert.False(crypto.VerifyEcdsaP256(key, otherHead, signature));
            Assert.False(crypto.VerifyEcdsaP256(key, Data, raw));
            Assert.False(crypto.VerifyEcdsaP256(key, Data, default));
            Assert.False(crypto.VerifyEcdsaP256(key, Data, (byte[])[.. signature, 0]));
            Assert.False(crypto.VerifyEcdsaP256(key, Data, Encode(r + order, s)));
            Assert.False(crypto.VerifyEcdsaP256(key, Data, Encode(0, s)));
            Assert.False(crypto.VerifyEcdsaP256(key, Data, Encode(r, 0)));
            Assert.Throws<ArgumentException>(() => crypto.VerifyEcdsaP256(key, Data.AsSpan(0, 31), signature));
            Assert.Equal((nuint)0, LibCrypto.ERR_peek_error());
        }
    }

    // The same curve with its parameters spelled out instead of named (RFC 3279), which libcrypto reads as P-256.
    private static byte[] Explicit(ECDsa ecdsa)
    {
        var curve = ecdsa.ExportExplicitParameters(false);
        using var spelledOut = ECDsa.Create(curve);
        return spelledOut.ExportSubjectPublicKeyInfo();
    }

    private static byte[] RawSign(RSAParameters key, byte[] data)
    {
        var size = key.Modulus!.Length;
        byte[] padded = [0, 1, .. Enumerable.Repeat((byte)0xff, size - 3 - data.Length), 0, .. data];
        var value = BigInteger.ModPow(Number(padded), Number(key.D!), Number(key.Modulus)).ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. new byte[size - value.Length], .. value];
    }

    private static byte[] Prehash(ICryptoProvider crypto, JsonElement entry)
    {
        var prehash = new byte[64];
        crypto.CShake256(default, System.Text.Encoding.ASCII.GetBytes(entry.GetProperty("purpose").GetString()!), Hex(entry, "data"), prehash);
        return prehash;
    }

    private static BigInteger Number(byte[] bytes) => new(bytes, isUnsigned: true, isBigEndian: true);

    private static byte[] Hex(JsonElement element, string name) => Convert.FromHexString(element.GetProperty(name).GetString()!);
}
