using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;

namespace PacketSec.Core.Tests.Schemes.SecretHandshake;

public sealed class EqualWorkTests
{
    //= spec/secret-handshake.md#equal-work
    [Fact]
    public void Each_message_3_with_a_valid_cookie_costs_the_same_operations_whatever_is_wrong_with_it()
    {
        var crypto = new CountingProvider(CryptoProvider.Default);
        using var rig = new HandshakeRig(crypto);
        byte[] payload = [.. rig.InitiatorIdentity.PublicKey.Ed25519, .. new byte[32]];
        using var other = IdentityKey.FromSeed(HandshakeRig.Seed(7), crypto);
        using var weak = new HandshakeTests.WeakKey();
        var message3 = rig.RunToMessage3().Finish;
        var costs = new Dictionary<string, string>
        {
            ["genuine"] = CostOf(DropReason.None, message3),
            ["first tag"] = CostOf(DropReason.NotAuthentic, MessageTests.Flip(message3, 73 * 8)),
            ["second tag"] = CostOf(DropReason.NotAuthentic, MessageTests.Flip(message3, 199 * 8)),
            ["padding"] = CostOf(DropReason.Malformed, Craft(rig.InitiatorIdentity.AgreementKey, [.. payload[..63], 1])),
            ["another identity"] = CostOf(DropReason.KeyMismatch, Craft(rig.InitiatorIdentity.AgreementKey, [.. other.PublicKey.Ed25519, .. new byte[32]])),
            ["identity of small order"] = CostOf(DropReason.KeyMismatch, Craft(rig.InitiatorIdentity.AgreementKey, [1, .. new byte[63]])),
            ["static key of small order"] = CostOf(DropReason.NotAuthentic, Craft(weak, payload)),
            ["own key"] = CostOf(DropReason.OwnKey, Craft(rig.ResponderIdentity.AgreementKey, [.. rig.ResponderIdentity.PublicKey.Ed25519, .. new byte[32]])),
        };
        Assert.Contains("3 agreements", costs["genuine"], StringComparison.Ordinal);
        Assert.Contains("2 openings", costs["genuine"], StringComparison.Ordinal);
        Assert.Contains("1 imports", costs["genuine"], StringComparison.Ordinal);
        Assert.All(costs, cost => Assert.Equal(costs["genuine"], cost.Value));

        byte[] Craft(X25519PrivateKey key, byte[] identity) => HandshakeTests.Craft(rig, key, identity).Finish;

        string CostOf(DropReason expected, byte[] message)
        {
            crypto.Reset();
            Assert.Equal(expected, rig.Accept(message)!.Outcome);
            return crypto.ToString();
        }
    }

    /// <summary>Counts what is computed: an agreement that is refused beforehand is none.</summary>
    private sealed class CountingProvider(ICryptoProvider inner) : ICryptoProvider
    {
        private readonly SortedDictionary<string, int> _counts = new(StringComparer.Ordinal);

        public string Name => inner.Name;

        public void Reset() => _counts.Clear();

        public override string ToString() => string.Join(", ", _counts.Select(count => $"{count.Value} {count.Key}"));

        public X25519PrivateKey ImportX25519PrivateKey(ReadOnlySpan<byte> privateKey)
        {
            Count("imports");
            return new CountingKey(this, inner.ImportX25519PrivateKey(privateKey));
        }

        public Ed25519PrivateKey ImportEd25519PrivateKey(ReadOnlySpan<byte> seed) => inner.ImportEd25519PrivateKey(seed);

        public bool VerifyEd25519(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
            => throw new InvalidOperationException("The scheme has no signatures.");

        public bool VerifyEcdsaP256(ReadOnlySpan<byte> publicKeyInfo, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
            => throw new InvalidOperationException("The scheme has no signatures.");

        public bool VerifyRsaPkcs1Raw(ReadOnlySpan<byte> publicKeyInfo, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
            => throw new InvalidOperationException("The scheme has no signatures.");

        public AeadContext CreateAead(AeadAlgorithm algorithm) => new CountingAead(this, inner.CreateAead(algorithm));

        public void Hash(HashAlgorithm algorithm, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> hash)
        {
            Count("hashes");
            inner.Hash(algorithm, first, second, hash);
        }

        public void Hmac(HashAlgorithm algorithm, ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> mac)
        {
            Count("HMACs");
            inner.Hmac(algorithm, key, first, second, mac);
        }

        public void Hkdf(HashAlgorithm algorithm, ReadOnlySpan<byte> inputKey, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> info, Span<byte> output)
        {
            Count("HKDFs");
            inner.Hkdf(algorithm, inputKey, salt, info, output);
        }

        public void CShake256(ReadOnlySpan<byte> functionName, ReadOnlySpan<byte> customization, ReadOnlySpan<byte> data, Span<byte> output)
            => throw new InvalidOperationException("The scheme has no signatures.");

        private void Count(string what) => _counts[what] = _counts.GetValueOrDefault(what) + 1;

        private sealed class CountingKey(CountingProvider provider, X25519PrivateKey key) : X25519PrivateKey
        {
            public override ReadOnlySpan<byte> PublicKey => key.PublicKey;

            public override bool TryAgree(ReadOnlySpan<byte> peerPublicKey, Span<byte> sharedSecret)
            {
                var agreed = key.TryAgree(peerPublicKey, sharedSecret);
                if (agreed)
                {
                    provider.Count("agreements");
                }

                return agreed;
            }

            protected override void Dispose(bool disposing) => key.Dispose();
        }

        private sealed class CountingAead(CountingProvider provider, AeadContext aead) : AeadContext
        {
            public override void Seal(
                ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext)
            {
                provider.Count("sealings");
                aead.Seal(key, nonce, associatedData, plaintext, ciphertext);
            }

            public override bool TryOpen(
                ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> ciphertext, Span<byte> plaintext)
            {
                provider.Count("openings");
                return aead.TryOpen(key, nonce, associatedData, ciphertext, plaintext);
            }

            public override void ForgetKeys() => aead.ForgetKeys();

            protected override void Dispose(bool disposing) => aead.Dispose();
        }
    }
}
