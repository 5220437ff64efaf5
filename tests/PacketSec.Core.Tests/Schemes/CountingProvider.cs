using PacketSec.Crypto;

namespace PacketSec.Core.Tests.Schemes;

/// <summary>Counts what is computed: an agreement that is refused beforehand is none.</summary>
internal sealed class CountingProvider(ICryptoProvider inner) : ICryptoProvider
{
    private readonly SortedDictionary<string, int> _counts = new(StringComparer.Ordinal);

    /// <summary>Gets the X25519 keys that were made, in their order.</summary>
    public List<X25519PrivateKey> Keys { get; } = [];

    public string Name => inner.Name;

    public void Reset() => _counts.Clear();

    public override string ToString() => string.Join(", ", _counts.Select(count => $"{count.Value} {count.Key}"));

    public X25519PrivateKey ImportX25519PrivateKey(ReadOnlySpan<byte> privateKey)
    {
        Count("imports");
        Keys.Add(new CountingKey(this, inner.ImportX25519PrivateKey(privateKey)));
        return Keys[^1];
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
