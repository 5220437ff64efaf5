using PacketSec.Crypto;

namespace PacketSec.Protocol.Schemes;

/// <summary>
/// 32 random bytes that all members of a network have: with them <c>secret-handshake-1</c> does not even answer strangers. Owned by whoever makes it,
/// and zeroed on disposal.
/// </summary>
/// <remarks>Safe for concurrent use until disposed. Endpoints take a copy.</remarks>
public sealed class NetworkKey : IDisposable
{
    /// <summary>The size in bytes.</summary>
    public const int Size = 32;

    private readonly SecretKey _key;

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
}
