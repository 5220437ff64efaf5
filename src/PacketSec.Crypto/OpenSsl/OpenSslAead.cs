using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace PacketSec.Crypto.OpenSsl;

/// <summary>An AEAD of libcrypto: one native context per direction, the nonce set with each packet, the key where it has changed.</summary>
internal sealed unsafe class OpenSslAead(OpenSslAlgorithms algorithms, AeadAlgorithm algorithm) : AeadContext
{
    private readonly OpenSslCipherState _seal = new(algorithms, algorithm);
    private readonly OpenSslCipherState _open = new(algorithms, algorithm);

    public override void Seal(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext)
    {
        CheckKeyAndNonce(key, nonce);
        if (ciphertext.Length < TagSize || ciphertext.Length - TagSize != plaintext.Length)
        {
            throw new ArgumentException("The ciphertext is exactly 16 bytes longer than the plaintext.", nameof(ciphertext));
        }

        if (plaintext.Overlaps(ciphertext, out var offset) && offset != 0)
        {
            throw new ArgumentException("The plaintext starts where the ciphertext starts, or does not overlap it.", nameof(ciphertext));
        }

        using var lease = new HandleLease(_seal.Handle);
        var newKey = _seal.Select(key, out var cipher);
        if (!Seal(lease.Pointer, cipher, newKey, nonce, associatedData, plaintext, ciphertext))
        {
            _seal.Forget();
            CryptographicOperations.ZeroMemory(ciphertext);
            throw OpenSslError.Take("EVP_Encrypt");
        }
    }

    public override bool TryOpen(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> ciphertext, Span<byte> plaintext)
    {
        CheckKeyAndNonce(key, nonce);
        using var lease = new HandleLease(_open.Handle);
        if (ciphertext.Length < TagSize)
        {
            CryptographicOperations.ZeroMemory(plaintext);
            return false;
        }

        if (ciphertext.Length - TagSize != plaintext.Length)
        {
            throw new ArgumentException("The plaintext is exactly 16 bytes shorter than the ciphertext.", nameof(plaintext));
        }

        if (ciphertext.Overlaps(plaintext))
        {
            throw new ArgumentException("The plaintext does not overlap the ciphertext.", nameof(plaintext));
        }

        var newKey = _open.Select(key, out var cipher);
        var authentic = Open(lease.Pointer, cipher, newKey, nonce, associatedData, ciphertext, plaintext, out var ready);
        if (authentic)
        {
            return true;
        }

        CryptographicOperations.ZeroMemory(plaintext);
        if (!ready)
        {
            _open.Forget();
            throw OpenSslError.Take("EVP_Decrypt");
        }

        // A wrong tag leaves nothing in the queue of errors, and to look there costs a hundredth of a packet.
        return false;
    }

    public override void ForgetKeys()
    {
        _seal.Forget();
        _open.Forget();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _seal.Dispose();
            _open.Dispose();
        }
    }

    // Methods of their own: within the lease's try block the compiler would not inline the transition to native code, which happens five times.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Seal(
        nint context,
        nint cipher,
        ReadOnlySpan<byte> key,
        ReadOnlySpan<byte> nonce,
        ReadOnlySpan<byte> associatedData,
        ReadOnlySpan<byte> plaintext,
        Span<byte> ciphertext)
    {
        fixed (byte* k = key, n = nonce, aad = associatedData, input = plaintext, output = ciphertext)
        {
            int written;
            return LibCrypto.EVP_EncryptInit_ex2(context, cipher, k, n, 0) == 1
                && (associatedData.IsEmpty || LibCrypto.EVP_EncryptUpdate(context, null, &written, aad, associatedData.Length) == 1)
                && (plaintext.IsEmpty || LibCrypto.EVP_EncryptUpdate(context, output, &written, input, plaintext.Length) == 1)
                && LibCrypto.EVP_EncryptFinal_ex(context, output + plaintext.Length, &written) == 1
                && LibCrypto.EVP_CIPHER_CTX_ctrl(context, LibCrypto.ControlAeadGetTag, TagSize, output + plaintext.Length) == 1;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Open(
        nint context,
        nint cipher,
        ReadOnlySpan<byte> key,
        ReadOnlySpan<byte> nonce,
        ReadOnlySpan<byte> associatedData,
        ReadOnlySpan<byte> ciphertext,
        Span<byte> plaintext,
        out bool ready)
    {
        fixed (byte* k = key, n = nonce, aad = associatedData, input = ciphertext, output = plaintext)
        {
            int written;

            // The final call writes nothing, but wants a place to write to.
            byte nowhere;
            ready = LibCrypto.EVP_DecryptInit_ex2(context, cipher, k, n, 0) == 1
                && LibCrypto.EVP_CIPHER_CTX_ctrl(context, LibCrypto.ControlAeadSetTag, TagSize, input + plaintext.Length) == 1
                && (associatedData.IsEmpty || LibCrypto.EVP_DecryptUpdate(context, null, &written, aad, associatedData.Length) == 1)
                && (plaintext.IsEmpty || LibCrypto.EVP_DecryptUpdate(context, output, &written, input, plaintext.Length) == 1);
            return ready && LibCrypto.EVP_DecryptFinal_ex(context, &nowhere, &written) == 1;
        }
    }

    private void CheckKeyAndNonce(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce)
    {
        var fits = algorithm == AeadAlgorithm.ChaCha20Poly1305 ? key.Length == 32 : key.Length is 16 or 24 or 32;
        if (!fits)
        {
            throw new ArgumentException("A key has 32 bytes; that of AES-GCM may also have 16 or 24.", nameof(key));
        }

        if (nonce.Length != NonceSize)
        {
            throw new ArgumentException("A nonce has 12 bytes.", nameof(nonce));
        }
    }
}
