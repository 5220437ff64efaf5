namespace PacketSec.Crypto;

/// <summary>
/// An AEAD of one thread and direction. The key comes with each packet, so that one context serves any number of sessions.
/// </summary>
/// <remarks>
/// Not thread-safe. Allocates nothing per packet. The last key of each direction stays in the context, which makes the next packet under it
/// cheaper, until another key, <see cref="ForgetKeys"/> or <see cref="Dispose()"/> replaces it.
/// </remarks>
public abstract class AeadContext : IDisposable
{
    /// <summary>The size of a nonce in bytes.</summary>
    public const int NonceSize = 12;

    /// <summary>The size of a tag in bytes.</summary>
    public const int TagSize = 16;

    /// <summary>Seals a packet.</summary>
    /// <param name="key">The key.</param>
    /// <param name="nonce">12 bytes, never used before under this key.</param>
    /// <param name="associatedData">Authenticated, not encrypted.</param>
    /// <param name="plaintext">The plaintext; it may start where <paramref name="ciphertext"/> starts, and may not overlap it otherwise.</param>
    /// <param name="ciphertext">Exactly <see cref="TagSize"/> bytes longer than the plaintext.</param>
    public abstract void Seal(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext);

    /// <summary>Opens a packet. On failure the plaintext buffer is cleared.</summary>
    /// <param name="key">The key.</param>
    /// <param name="nonce">12 bytes.</param>
    /// <param name="associatedData">The data that was authenticated.</param>
    /// <param name="ciphertext">Ciphertext and tag; shorter than a tag is false.</param>
    /// <param name="plaintext">Exactly <see cref="TagSize"/> bytes shorter than the ciphertext (any length where that is too short); does not overlap it.</param>
    /// <returns>Whether the tag was right.</returns>
    public abstract bool TryOpen(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> ciphertext, Span<byte> plaintext);

    /// <summary>Wipes the keys that the context still holds; for the moment when a session has ended. The context stays usable.</summary>
    public abstract void ForgetKeys();

    /// <summary>Wipes the keys and frees the context. Idempotent.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Wipes the keys and frees the context.</summary>
    /// <param name="disposing">True when called by <see cref="Dispose()"/>.</param>
    protected abstract void Dispose(bool disposing);
}
