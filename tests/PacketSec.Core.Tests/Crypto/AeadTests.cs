using System.Buffers.Binary;
using System.Text;
using PacketSec.Crypto;
using PacketSec.Crypto.OpenSsl;

namespace PacketSec.Core.Tests.Crypto;

public class AeadTests
{
    public static TheoryData<string> AllProviders => Providers.All;

    public static TheoryData<string, AeadAlgorithm, int> AllAeads
    {
        get
        {
            var data = new TheoryData<string, AeadAlgorithm, int>();
            foreach (var provider in Providers.Names)
            {
                data.Add(provider, AeadAlgorithm.ChaCha20Poly1305, 32);
                data.Add(provider, AeadAlgorithm.AesGcm, 16);
                data.Add(provider, AeadAlgorithm.AesGcm, 24);
                data.Add(provider, AeadAlgorithm.AesGcm, 32);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(AllProviders))]
    public void ChaCha20Poly1305_gives_the_example_of_Rfc_8439_section_2_8_2(string provider)
    {
        var text = Encoding.ASCII.GetBytes(
            "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.");
        var key = Convert.FromHexString("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
        var nonce = Convert.FromHexString("070000004041424344454647");
        var associatedData = Convert.FromHexString("50515253c0c1c2c3c4c5c6c7");
        var expected = Convert.FromHexString(
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
            + "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691");
        using var aead = Providers.Named(provider).CreateAead(AeadAlgorithm.ChaCha20Poly1305);

        var packet = new byte[text.Length + 16];
        aead.Seal(key, nonce, associatedData, text, packet);

        Assert.Equal(expected, packet);
        var opened = new byte[text.Length];
        Assert.True(aead.TryOpen(key, nonce, associatedData, packet, opened));
        Assert.Equal(text, opened);
    }

    [Theory]
    [MemberData(nameof(AllAeads))]
    public void One_bit_changed_anywhere_is_refused_and_the_plaintext_cleared(string provider, AeadAlgorithm algorithm, int keySize)
    {
        using var aead = Providers.Named(provider).CreateAead(algorithm);
        byte[] key = Bytes(keySize, 1), nonce = Bytes(12, 2), associatedData = Bytes(4, 3), text = Bytes(37, 4);
        var packet = new byte[text.Length + 16];
        aead.Seal(key, nonce, associatedData, text, packet);
        var opened = new byte[text.Length];

        foreach (var part in new[] { key, nonce, associatedData, packet })
        {
            for (var bit = 0; bit < part.Length * 8; bit++)
            {
                part[bit / 8] ^= (byte)(1 << (bit % 8));
                Array.Fill(opened, (byte)0xaa);
                Assert.False(aead.TryOpen(key, nonce, associatedData, packet, opened));
                Assert.Equal(new byte[text.Length], opened);
                part[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }

        Assert.True(aead.TryOpen(key, nonce, associatedData, packet, opened));
        Assert.Equal(text, opened);
    }

    [Theory]
    [MemberData(nameof(AllAeads))]
    public void A_context_that_has_seen_other_keys_and_forgeries_seals_and_opens_as_a_new_one_does(
        string provider, AeadAlgorithm algorithm, int keySize)
    {
        var crypto = Providers.Named(provider);
        using var used = crypto.CreateAead(algorithm);
        for (var i = 0; i < 200; i++)
        {
            // Runs of two packets under one key, a change of the key's length where there are several, and now and then a forgetting.
            var size = algorithm == AeadAlgorithm.AesGcm && i % 7 == 0 ? 16 : keySize;
            byte[] key = Bytes(size, i / 2 % 5), nonce = Bytes(12, i), associatedData = Bytes(i % 5, i), text = Bytes(i % 3 == 0 ? 0 : i * 7, i);
            byte[] expected = new byte[text.Length + 16], packet = new byte[text.Length + 16], opened = new byte[text.Length];
            using (var fresh = crypto.CreateAead(algorithm))
            {
                fresh.Seal(key, nonce, associatedData, text, expected);
            }

            used.Seal(key, nonce, associatedData, text, packet);
            Assert.Equal(expected, packet);
            packet[^1] ^= 1;
            Assert.False(used.TryOpen(key, nonce, associatedData, packet, opened));
            Assert.True(used.TryOpen(key, nonce, associatedData, expected, opened));
            Assert.Equal(text, opened);
            if (i % 11 == 0)
            {
                used.ForgetKeys();
            }
        }
    }

    [Theory]
    [MemberData(nameof(AllAeads))]
    public void Sealing_in_place_gives_the_same_bytes(string provider, AeadAlgorithm algorithm, int keySize)
    {
        using var aead = Providers.Named(provider).CreateAead(algorithm);
        byte[] key = Bytes(keySize, 1), nonce = Bytes(12, 2), text = Bytes(1200, 3), apart = new byte[1216], inPlace = new byte[1216];
        aead.Seal(key, nonce, default, text, apart);

        text.CopyTo(inPlace, 0);
        aead.Seal(key, nonce, default, inPlace.AsSpan(0, 1200), inPlace);

        Assert.Equal(apart, inPlace);
    }

    [Theory]
    [MemberData(nameof(AllAeads))]
    public void Spans_that_overlap_otherwise_throw(string provider, AeadAlgorithm algorithm, int keySize)
    {
        using var aead = Providers.Named(provider).CreateAead(algorithm);
        byte[] key = Bytes(keySize, 1), nonce = Bytes(12, 2), buffer = new byte[200];

        Assert.Throws<ArgumentException>(() => aead.Seal(key, nonce, default, buffer.AsSpan(1, 50), buffer.AsSpan(0, 66)));
        Assert.Throws<ArgumentException>(() => aead.Seal(key, nonce, default, buffer.AsSpan(0, 50), buffer.AsSpan(49, 66)));
        Assert.Throws<ArgumentException>(() => aead.TryOpen(key, nonce, default, buffer.AsSpan(0, 66), buffer.AsSpan(0, 50)));
        Assert.Throws<ArgumentException>(() => aead.TryOpen(key, nonce, default, buffer.AsSpan(0, 66), buffer.AsSpan(65, 50)));
        aead.Seal(key, nonce, default, buffer.AsSpan(0, 50), buffer.AsSpan(50, 66));
        Assert.True(aead.TryOpen(key, nonce, default, buffer.AsSpan(50, 66), buffer.AsSpan(116, 50)));
    }

    [Theory]
    [MemberData(nameof(AllAeads))]
    public void Wrong_lengths_throw(string provider, AeadAlgorithm algorithm, int keySize)
    {
        using var aead = Providers.Named(provider).CreateAead(algorithm);
        byte[] key = Bytes(keySize, 1), nonce = Bytes(12, 2), buffer = new byte[32], text = new byte[16];
        foreach (var size in new[] { 0, 15, 17, 31, 33, 64 })
        {
            Assert.Throws<ArgumentException>(() => aead.Seal(new byte[size], nonce, default, text, buffer));
            Assert.Throws<ArgumentException>(() => aead.TryOpen(new byte[size], nonce, default, buffer, text));
        }

        foreach (var size in new[] { 0, 8, 11, 13, 24 })
        {
            Assert.Throws<ArgumentException>(() => aead.Seal(key, new byte[size], default, text, buffer));
            Assert.Throws<ArgumentException>(() => aead.TryOpen(key, new byte[size], default, buffer, text));
        }

        foreach (var size in new[] { 0, 15, 31, 33 })
        {
            Assert.Throws<ArgumentException>(() => aead.Seal(key, nonce, default, text, new byte[size]));
        }

        Assert.Throws<ArgumentException>(() => aead.TryOpen(key, nonce, default, buffer, new byte[15]));
        Assert.Throws<ArgumentException>(() => aead.TryOpen(key, nonce, default, buffer, new byte[17]));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(24)]
    public void ChaCha20Poly1305_takes_no_key_of_AesGcm(int size)
    {
        using var aead = CryptoProvider.Default.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
        Assert.Throws<ArgumentException>(() => aead.Seal(new byte[size], new byte[12], default, default, new byte[16]));
    }

    [Theory]
    [MemberData(nameof(AllAeads))]
    public void A_ciphertext_shorter_than_a_tag_is_refused_whatever_the_plaintext_buffer(string provider, AeadAlgorithm algorithm, int keySize)
    {
        using var aead = Providers.Named(provider).CreateAead(algorithm);
        foreach (var size in new[] { 0, 1, 15 })
        {
            var opened = Bytes(5, 1);
            Assert.False(aead.TryOpen(Bytes(keySize, 1), Bytes(12, 2), default, new byte[size], opened));
            Assert.Equal(new byte[5], opened);
            Assert.False(aead.TryOpen(Bytes(keySize, 1), Bytes(12, 2), default, new byte[size], default));
        }

        var empty = new byte[16];
        aead.Seal(Bytes(keySize, 1), Bytes(12, 2), default, default, empty);
        Assert.True(aead.TryOpen(Bytes(keySize, 1), Bytes(12, 2), default, empty, default));
    }

    [Theory]
    [MemberData(nameof(AllAeads))]
    public void Nothing_is_allocated_per_packet_sealed_opened_or_forged(string provider, AeadAlgorithm algorithm, int keySize)
    {
        using var aead = Providers.Named(provider).CreateAead(algorithm);
        byte[][] keys = [Bytes(keySize, 1), Bytes(keySize, 2)];
        byte[] nonce = new byte[12], header = new byte[4], text = Bytes(1200, 3), packet = new byte[1216], opened = new byte[1200];

        long Run(int count)
        {
            var refused = 0;
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < count; i++)
            {
                var key = keys[(i >> 2) & 1];
                BinaryPrimitives.WriteInt32LittleEndian(nonce, i);
                aead.Seal(key, nonce, header, text, packet);
                refused += aead.TryOpen(key, nonce, header, packet, opened) ? 0 : 1;
                packet[i % 1216] ^= 1;
                refused += aead.TryOpen(key, nonce, header, packet, opened) ? 0 : 1;
            }

            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(count, refused);
            return allocated;
        }

        Run(10);
        Assert.Equal(0, Run(10_000));
    }

    [Theory]
    [MemberData(nameof(AllAeads))]
    public void A_forgery_leaves_no_error_behind_in_libcrypto(string provider, AeadAlgorithm algorithm, int keySize)
    {
        using var aead = Providers.Named(provider).CreateAead(algorithm);
        LibCrypto.ERR_clear_error();

        Assert.False(aead.TryOpen(Bytes(keySize, 1), new byte[12], default, new byte[100], new byte[84]));

        Assert.Equal((nuint)0, LibCrypto.ERR_peek_error());
    }

    [Theory]
    [MemberData(nameof(AllAeads))]
    public void A_disposed_context_throws_and_may_be_disposed_again(string provider, AeadAlgorithm algorithm, int keySize)
    {
        var aead = Providers.Named(provider).CreateAead(algorithm);
        aead.Seal(Bytes(keySize, 1), new byte[12], default, default, new byte[16]);
        aead.Dispose();
        aead.Dispose();

        Assert.Throws<ObjectDisposedException>(() => aead.Seal(Bytes(keySize, 1), new byte[12], default, default, new byte[16]));
        Assert.Throws<ObjectDisposedException>(() => aead.TryOpen(Bytes(keySize, 1), new byte[12], default, new byte[16], default));
        Assert.Throws<ObjectDisposedException>(() => aead.TryOpen(Bytes(keySize, 1), new byte[12], default, default, default));
        Assert.Throws<ObjectDisposedException>(aead.ForgetKeys);
    }

    [Fact]
    public void An_unknown_algorithm_throws()
        => Assert.Throws<ArgumentOutOfRangeException>(() => CryptoProvider.Default.CreateAead((AeadAlgorithm)7));

    private static byte[] Bytes(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
