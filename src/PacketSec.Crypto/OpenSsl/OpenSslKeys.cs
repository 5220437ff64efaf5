using System.Runtime.InteropServices;

namespace PacketSec.Crypto.OpenSsl;

/// <summary>Import of keys, and verification with the kinds of key that only P2PKE peers have.</summary>
internal static unsafe class OpenSslKeys
{
    /// <summary>Longer than any key that is accepted: RSA with 4096 bits takes 550 bytes.</summary>
    private const int MaxPublicKeyInfo = 640;

    private const int P256DigestSize = 32;
    private const int MinRsaBits = 2048;
    private const int MaxRsaBits = 4096;

    /// <summary>The exponent stays within 31 bits, as the verifiers of other peers want it; larger ones only cost time.</summary>
    private const int MaxRsaExponentBits = 31;

    /// <summary>
    /// How every accepted P-256 key starts (RFC 5480): id-ecPublicKey, the curve by its name, a point of 65 bytes, uncompressed.
    /// </summary>
    private static ReadOnlySpan<byte> P256Prefix =>
    [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
        0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];

    internal static KeyHandle ImportPrivate(ReadOnlySpan<byte> type, ReadOnlySpan<byte> privateKey, Span<byte> publicKey)
    {
        nint pointer;
        fixed (byte* name = type, bytes = privateKey)
        {
            pointer = LibCrypto.EVP_PKEY_new_raw_private_key_ex(0, name, null, bytes, (nuint)privateKey.Length);
        }

        var key = new KeyHandle(pointer, "EVP_PKEY_new_raw_private_key_ex");
        fixed (byte* bytes = publicKey)
        {
            var length = (nuint)publicKey.Length;
            if (LibCrypto.EVP_PKEY_get_raw_public_key(key.Pointer, bytes, &length) != 1)
            {
                key.Dispose();
                throw OpenSslError.Take("EVP_PKEY_get_raw_public_key");
            }
        }

        return key;
    }

    internal static KeyHandle ImportPublic(ReadOnlySpan<byte> type, ReadOnlySpan<byte> publicKey)
    {
        fixed (byte* name = type, bytes = publicKey)
        {
            var pointer = LibCrypto.EVP_PKEY_new_raw_public_key_ex(0, name, null, bytes, (nuint)publicKey.Length);
            return new KeyHandle(pointer, "EVP_PKEY_new_raw_public_key_ex");
        }
    }

    /// <summary>Reads the result of a verification, and drops what a refusal left in the error queue.</summary>
    internal static bool IsVerified(int result)
    {
        if (result == 1)
        {
            return true;
        }

        OpenSslError.Drop();
        return false;
    }

    internal static bool VerifyEcdsaP256(ReadOnlySpan<byte> publicKeyInfo, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
    {
        if (digest.Length < P256DigestSize)
        {
            throw new ArgumentException("A digest has at least 32 bytes.", nameof(digest));
        }

        if (!publicKeyInfo.StartsWith(P256Prefix))
        {
            return false;
        }

        using var key = Decode(publicKeyInfo, "EC"u8);
        return key is not null && Verify(key, padding: null, digest[..P256DigestSize], signature);
    }

    internal static bool VerifyRsaPkcs1Raw(ReadOnlySpan<byte> publicKeyInfo, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (data.IsEmpty)
        {
            throw new ArgumentException("The data has at least one byte.", nameof(data));
        }

        using var key = Decode(publicKeyInfo, "RSA"u8);
        if (key is null)
        {
            return false;
        }

        var bits = LibCrypto.EVP_PKEY_get_bits(key.Pointer);
        return bits is >= MinRsaBits and <= MaxRsaBits
            && signature.Length == (bits + 7) / 8
            && HasSaneExponent(key)
            && Verify(key, LibCrypto.RsaPkcs1Padding, data, signature);
    }

    /// <summary>Decodes a key of the named type; null for anything else, and for any encoding but the one that DER allows.</summary>
    private static KeyHandle? Decode(ReadOnlySpan<byte> publicKeyInfo, ReadOnlySpan<byte> type)
    {
        if (publicKeyInfo.IsEmpty || publicKeyInfo.Length > MaxPublicKeyInfo)
        {
            return null;
        }

        nint pointer;
        fixed (byte* start = publicKeyInfo)
        {
            var next = start;
            pointer = LibCrypto.d2i_PUBKEY(null, &next, new CLong(publicKeyInfo.Length));
        }

        if (pointer == 0)
        {
            OpenSslError.Drop();
            return null;
        }

        var key = new KeyHandle(pointer, "d2i_PUBKEY");
        if (IsOfType(key, type) && EncodesTo(key, publicKeyInfo))
        {
            return key;
        }

        key.Dispose();
        OpenSslError.Drop();
        return null;
    }

    private static bool IsOfType(KeyHandle key, ReadOnlySpan<byte> type)
    {
        fixed (byte* name = type)
        {
            return LibCrypto.EVP_PKEY_is_a(key.Pointer, name) == 1;
        }
    }

    // The decoder takes BER and ignores what follows the key; encoding again finds both.
    private static bool EncodesTo(KeyHandle key, ReadOnlySpan<byte> expected)
    {
        if (LibCrypto.i2d_PUBKEY(key.Pointer, null) != expected.Length)
        {
            return false;
        }

        var encoded = stackalloc byte[MaxPublicKeyInfo];
        var next = encoded;
        return LibCrypto.i2d_PUBKEY(key.Pointer, &next) == expected.Length
            && new ReadOnlySpan<byte>(encoded, expected.Length).SequenceEqual(expected);
    }

    private static bool HasSaneExponent(KeyHandle key)
    {
        nint exponent = 0;
        fixed (byte* name = "e"u8)
        {
            OpenSslError.ThrowUnlessOne(LibCrypto.EVP_PKEY_get_bn_param(key.Pointer, name, &exponent), "EVP_PKEY_get_bn_param");
        }

        var sane = LibCrypto.BN_is_odd(exponent) == 1 && LibCrypto.BN_num_bits(exponent) is > 1 and <= MaxRsaExponentBits;
        LibCrypto.BN_free(exponent);
        return sane;
    }

    private static bool Verify(KeyHandle key, int? padding, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (signature.IsEmpty)
        {
            return false;
        }

        using var context = new KeyContextHandle(LibCrypto.EVP_PKEY_CTX_new_from_pkey(0, key.Pointer, null), "EVP_PKEY_CTX_new_from_pkey");
        OpenSslError.ThrowUnlessOne(LibCrypto.EVP_PKEY_verify_init(context.Pointer), "EVP_PKEY_verify_init");
        if (padding is { } mode)
        {
            OpenSslError.ThrowUnlessOne(LibCrypto.EVP_PKEY_CTX_set_rsa_padding(context.Pointer, mode), "EVP_PKEY_CTX_set_rsa_padding");
        }

        fixed (byte* input = data, sig = signature)
        {
            return IsVerified(LibCrypto.EVP_PKEY_verify(context.Pointer, sig, (nuint)signature.Length, input, (nuint)data.Length));
        }
    }
}
