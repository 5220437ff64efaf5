using PacketSec.Crypto;

namespace PacketSec.Core.Tests.Crypto;

public class ConcurrencyTests
{
    private const int Threads = 8;
    private const int Rounds = 40;

    public static TheoryData<string> AllProviders => Providers.All;

    [Theory]
    [MemberData(nameof(AllProviders))]
    public async Task Many_threads_on_one_provider_and_one_key_agree(string provider)
    {
        var crypto = Providers.Named(provider);
        using var agreeing = crypto.ImportX25519PrivateKey(Seed(1));
        using var signing = crypto.ImportEd25519PrivateKey(Seed(2));

        byte[] Everything(int round)
        {
            using var ephemeral = crypto.ImportX25519PrivateKey(Seed(round));
            using var aead = crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
            byte[] secret = new byte[32], signature = new byte[64], hash = new byte[64], packet = new byte[80];
            Assert.True(agreeing.TryAgree(ephemeral.PublicKey, secret));
            signing.Sign(secret, signature);
            Assert.True(crypto.VerifyEd25519(signing.PublicKey, secret, signature));
            crypto.Hash(HashAlgorithm.Blake2b, secret, signature, hash);
            crypto.Hmac(HashAlgorithm.Sha512, secret, hash, signature, hash);
            crypto.Hkdf(HashAlgorithm.Blake2b, hash, secret, signature, hash);
            crypto.CShake256(default, "purpose"u8, hash, hash);
            aead.Seal(secret, new byte[12], signature, hash, packet);
            return packet;
        }

        var expected = Enumerable.Range(0, Rounds).Select(Everything).ToArray();
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(_ => Task.Run(() =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                Assert.Equal(expected[round], Everything(round));
            }
        })));
    }

    [Theory]
    [MemberData(nameof(AllProviders))]
    public async Task A_key_disposed_in_use_gives_the_right_result_or_throws(string provider)
    {
        var crypto = Providers.Named(provider);
        byte[] peer, expectedSecret = new byte[32], expectedSignature = new byte[64];
        using (var key = crypto.ImportX25519PrivateKey(Seed(1)))
        using (var signer = crypto.ImportEd25519PrivateKey(Seed(2)))
        {
            peer = key.PublicKey.ToArray();
            Assert.True(key.TryAgree(peer, expectedSecret));
            signer.Sign(peer, expectedSignature);
        }

        for (var attempt = 0; attempt < 5; attempt++)
        {
            var agreeing = crypto.ImportX25519PrivateKey(Seed(1));
            var signing = crypto.ImportEd25519PrivateKey(Seed(2));
            using var started = new SemaphoreSlim(0);
            var users = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
            {
                byte[] secret = new byte[32], signature = new byte[64];
                started.Release();
                var ended = 0;
                while (ended < 2)
                {
                    ended = 0;
                    try
                    {
                        Assert.True(agreeing.TryAgree(peer, secret));
                        Assert.Equal(expectedSecret, secret);
                    }
                    catch (ObjectDisposedException)
                    {
                        ended++;
                    }

                    try
                    {
                        signing.Sign(peer, signature);
                        Assert.Equal(expectedSignature, signature);
                    }
                    catch (ObjectDisposedException)
                    {
                        ended++;
                    }
                }
            })).ToArray();
            await started.WaitAsync();
            agreeing.Dispose();
            signing.Dispose();
            await Task.WhenAll(users);
        }
    }

    private static byte[] Seed(int number)
    {
        var seed = new byte[32];
        seed[0] = (byte)(number + 1);
        return seed;
    }
}
