using System.Security.Cryptography;

namespace PacketSec.Crypto;

/// <summary>An X25519 key whose arguments and results are checked in the same way whatever library computes.</summary>
internal abstract class CheckedX25519PrivateKey : X25519PrivateKey
{
    public sealed override bool TryAgree(ReadOnlySpan<byte> peerPublicKey, Span<byte> sharedSecret)
    {
        if (peerPublicKey.Length != Size)
        {
            throw new ArgumentException("An X25519 public key has 32 bytes.", nameof(peerPublicKey));
        }

        if (sharedSecret.Length != Size)
        {
            throw new ArgumentException("An X25519 shared secret has 32 bytes.", nameof(sharedSecret));
        }

        ThrowIfDisposed();
        if (Curve25519Rules.IsSmallOrderX25519(peerPublicKey))
        {
            sharedSecret.Clear();
            return false;
        }

        var done = false;
        try
        {
            Agree(peerPublicKey, sharedSecret);
            done = true;
        }
        finally
        {
            if (!done)
            {
                CryptographicOperations.ZeroMemory(sharedSecret);
            }
        }

        ReadOnlySpan<byte> zero = stackalloc byte[Size];
        return !CryptographicOperations.FixedTimeEquals(sharedSecret, zero);
    }

    /// <summary>Throws <see cref="ObjectDisposedException"/> when the key is wiped.</summary>
    protected abstract void ThrowIfDisposed();

    /// <summary>Computes the shared secret with a key that is not of small order.</summary>
    protected abstract void Agree(ReadOnlySpan<byte> peerPublicKey, Span<byte> sharedSecret);

    private protected static void CheckLength(ReadOnlySpan<byte> privateKey)
    {
        if (privateKey.Length != Size)
        {
            throw new ArgumentException("An X25519 private key has 32 bytes.", nameof(privateKey));
        }
    }
}

/// <summary>An Ed25519 key whose arguments are checked in the same way whatever library computes.</summary>
internal abstract class CheckedEd25519PrivateKey : Ed25519PrivateKey
{
    public sealed override void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        if (signature.Length != SignatureSize)
        {
            throw new ArgumentException("An Ed25519 signature has 64 bytes.", nameof(signature));
        }

        if (message.Overlaps(signature))
        {
            throw new ArgumentException("The signature does not overlap the message, which is read twice.", nameof(signature));
        }

        MakeSignature(message, signature);
    }

    /// <summary>Signs, with the arguments checked.</summary>
    protected abstract void MakeSignature(ReadOnlySpan<byte> message, Span<byte> signature);

    private protected static void CheckLength(ReadOnlySpan<byte> seed)
    {
        if (seed.Length != Size)
        {
            throw new ArgumentException("An Ed25519 seed has 32 bytes.", nameof(seed));
        }
    }
}
