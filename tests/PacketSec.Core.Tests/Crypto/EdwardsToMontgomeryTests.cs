using System.Numerics;
using System.Runtime.InteropServices;
using PacketSec.Crypto;

namespace PacketSec.Core.Tests.Crypto;

public class EdwardsToMontgomeryTests
{
    private delegate int ConvertPublicKey(byte[] montgomery, byte[] edwards);

    // RFC 7748, section 4.1: the base points (u = 9) correspond. The second pair is one that libsodium's own tests publish.
    [Theory]
    [InlineData("5866666666666666666666666666666666666666666666666666666666666666", "0900000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("58666666666666666666666666666666666666666666666666666666666666e6", "0900000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("b5076a8474a832daee4dd5b4040983b6623b5f344aca57d4d6ee4baf3f259e6e", "f1814f0e8ff1043d8a44d25babff3cedcae6c22c3edaa48f857ae70de2baae50")]
    public void Known_pairs_map(string edwards, string expected) => Assert.Equal(expected, Map(edwards));

    // RFC 8032, section 5.1.5: the scalar of a seed is the first half of its SHA-512, clamped as X25519 clamps.
    [Theory]
    [InlineData("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")]
    [InlineData("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")]
    [InlineData("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")]
    [InlineData("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")]
    public void The_keys_of_Rfc_8032_map_to_the_X25519_key_of_the_same_scalar(string seed)
    {
        foreach (var crypto in CryptoProvider.Available)
        {
            var hash = new byte[64];
            crypto.Hash(HashAlgorithm.Sha512, Convert.FromHexString(seed), default, hash);
            using var signing = crypto.ImportEd25519PrivateKey(Convert.FromHexString(seed));
            using var agreeing = crypto.ImportX25519PrivateKey(hash.AsSpan(0, 32));
            Assert.Equal(Convert.ToHexStringLower(agreeing.PublicKey), Map(Convert.ToHexStringLower(signing.PublicKey)));
        }
    }

    [Fact]
    public void Small_order_keys_the_identity_among_them_and_other_bytes_that_are_no_key_are_refused()
    {
        foreach (var point in CurveMath.TorsionPoints())
        {
            Assert.Null(Map(Convert.ToHexStringLower(CurveMath.Encode(point))));
        }

        int points = 0, others = 0;
        for (BigInteger y = 2; y < 40; y++)
        {
            var isPoint = CurveMath.Decode(y, 0) is not null;
            Assert.Equal(isPoint, Map(Convert.ToHexStringLower(CurveMath.Encode(y))) is not null);
            (points, others) = isPoint ? (points + 1, others) : (points, others + 1);
        }

        Assert.True(points > 5 && others > 5);
        for (BigInteger y = CurveMath.P; y < BigInteger.Pow(2, 255); y++)
        {
            Assert.Null(Map(Convert.ToHexStringLower(CurveMath.Encode(y))));
        }
    }

    [Theory]
    [InlineData(31)]
    [InlineData(33)]
    public void A_span_of_the_wrong_length_throws(int size)
    {
        Assert.Throws<ArgumentException>(() => EdwardsToMontgomery.TryMap(new byte[size], new byte[32]));
        Assert.Throws<ArgumentException>(() => EdwardsToMontgomery.TryMap(new byte[32], new byte[size]));
    }

    [LibSodiumFact]
    public void Random_keys_map_as_libsodium_maps_them()
    {
        var library = NativeLibraries.Load(null, NativeLibraries.LibSodiumCandidates(), NativeLibraries.MissingLibSodium);
        var convert = Marshal.GetDelegateForFunctionPointer<ConvertPublicKey>(
            NativeLibrary.GetExport(library, "crypto_sign_ed25519_pk_to_curve25519"));
        var random = new Random(5);
        for (var i = 0; i < 200; i++)
        {
            byte[] seed = new byte[32], expected = new byte[32];
            random.NextBytes(seed);
            using var key = CryptoProvider.Default.ImportEd25519PrivateKey(seed);
            Assert.Equal(0, convert(expected, key.PublicKey.ToArray()));
            Assert.Equal(Convert.ToHexStringLower(expected), Map(Convert.ToHexStringLower(key.PublicKey)));
        }
    }

    private static string? Map(string edwards)
    {
        var montgomery = new byte[32];
        Array.Fill(montgomery, (byte)0xaa);
        if (EdwardsToMontgomery.TryMap(Convert.FromHexString(edwards), montgomery))
        {
            return Convert.ToHexStringLower(montgomery);
        }

        Assert.Equal(new byte[32], montgomery);
        return null;
    }
}
