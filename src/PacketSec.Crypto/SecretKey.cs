using System.Security.Cryptography;

namespace PacketSec.Crypto;

/// <summary>
/// Owns secret bytes: pinned, so that the garbage collector leaves no copies behind, and zeroed on disposal. There is no text form and no
/// equality but <see cref="FixedTimeEquals"/>.
/// </summary>
/// <remarks>Reading is safe from several threads until disposed.</remarks>
public sealed class SecretKey : IDisposable
{
    private readonly byte[] _bytes;
    private bool _disposed;

    /// <summary>Copies the secret bytes; the caller wipes its own.</summary>
    /// <param name="bytes">1 to 64 bytes.</param>
    public SecretKey(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length is 0 or > 64)
        {
            throw new ArgumentException("A secret key has 1 to 64 bytes.", nameof(bytes));
        }

        _bytes = GC.AllocateUninitializedArray<byte>(bytes.Length, pinned: true);
        bytes.CopyTo(_bytes);
    }

    /// <summary>Gets the length in bytes.</summary>
    public int Length => _bytes.Length;

    /// <summary>Gets the secret bytes.</summary>
    /// <exception cref="ObjectDisposedException">The key is wiped.</exception>
    public ReadOnlySpan<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _bytes;
        }
    }

    /// <summary>Gets the array itself, for an owner that uses it no longer once it has disposed the key.</summary>
    internal byte[] Bytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _bytes;
        }
    }

    /// <summary>Compares two secrets in time that depends on their lengths only.</summary>
    /// <param name="other">The other secret.</param>
    public bool FixedTimeEquals(SecretKey other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return CryptographicOperations.FixedTimeEquals(Span, other.Span);
    }

    /// <summary>Zeroes the secret. Idempotent.</summary>
    public void Dispose()
    {
        _disposed = true;
        CryptographicOperations.ZeroMemory(_bytes);
    }
}
