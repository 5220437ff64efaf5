using System.Text;
using PacketSec.Crypto;

namespace PacketSec.Core.Tests.Crypto;

public class HashTests
{
    public static TheoryData<string> AllProviders => Providers.All;

    /// <summary>FIPS 180-4's and RFC 7693's (appendices A and B) hashes of "abc".</summary>
    public static TheoryData<HashAlgorithm, string> HashesOfAbc => new()
    {
        { HashAlgorithm.Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        {
            HashAlgorithm.Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        },
        { HashAlgorithm.Blake2s, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982" },
        {
            HashAlgorithm.Blake2b,
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
        },
    };

    /// <summary>RFC 4231, section 4: key, data, HMAC-SHA-256, HMAC-SHA-512 (test cases 1 to 4, 6, 7; 5 is case 2's kind, truncated).</summary>
    public static TheoryData<string, string, string, string> Rfc4231 => new()
    {
        {
            Repeat("0b", 20),
            Ascii("Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"
        },
        {
            Ascii("Jefe"),
            Ascii("what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        },
        {
            Repeat("aa", 20),
            Repeat("dd", 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"
        },
        {
            "0102030405060708090a0b0c0d0e0f10111213141516171819",
            Repeat("cd", 50),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"
        },
        {
            Repeat("aa", 131),
            Ascii("Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
        },
        {
            Repeat("aa", 131),
            Ascii("This is a test using a larger than block-size key and a larger than block-size data. "
                + "The key needs to be hashed before being used by the HMAC algorithm."),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"
        },
    };

    /// <summary>RFC 5869, appendix A.1 to A.3: input key, salt, info, output.</summary>
    public static TheoryData<string, string, string, string> Rfc5869 => new()
    {
        {
            Repeat("0b", 22),
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        },
        {
            Sequence(0x00, 0x50),
            Sequence(0x60, 0x50),
            Sequence(0xb0, 0x50),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
                + "cc30c58179ec3e87c14c01d5c1f3434f1d87"
        },
        { Repeat("0b", 22), "", "", "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8" },
    };

    [Theory]
    [MemberData(nameof(HashesOfAbc))]
    public void A_hash_is_the_published_one_wherever_the_message_is_cut(HashAlgorithm algorithm, string expected)
    {
        foreach (var crypto in CryptoProvider.Available)
        {
            for (var cut = 0; cut <= 3; cut++)
            {
                var hash = new byte[algorithm.HashSize()];
                crypto.Hash(algorithm, "abc"u8[..cut], "abc"u8[cut..], hash);
                Assert.Equal(expected, Convert.ToHexStringLower(hash));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Rfc4231))]
    public void Hmac_gives_the_values_of_Rfc_4231(string key, string data, string sha256, string sha512)
    {
        foreach (var crypto in CryptoProvider.Available)
        {
            Assert.Equal(sha256, Mac(crypto, HashAlgorithm.Sha256, Convert.FromHexString(key), Convert.FromHexString(data)));
            Assert.Equal(sha512, Mac(crypto, HashAlgorithm.Sha512, Convert.FromHexString(key), Convert.FromHexString(data)));
        }
    }

    // Rfc 2104 written out over the hash: a key of a block or less is padded, a longer one is hashed first.
    [Theory]
    [InlineData(HashAlgorithm.Sha256)]
    [InlineData(HashAlgorithm.Sha512)]
    [InlineData(HashAlgorithm.Blake2s)]
    [InlineData(HashAlgorithm.Blake2b)]
    public void Hmac_is_the_construction_of_Rfc_2104_for_every_hash_and_key_length(HashAlgorithm algorithm)
    {
        foreach (var crypto in CryptoProvider.Available)
        {
            foreach (var length in new[] { 0, 1, 32, 63, 64, 65, 127, 128, 129, 300 })
            {
                var key = Convert.FromHexString(Sequence(0, length));
                byte[] inner = new byte[algorithm.BlockSize()], outer = new byte[algorithm.BlockSize()], hash = new byte[algorithm.HashSize()];
                var shortKey = key;
                if (length > algorithm.BlockSize())
                {
                    crypto.Hash(algorithm, key, default, hash);
                    shortKey = [.. hash];
                }

                for (var i = 0; i < inner.Length; i++)
                {
                    var b = i < shortKey.Length ? shortKey[i] : (byte)0;
                    inner[i] = (byte)(b ^ 0x36);
                    outer[i] = (byte)(b ^ 0x5c);
                }

                crypto.Hash(algorithm, inner, "message"u8, hash);
                crypto.Hash(algorithm, outer, hash, hash);
                Assert.Equal(Convert.ToHexStringLower(hash), Mac(crypto, algorithm, key, "message"u8.ToArray()));
            }
        }
    }

    // The expected values come from Python's hmac module over hashlib's BLAKE2.
    [Theory]
    [InlineData(HashAlgorithm.Blake2s, 0, "5e3417d647c3e59c76ab07a4a2ce6428409e3b479027ee646059275715c5ecf3")]
    [InlineData(HashAlgorithm.Blake2s, 200, "86b8ec7badab87180b6a071486607cbf82afbae9ba1cadbc050ee36ea1ac54d3")]
    [InlineData(
        HashAlgorithm.Blake2b,
        0,
        "dddc388800f00458e7732811568eaebd502c1d6adc6bcbd1ff3d944e9aa3cfa2976f528623313415f6d777a36e3bd3bc5af6490a7eda59c866fc93879652191a")]
    [InlineData(
        HashAlgorithm.Blake2b,
        200,
        "76d83dfe58e27c7a2559677a3b3cc9132d6d504fd70e089892d0241e686cf77fb070267d54d13a5bdcaf96e0b2139d689d6fcee9cfddbdf3bc65dc3c7c877ebc")]
    public void Hmac_with_Blake2_is_that_of_others(HashAlgorithm algorithm, int keyLength, string expected)
    {
        var key = new byte[keyLength];
        Array.Fill(key, (byte)'k');
        Assert.All(CryptoProvider.Available, crypto => Assert.Equal(expected, Mac(crypto, algorithm, key, "message"u8.ToArray())));
    }

    [Theory]
    [MemberData(nameof(Rfc5869))]
    public void Hkdf_gives_the_values_of_Rfc_5869(string inputKey, string salt, string info, string expected)
    {
        foreach (var crypto in CryptoProvider.Available)
        {
            var output = new byte[expected.Length / 2];
            crypto.Hkdf(HashAlgorithm.Sha256, Convert.FromHexString(inputKey), Convert.FromHexString(salt), Convert.FromHexString(info), output);
            Assert.Equal(expected, Convert.ToHexStringLower(output));
        }
    }

    [Theory]
    [InlineData(HashAlgorithm.Sha256)]
    [InlineData(HashAlgorithm.Sha512)]
    [InlineData(HashAlgorithm.Blake2s)]
    [InlineData(HashAlgorithm.Blake2b)]
    public void Hkdf_gives_255_hashes_and_not_a_byte_more(HashAlgorithm algorithm)
    {
        foreach (var crypto in CryptoProvider.Available)
        {
            byte[] longest = new byte[255 * algorithm.HashSize()], start = new byte[100];
            crypto.Hkdf(algorithm, "key"u8, "salt"u8, "info"u8, longest);
            crypto.Hkdf(algorithm, "key"u8, "salt"u8, "info"u8, start);
            Assert.Equal(longest[..100], start);
            crypto.Hkdf(algorithm, "key"u8, "salt"u8, "info"u8, default);
            Assert.Throws<ArgumentException>(() => crypto.Hkdf(algorithm, "key"u8, "salt"u8, "info"u8, new byte[longest.Length + 1]));
            Assert.Throws<ArgumentException>(() => crypto.Hkdf(algorithm, "key"u8, "salt"u8, longest.AsSpan(0, 4), longest));
        }
    }

    // NIST's examples of SP 800-185, samples 3 and 4; FIPS 202's SHAKE256 of nothing.
    [Theory]
    [InlineData(
        "00010203",
        "Email Signature",
        "d008828e2b80ac9d2218ffee1d070c48b8e4c87bff32c9699d5b6896eee0edd164020e2be0560858d9c00c037e34a96937c561a74c412bb4c746469527281c8c")]
    [InlineData(
        null,
        "Email Signature",
        "07dc27b11e51fbac75bc7b3c1d983e8b4b85fb1defaf218912ac86430273091727f42b17ed1df63e8ec118f04b23633c1dfb1574c8fb55cb45da8e25afb092bb")]
    [InlineData("", "", "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f")]
    public void CShake256_gives_the_published_samples(string? data, string customization, string expected)
    {
        data ??= Sequence(0, 200);
        foreach (var crypto in CryptoProvider.Available)
        {
            var output = new byte[expected.Length / 2];
            crypto.CShake256(default, Encoding.ASCII.GetBytes(customization), Convert.FromHexString(data), output);
            Assert.Equal(expected, Convert.ToHexStringLower(output));
        }
    }

    // cSHAKE256 with N = "KMAC" is KMAC256 without its key block and output length, which libcrypto's KMAC-256 adds: SP 800-185, sample 4.
    [Fact]
    public void CShake256_with_a_function_name_is_the_inside_of_Kmac256()
    {
        var keyBlock = new byte[136];
        Convert.FromHexString("0188020100" + Sequence(0x40, 32)).CopyTo(keyBlock, 0);
        byte[] data = [.. keyBlock, 0x00, 0x01, 0x02, 0x03, 0x02, 0x00, 0x02];
        foreach (var crypto in CryptoProvider.Available)
        {
            var output = new byte[64];
            crypto.CShake256("KMAC"u8, "My Tagged Application"u8, data, output);
            Assert.Equal(
                "20c570c31346f703c9ac36c61c03cb64c3970d0cfc787e9b79599d273a68d2f7f69d4cc3de9d104a351689f27cf6f5951f0103f33f4f24871024d9c27773a8dd",
                Convert.ToHexStringLower(output));
        }
    }

    [Fact]
    public void CShake256_takes_names_of_64_bytes_and_not_of_65()
    {
        foreach (var crypto in CryptoProvider.Available)
        {
            byte[] one = new byte[32], other = new byte[32];
            crypto.CShake256(new byte[64], new byte[63], default, one);
            crypto.CShake256(new byte[64], new byte[64], default, other);
            Assert.NotEqual(one, other);
            crypto.CShake256(default, default, default, default);
            Assert.Throws<ArgumentException>(() => crypto.CShake256(new byte[65], default, default, one));
            Assert.Throws<ArgumentException>(() => crypto.CShake256(default, new byte[65], default, one));
        }
    }

    [Theory]
    [InlineData(HashAlgorithm.Sha256)]
    [InlineData(HashAlgorithm.Sha512)]
    [InlineData(HashAlgorithm.Blake2s)]
    [InlineData(HashAlgorithm.Blake2b)]
    public void An_output_of_the_wrong_length_throws(HashAlgorithm algorithm)
    {
        foreach (var crypto in CryptoProvider.Available)
        {
            foreach (var size in new[] { 0, algorithm.HashSize() - 1, algorithm.HashSize() + 1 })
            {
                Assert.Throws<ArgumentException>(() => crypto.Hash(algorithm, default, default, new byte[size]));
                Assert.Throws<ArgumentException>(() => crypto.Hmac(algorithm, default, default, default, new byte[size]));
            }
        }
    }

    [Fact]
    public void An_unknown_hash_throws()
    {
        var crypto = CryptoProvider.Default;
        const HashAlgorithm Unknown = (HashAlgorithm)9;
        Assert.Throws<ArgumentOutOfRangeException>(() => crypto.Hash(Unknown, default, default, new byte[32]));
        Assert.Throws<ArgumentOutOfRangeException>(() => crypto.Hmac(Unknown, default, default, default, new byte[32]));
        Assert.Throws<ArgumentOutOfRangeException>(() => crypto.Hkdf(Unknown, default, default, default, new byte[32]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Unknown.BlockSize());
    }

    [Theory]
    [MemberData(nameof(AllProviders))]
    public void Hashing_allocates_nothing(string provider)
    {
        var crypto = Providers.Named(provider);
        byte[] hash = new byte[64], key = new byte[32];

        long Run(int count)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < count; i++)
            {
                crypto.Hash(HashAlgorithm.Blake2b, key, hash, hash);
                crypto.Hmac(HashAlgorithm.Blake2b, key, hash, key, hash);
                crypto.Hkdf(HashAlgorithm.Blake2b, key, hash, default, hash);
                crypto.CShake256(default, "purpose"u8, key, hash);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Run(10);
        Assert.Equal(0, Run(1_000));
    }

    private static string Mac(ICryptoProvider crypto, HashAlgorithm algorithm, byte[] key, byte[] data)
    {
        var mac = new byte[algorithm.HashSize()];
        crypto.Hmac(algorithm, key, data.AsSpan(0, data.Length / 3), data.AsSpan(data.Length / 3), mac);
        return Convert.ToHexStringLower(mac);
    }

    private static string Repeat(string hex, int count) => string.Concat(Enumerable.Repeat(hex, count));

    private static string Ascii(string text) => Convert.ToHexStringLower(Encoding.ASCII.GetBytes(text));

    private static string Sequence(int first, int count)
        => Convert.ToHexStringLower([.. Enumerable.Range(first, count).Select(i => unchecked((byte)i))]);
}
