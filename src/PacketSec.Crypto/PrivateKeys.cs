namespace PacketSec.Crypto;

/// <summary>An X25519 private key (RFC 7748).</summary>
/// <remarks>Safe for concurrent use until disposed.</remarks>
public abstract class X25519PrivateKey : IDisposable
{
    /// <summary>The size of private keys, public keys and shared secrets in bytes.</summary>
    public const int Size = 32;

    /// <summary>Gets the public key, 32 bytes.</summary>
    public abstract ReadOnlySpan<byte> PublicKey { get; }

    /// <summary>Computes the shared secret with a peer's public key.</summary>
    /// <param name="peerPublicKey">32 bytes, in any encoding RFC 7748 accepts.</param>
    /// <param name="sharedSecret">32 bytes; cleared on failure.</param>
    /// <returns>False when the result is all zero (a low-order public key).</returns>
    public abstract bool TryAgree(ReadOnlySpan<byte> peerPublicKey, Span<byte> sharedSecret);

    /// <summary>Wipes the key.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Wipes the key.</summary>
    /// <param name="disposing">True when called by <see cref="Dispose()"/>.</param>
    protected abstract void Dispose(bool disposing);
}

/// <summary>An Ed25519 private key (RFC 8032).</summary>
/// <remarks>Safe for concurrent use until disposed.</remarks>
public abstract class Ed25519PrivateKey : IDisposable
{
    /// <summary>The size of a seed and of a public key in bytes.</summary>
    public const int Size = 32;

    /// <summary>The size of a signature in bytes.</summary>
    public const int SignatureSize = 64;

    /// <summary>Gets the public key, 32 bytes.</summary>
    public abstract ReadOnlySpan<byte> PublicKey { get; }

    /// <summary>Signs a message (RFC 8032, section 5.1.6).</summary>
    /// <param name="message">The message.</param>
    /// <param name="signature">64 bytes.</param>
    public abstract void Sign(ReadOnlySpan<byte> message, Span<byte> signature);

    /// <summary>Wipes the key.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Wipes the key.</summary>
    /// <param name="disposing">True when called by <see cref="Dispose()"/>.</param>
    protected abstract void Dispose(bool disposing);
}
