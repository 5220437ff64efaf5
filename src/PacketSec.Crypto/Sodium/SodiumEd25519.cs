using System.Security.Cryptography;

namespace PacketSec.Crypto.Sodium;

/// <summary>An Ed25519 key of libsodium.</summary>
internal sealed unsafe class SodiumEd25519 : CheckedEd25519PrivateKey
{
    /// <summary>libsodium's private key: the seed and the public key.</summary>
    private const int ExpandedSize = 64;

    private readonly SecretMemory _privateKey;
    private readonly byte[] _publicKey = new byte[Size];

    internal SodiumEd25519(ReadOnlySpan<byte> seed)
    {
        CheckLength(seed);
        _privateKey = new SecretMemory(ExpandedSize);
        fixed (byte* publicKey = _publicKey, secret = seed)
        {
            if (LibSodium.crypto_sign_ed25519_seed_keypair(publicKey, _privateKey.Pointer, secret) != 0)
            {
                _privateKey.Dispose();
                throw new CryptographicException("libsodium's crypto_sign_ed25519_seed_keypair failed.");
            }
        }
    }

    public override ReadOnlySpan<byte> PublicKey => _publicKey;

    /// <summary>Verifies a signature that <see cref="Curve25519Rules.AdmitsEd25519"/> admits.</summary>
    internal static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        fixed (byte* key = publicKey, data = message, sig = signature)
        {
            return LibSodium.crypto_sign_ed25519_verify_detached(sig, data, (ulong)message.Length, key) == 0;
        }
    }

    protected override void MakeSignature(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        using var lease = new HandleLease(_privateKey);
        fixed (byte* data = message, sig = signature)
        {
            if (LibSodium.crypto_sign_ed25519_detached(sig, null, data, (ulong)message.Length, (byte*)lease.Pointer) != 0)
            {
                throw new CryptographicException("libsodium's crypto_sign_ed25519_detached failed.");
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _privateKey.Dispose();
        }
    }
}
