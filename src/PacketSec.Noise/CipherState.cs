using System.Buffers.Binary;
using PacketSec.Crypto;
using static System.Security.Cryptography.CryptographicOperations;

namespace PacketSec.Noise;

/// <summary>The CipherState object (Noise revision 34, section 5.1): a key and a nonce.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class CipherState : IDisposable
{
    /// <summary>The size of a key in bytes.</summary>
    public const int KeySize = 32;

    /// <summary>Reserved for <see cref="Rekey"/>: no message ever uses it.</summary>
    public const ulong RekeyNonce = ulong.MaxValue;

    private readonly ICryptoProvider _crypto;
    private readonly AeadAlgorithm _algorithm;
    private readonly Memory<byte> _key;

    /// <summary>Made with the first use: a handshake that ends before its first key costs no native context.</summary>
    private AeadContext? _aead;

    /// <param name="crypto">The provider.</param>
    /// <param name="algorithm">The AEAD.</param>
    /// <param name="key">Pinned memory of <see cref="KeySize"/> bytes that this object holds its key in.</param>
    public CipherState(ICryptoProvider crypto, AeadAlgorithm algorithm, Memory<byte> key)
    {
        _crypto = crypto;
        _algorithm = algorithm;
        _key = key;
    }

    public bool HasKey { get; private set; }

    public ulong Nonce { get; private set; }

    /// <summary>For tests: what must be zero in the end.</summary>
    internal ReadOnlySpan<byte> Key => _key.Span;

    /// <summary>A state with a key of its own, for transport.</summary>
    public static CipherState CreateKeyed(ICryptoProvider crypto, AeadAlgorithm algorithm, ReadOnlySpan<byte> key)
    {
        var state = new CipherState(crypto, algorithm, GC.AllocateArray<byte>(KeySize, pinned: true));
        state.InitializeKey(key);
        return state;
    }

    public void InitializeKey(ReadOnlySpan<byte> key)
    {
        key.CopyTo(_key.Span);
        HasKey = true;
        Nonce = 0;
    }

    public void SetNonce(ulong nonce) => Nonce = nonce;

    /// <summary>Encrypts, or copies while there is no key.</summary>
    /// <exception cref="InvalidOperationException">All 2^64 - 1 nonces are used.</exception>
    public void EncryptWithAd(ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext)
    {
        if (!HasKey)
        {
            plaintext.CopyTo(ciphertext);
            return;
        }

        EncryptAt(Nonce, associatedData, plaintext, ciphertext);
        Nonce++;
    }

    /// <summary>Decrypts, or copies while there is no key. The nonce advances with genuine messages only.</summary>
    /// <returns>False for a wrong tag, and when all 2^64 - 1 nonces are used.</returns>
    public bool TryDecryptWithAd(ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> ciphertext, Span<byte> plaintext)
    {
        if (!HasKey)
        {
            ciphertext.CopyTo(plaintext);
            return true;
        }

        if (!TryDecryptAt(Nonce, associatedData, ciphertext, plaintext))
        {
            return false;
        }

        Nonce++;
        return true;
    }

    /// <summary>Encrypts under a given nonce.</summary>
    public void EncryptAt(ulong nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext)
    {
        if (nonce == RekeyNonce)
        {
            throw new InvalidOperationException("All nonces of this key are used.");
        }

        Seal(nonce, associatedData, plaintext, ciphertext);
    }

    /// <summary>Decrypts under a given nonce; the reserved one decrypts nothing.</summary>
    public bool TryDecryptAt(ulong nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> ciphertext, Span<byte> plaintext)
    {
        if (nonce == RekeyNonce)
        {
            return false;
        }

        Span<byte> encoded = stackalloc byte[AeadContext.NonceSize];
        EncodeNonce(nonce, encoded);
        return Aead.TryOpen(_key.Span, encoded, associatedData, ciphertext, plaintext);
    }

    /// <summary>Replaces the key by the first 32 bytes of 32 zeros encrypted under the reserved nonce (sections 4.2 and 5.1).</summary>
    public void Rekey()
    {
        Span<byte> sealedZeros = stackalloc byte[KeySize + AeadContext.TagSize];
        sealedZeros.Clear();
        try
        {
            Seal(RekeyNonce, [], sealedZeros[..KeySize], sealedZeros);
            sealedZeros[..KeySize].CopyTo(_key.Span);
        }
        finally
        {
            ZeroMemory(sealedZeros);
        }
    }

    /// <summary>Completes the taking back of a state whose key the caller has already put into this object's memory.</summary>
    public void Restore(bool hasKey, ulong nonce)
    {
        HasKey = hasKey;
        Nonce = nonce;
    }

    public void Dispose()
    {
        ZeroMemory(_key.Span);
        HasKey = false;
        _aead?.Dispose();
        _aead = null;
    }

    private AeadContext Aead => _aead ??= _crypto.CreateAead(_algorithm);

    private void Seal(ulong nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext)
    {
        Span<byte> encoded = stackalloc byte[AeadContext.NonceSize];
        EncodeNonce(nonce, encoded);
        Aead.Seal(_key.Span, encoded, associatedData, plaintext, ciphertext);
    }

    /// <summary>Section 12: 32 zero bits, then the nonce, little-endian for ChaChaPoly and big-endian for AESGCM.</summary>
    private void EncodeNonce(ulong nonce, Span<byte> encoded)
    {
        encoded[..4].Clear();
        if (_algorithm == AeadAlgorithm.ChaCha20Poly1305)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(encoded[4..], nonce);
        }
        else
        {
            BinaryPrimitives.WriteUInt64BigEndian(encoded[4..], nonce);
        }
    }
}
