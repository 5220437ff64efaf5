namespace PacketSec.Crypto.OpenSsl;

/// <summary>An X25519 key of libcrypto: imported once, as importing costs more than agreeing.</summary>
internal sealed unsafe class OpenSslX25519 : CheckedX25519PrivateKey
{
    private readonly KeyHandle _key;
    private readonly byte[] _publicKey = new byte[Size];

    // One idle operation context, taken and given back without a lock: a second thread that finds none makes its own.
    private KeyContextHandle? _idle;

    internal OpenSslX25519(ReadOnlySpan<byte> privateKey)
    {
        CheckLength(privateKey);
        _key = OpenSslKeys.ImportPrivate("X25519"u8, privateKey, _publicKey);
    }

    public override ReadOnlySpan<byte> PublicKey => _publicKey;

    protected override void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_key.IsClosed, this);

    protected override void Agree(ReadOnlySpan<byte> peerPublicKey, Span<byte> sharedSecret)
    {
        using var keyLease = new HandleLease(_key);
        using var peer = OpenSslKeys.ImportPublic("X25519"u8, peerPublicKey);
        var context = Interlocked.Exchange(ref _idle, null) ?? NewContext(keyLease.Pointer);
        var reusable = false;
        try
        {
            using var contextLease = new HandleLease(context);
            var result = LibCrypto.EVP_PKEY_derive_set_peer_ex(contextLease.Pointer, peer.Pointer, 0);
            OpenSslError.ThrowUnlessOne(result, "EVP_PKEY_derive_set_peer_ex");
            fixed (byte* secret = sharedSecret)
            {
                var length = (nuint)sharedSecret.Length;
                OpenSslError.ThrowUnlessOne(LibCrypto.EVP_PKEY_derive(contextLease.Pointer, secret, &length), "EVP_PKEY_derive");
            }

            reusable = true;
        }
        finally
        {
            // A context given back after disposal would keep the key alive until the finaliser runs.
            if (!reusable || _key.IsClosed || Interlocked.CompareExchange(ref _idle, context, null) is not null)
            {
                context.Dispose();
            }
            else if (_key.IsClosed)
            {
                Interlocked.Exchange(ref _idle, null)?.Dispose();
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _key.Dispose();
            Interlocked.Exchange(ref _idle, null)?.Dispose();
        }
    }

    private static KeyContextHandle NewContext(nint key)
    {
        var context = new KeyContextHandle(LibCrypto.EVP_PKEY_CTX_new_from_pkey(0, key, null), "EVP_PKEY_CTX_new_from_pkey");
        if (LibCrypto.EVP_PKEY_derive_init(context.Pointer) != 1)
        {
            context.Dispose();
            throw OpenSslError.Take("EVP_PKEY_derive_init");
        }

        return context;
    }
}
