namespace PacketSec.Crypto.OpenSsl;

/// <summary>An Ed25519 key of libcrypto.</summary>
internal sealed unsafe class OpenSslEd25519 : CheckedEd25519PrivateKey
{
    private readonly KeyHandle _key;
    private readonly byte[] _publicKey = new byte[Size];

    internal OpenSslEd25519(ReadOnlySpan<byte> seed)
    {
        CheckLength(seed);
        _key = OpenSslKeys.ImportPrivate("ED25519"u8, seed, _publicKey);
    }

    public override ReadOnlySpan<byte> PublicKey => _publicKey;

    /// <summary>Verifies a signature that <see cref="Curve25519Rules.AdmitsEd25519"/> admits.</summary>
    internal static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        using var key = OpenSslKeys.ImportPublic("ED25519"u8, publicKey);
        var context = NewContext();
        try
        {
            var result = LibCrypto.EVP_DigestVerifyInit_ex(context, null, null, 0, null, key.Pointer, 0);
            OpenSslError.ThrowUnlessOne(result, "EVP_DigestVerifyInit_ex");
            fixed (byte* data = message, sig = signature)
            {
                return OpenSslKeys.IsVerified(LibCrypto.EVP_DigestVerify(context, sig, (nuint)signature.Length, data, (nuint)message.Length));
            }
        }
        finally
        {
            LibCrypto.EVP_MD_CTX_free(context);
        }
    }

    protected override void MakeSignature(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        using var lease = new HandleLease(_key);
        var context = NewContext();
        try
        {
            var result = LibCrypto.EVP_DigestSignInit_ex(context, null, null, 0, null, lease.Pointer, 0);
            OpenSslError.ThrowUnlessOne(result, "EVP_DigestSignInit_ex");
            fixed (byte* data = message, sig = signature)
            {
                var length = (nuint)signature.Length;
                OpenSslError.ThrowUnlessOne(LibCrypto.EVP_DigestSign(context, sig, &length, data, (nuint)message.Length), "EVP_DigestSign");
            }
        }
        finally
        {
            LibCrypto.EVP_MD_CTX_free(context);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _key.Dispose();
        }
    }

    private static nint NewContext()
    {
        var context = LibCrypto.EVP_MD_CTX_new();
        return context != 0 ? context : throw OpenSslError.Take("EVP_MD_CTX_new");
    }
}
