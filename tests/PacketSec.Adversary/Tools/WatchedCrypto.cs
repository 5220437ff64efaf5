using PacketSec.Crypto;

namespace PacketSec.Adversary.Tools;

/// <summary>
/// A provider that remembers what private keys and packet keys its owner holds at the moment: what a thief finds in the native library's memory,
/// where no walk over objects comes. It also counts what is computed.
/// </summary>
internal sealed class WatchedCrypto(ICryptoProvider inner) : CryptoDecorator(inner)
{
    private readonly List<WatchedX25519> _agreementKeys = [];
    private readonly List<WatchedAead> _contexts = [];

    /// <summary>Gets what was computed.</summary>
    public OperationCounts Counts { get; } = new();

    /// <summary>Gets every X25519 private key that was ever imported here: the owner's own secrets.</summary>
    public IEnumerable<byte[]> AllAgreementKeys => _agreementKeys.Select(key => key.Bytes);

    /// <summary>Gets the X25519 private keys that are not wiped.</summary>
    public IEnumerable<byte[]> HeldAgreementKeys => _agreementKeys.Where(key => !key.IsDisposed).Select(key => key.Bytes);

    /// <summary>Gets the keys that contexts still hold from their last packet.</summary>
    public IEnumerable<byte[]> HeldPacketKeys => _contexts.SelectMany(context => context.Held);

    public override X25519PrivateKey ImportX25519PrivateKey(ReadOnlySpan<byte> privateKey)
    {
        Counts.Add(OperationKind.X25519Import);
        var key = new WatchedX25519(Inner.ImportX25519PrivateKey(privateKey), privateKey.ToArray(), Counts);
        _agreementKeys.Add(key);
        return key;
    }

    public override Ed25519PrivateKey ImportEd25519PrivateKey(ReadOnlySpan<byte> seed) => new WatchedEd25519(Inner.ImportEd25519PrivateKey(seed), Counts);

    public override bool VerifyEd25519(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        Counts.Add(OperationKind.Verify);
        return Inner.VerifyEd25519(publicKey, message, signature);
    }

    public override AeadContext CreateAead(AeadAlgorithm algorithm)
    {
        var context = new WatchedAead(Inner.CreateAead(algorithm), Counts);
        _contexts.Add(context);
        return context;
    }

    public override void Hash(HashAlgorithm algorithm, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> hash)
    {
        Counts.Add(OperationKind.Hash);
        Inner.Hash(algorithm, first, second, hash);
    }

    public override void Hmac(HashAlgorithm algorithm, ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> mac)
    {
        Counts.Add(OperationKind.Hmac);
        Inner.Hmac(algorithm, key, first, second, mac);
    }

    public override void Hkdf(HashAlgorithm algorithm, ReadOnlySpan<byte> inputKey, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> info, Span<byte> output)
    {
        Counts.Add(OperationKind.Hkdf);
        Inner.Hkdf(algorithm, inputKey, salt, info, output);
    }

    public override void CShake256(ReadOnlySpan<byte> functionName, ReadOnlySpan<byte> customization, ReadOnlySpan<byte> data, Span<byte> output)
    {
        Counts.Add(OperationKind.Hash);
        Inner.CShake256(functionName, customization, data, output);
    }

    private sealed class WatchedX25519(X25519PrivateKey key, byte[] bytes, OperationCounts counts) : X25519PrivateKey
    {
        public byte[] Bytes => bytes;

        public bool IsDisposed { get; private set; }

        public override ReadOnlySpan<byte> PublicKey => key.PublicKey;

        public override bool TryAgree(ReadOnlySpan<byte> peerPublicKey, Span<byte> sharedSecret)
        {
            // A point of small order is refused by a look at a table: nothing is multiplied.
            var agreed = key.TryAgree(peerPublicKey, sharedSecret);
            if (agreed)
            {
                counts.Add(OperationKind.Agree);
            }

            return agreed;
        }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            key.Dispose();
        }
    }

    private sealed class WatchedEd25519(Ed25519PrivateKey key, OperationCounts counts) : Ed25519PrivateKey
    {
        public override ReadOnlySpan<byte> PublicKey => key.PublicKey;

        public override void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
        {
            counts.Add(OperationKind.Sign);
            key.Sign(message, signature);
        }

        protected override void Dispose(bool disposing) => key.Dispose();
    }

    private sealed class WatchedAead(AeadContext context, OperationCounts counts) : AeadContext
    {
        private byte[]? _sealKey;
        private byte[]? _openKey;

        public IEnumerable<byte[]> Held => new[] { _sealKey, _openKey }.OfType<byte[]>();

        public override void Seal(
            ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext)
        {
            counts.Add(OperationKind.Seal);
            _sealKey = key.ToArray();
            context.Seal(key, nonce, associatedData, plaintext, ciphertext);
        }

        public override bool TryOpen(
            ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> ciphertext, Span<byte> plaintext)
        {
            counts.Add(OperationKind.Open);
            _openKey = key.ToArray();
            return context.TryOpen(key, nonce, associatedData, ciphertext, plaintext);
        }

        public override void ForgetKeys()
        {
            (_sealKey, _openKey) = (null, null);
            context.ForgetKeys();
        }

        protected override void Dispose(bool disposing)
        {
            (_sealKey, _openKey) = (null, null);
            context.Dispose();
        }
    }
}

/// <summary>A kind of work at the cryptographic seam.</summary>
internal enum OperationKind
{
    X25519Import,
    Agree,
    Sign,
    Verify,
    Seal,
    Open,
    Hash,
    Hmac,
    Hkdf,
}

/// <summary>How often each kind of work was done.</summary>
internal sealed class OperationCounts
{
    private readonly long[] _counts = new long[Enum.GetValues<OperationKind>().Length];

    public long this[OperationKind kind] => _counts[(int)kind];

    public void Add(OperationKind kind) => _counts[(int)kind]++;

    public void Clear() => Array.Clear(_counts);

    public override string ToString()
        => string.Join(' ', Enum.GetValues<OperationKind>().Where(kind => this[kind] > 0).Select(kind => $"{kind} {this[kind]}"));
}
