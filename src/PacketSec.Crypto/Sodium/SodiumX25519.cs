using System.Security.Cryptography;

namespace PacketSec.Crypto.Sodium;

/// <summary>An X25519 key of libsodium.</summary>
internal sealed unsafe class SodiumX25519 : CheckedX25519PrivateKey
{
    private readonly SecretMemory _privateKey;
    private readonly byte[] _publicKey = new byte[Size];

    internal SodiumX25519(ReadOnlySpan<byte> privateKey)
    {
        CheckLength(privateKey);
        _privateKey = new SecretMemory(Size);
        privateKey.CopyTo(new Span<byte>(_privateKey.Pointer, Size));
        fixed (byte* publicKey = _publicKey)
        {
            if (LibSodium.crypto_scalarmult_curve25519_base(publicKey, _privateKey.Pointer) != 0)
            {
                _privateKey.Dispose();
                throw new CryptographicException("libsodium's crypto_scalarmult_curve25519_base failed.");
            }
        }
    }

    public override ReadOnlySpan<byte> PublicKey => _publicKey;

    protected override void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_privateKey.IsClosed, this);

    protected override void Agree(ReadOnlySpan<byte> peerPublicKey, Span<byte> sharedSecret)
    {
        using var lease = new HandleLease(_privateKey);
        fixed (byte* secret = sharedSecret, peer = peerPublicKey)
        {
            if (LibSodium.crypto_scalarmult_curve25519(secret, (byte*)lease.Pointer, peer) != 0)
            {
                throw new CryptographicException("libsodium's crypto_scalarmult_curve25519 failed.");
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
