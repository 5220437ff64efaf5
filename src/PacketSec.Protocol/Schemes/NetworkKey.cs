using PacketSec.Crypto;

namespace PacketSec.Protocol.Schemes;

/// <summary>
/// 32 random bytes that all members of a network have: with them <c>secret-handshake-1</c> does not even answer strangers. Owned by whoever makes it,
/// and zeroed on disposal.
/// </summary>
/// <remarks>Safe for concurrent use until disposed. It outlives the endpoints that use it.</remarks>
public sealed class NetworkKey : IDisposable
{
    /// <summary>The size in bytes.</summary>
    public const int Size = 32;

    private readonly SecretKey _key;
    private byte[]? _digest;

    /// <summary>Copies the key; the caller wipes its own.</summary>
    /// <param name="key">32 random bytes. A phrase that people can remember is none: guesses can be tried on what was overheard.</param>
    /// <exception cref="ArgumentException">The key does not have 32 bytes, or all of them are zero.</exception>
    public NetworkKey(ReadOnlySpan<byte> key)
    {
        if (key.Length != Size)
        {
            throw new ArgumentException($"A network key has {Size} bytes, not {key.Length}.", nameof(key));
        }

        if (!key.ContainsAnyExcept((byte)0))
        {
            throw new ArgumentException("The network key is all zero: it was never filled.", nameof(key));
        }

        _key = new SecretKey(key);
    }

    internal ReadOnlySpan<byte> Span => _key.Span;

    /// <summary>Zeroes the key. Idempotent.</summary>
    public void Dispose() => _key.Dispose();

    /// <summary>Returns the SHA-256 of the key.</summary>
    internal ReadOnlySpan<byte> Digest(ICryptoProvider crypto)
    {
        if (_digest is null)
        {
            var digest = new byte[HashAlgorithm.Sha256.HashSize()];
            crypto.Hash(HashAlgorithm.Sha256, _key.Span, default, digest);
            _digest = digest;
        }

        return _digest;
    }
}
