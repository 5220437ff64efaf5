using System.Runtime.InteropServices;

namespace PacketSec.Crypto.OpenSsl;

/// <summary>
/// The functions of OpenSSL 3's libcrypto that PacketSec calls, blittable. Pointers to long-lived objects are owned by the handles of
/// Handles.cs; see the OpenSSL manual pages of the same names.
/// </summary>
internal static unsafe partial class LibCrypto
{
    internal const int ControlAeadGetTag = 0x10;
    internal const int ControlAeadSetTag = 0x11;
    internal const int RsaPkcs1Padding = 1;
    internal const ulong InitNoAtExit = 0x0008_0000;

    private const string Library = NativeLibraries.LibCrypto;

    [LibraryImport(Library)]
    internal static partial int OPENSSL_init_crypto(ulong options, nint settings);

    [LibraryImport(Library)]
    internal static partial byte* OpenSSL_version(int kind);

    [LibraryImport(Library)]
    internal static partial nuint ERR_peek_last_error();

    [LibraryImport(Library)]
    internal static partial nuint ERR_peek_error();

    [LibraryImport(Library)]
    internal static partial void ERR_error_string_n(nuint error, byte* text, nuint length);

    [LibraryImport(Library)]
    internal static partial void ERR_clear_error();

    [LibraryImport(Library)]
    internal static partial nint EVP_CIPHER_fetch(nint libraryContext, byte* name, byte* properties);

    [LibraryImport(Library)]
    internal static partial void EVP_CIPHER_free(nint cipher);

    [LibraryImport(Library)]
    internal static partial nint EVP_CIPHER_CTX_new();

    [LibraryImport(Library)]
    internal static partial void EVP_CIPHER_CTX_free(nint context);

    [LibraryImport(Library)]
    internal static partial int EVP_CIPHER_CTX_reset(nint context);

    [LibraryImport(Library)]
    internal static partial int EVP_CIPHER_CTX_ctrl(nint context, int control, int length, byte* value);

    [LibraryImport(Library)]
    internal static partial int EVP_EncryptInit_ex2(nint context, nint cipher, byte* key, byte* nonce, nint parameters);

    [LibraryImport(Library)]
    internal static partial int EVP_EncryptUpdate(nint context, byte* output, int* written, byte* input, int length);

    [LibraryImport(Library)]
    internal static partial int EVP_EncryptFinal_ex(nint context, byte* output, int* written);

    [LibraryImport(Library)]
    internal static partial int EVP_DecryptInit_ex2(nint context, nint cipher, byte* key, byte* nonce, nint parameters);

    [LibraryImport(Library)]
    internal static partial int EVP_DecryptUpdate(nint context, byte* output, int* written, byte* input, int length);

    [LibraryImport(Library)]
    internal static partial int EVP_DecryptFinal_ex(nint context, byte* output, int* written);

    [LibraryImport(Library)]
    internal static partial nint EVP_MD_fetch(nint libraryContext, byte* name, byte* properties);

    [LibraryImport(Library)]
    internal static partial void EVP_MD_free(nint digest);

    [LibraryImport(Library)]
    internal static partial nint EVP_MD_CTX_new();

    [LibraryImport(Library)]
    internal static partial void EVP_MD_CTX_free(nint context);

    [LibraryImport(Library)]
    internal static partial int EVP_DigestInit_ex2(nint context, nint digest, nint parameters);

    [LibraryImport(Library)]
    internal static partial int EVP_DigestUpdate(nint context, byte* data, nuint length);

    [LibraryImport(Library)]
    internal static partial int EVP_DigestFinal_ex(nint context, byte* hash, uint* length);

    [LibraryImport(Library)]
    internal static partial int EVP_DigestFinalXOF(nint context, byte* output, nuint length);

    [LibraryImport(Library)]
    internal static partial nint EVP_MAC_fetch(nint libraryContext, byte* name, byte* properties);

    [LibraryImport(Library)]
    internal static partial void EVP_MAC_free(nint mac);

    [LibraryImport(Library)]
    internal static partial nint EVP_MAC_CTX_new(nint mac);

    [LibraryImport(Library)]
    internal static partial nint EVP_MAC_CTX_dup(nint context);

    [LibraryImport(Library)]
    internal static partial void EVP_MAC_CTX_free(nint context);

    [LibraryImport(Library)]
    internal static partial int EVP_MAC_init(nint context, byte* key, nuint keyLength, Parameter* parameters);

    [LibraryImport(Library)]
    internal static partial int EVP_MAC_update(nint context, byte* data, nuint length);

    [LibraryImport(Library)]
    internal static partial int EVP_MAC_final(nint context, byte* mac, nuint* length, nuint size);

    [LibraryImport(Library)]
    internal static partial nint EVP_PKEY_new_raw_private_key_ex(nint libraryContext, byte* type, byte* properties, byte* key, nuint length);

    [LibraryImport(Library)]
    internal static partial nint EVP_PKEY_new_raw_public_key_ex(nint libraryContext, byte* type, byte* properties, byte* key, nuint length);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_get_raw_public_key(nint key, byte* publicKey, nuint* length);

    [LibraryImport(Library)]
    internal static partial void EVP_PKEY_free(nint key);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_is_a(nint key, byte* name);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_get_bits(nint key);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_get_bn_param(nint key, byte* name, nint* number);

    [LibraryImport(Library)]
    internal static partial nint d2i_PUBKEY(nint* reused, byte** input, CLong length);

    [LibraryImport(Library)]
    internal static partial int i2d_PUBKEY(nint key, byte** output);

    [LibraryImport(Library)]
    internal static partial nint EVP_PKEY_CTX_new_from_pkey(nint libraryContext, nint key, byte* properties);

    [LibraryImport(Library)]
    internal static partial void EVP_PKEY_CTX_free(nint context);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_derive_init(nint context);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_derive_set_peer_ex(nint context, nint peer, int validate);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_derive(nint context, byte* secret, nuint* length);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_verify_init(nint context);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_CTX_set_rsa_padding(nint context, int padding);

    [LibraryImport(Library)]
    internal static partial int EVP_PKEY_verify(nint context, byte* signature, nuint signatureLength, byte* data, nuint dataLength);

    [LibraryImport(Library)]
    internal static partial int EVP_DigestSignInit_ex(
        nint context, nint* keyContext, byte* digest, nint libraryContext, byte* properties, nint key, nint parameters);

    [LibraryImport(Library)]
    internal static partial int EVP_DigestSign(nint context, byte* signature, nuint* signatureLength, byte* data, nuint length);

    [LibraryImport(Library)]
    internal static partial int EVP_DigestVerifyInit_ex(
        nint context, nint* keyContext, byte* digest, nint libraryContext, byte* properties, nint key, nint parameters);

    [LibraryImport(Library)]
    internal static partial int EVP_DigestVerify(nint context, byte* signature, nuint signatureLength, byte* data, nuint length);

    [LibraryImport(Library)]
    internal static partial int BN_num_bits(nint number);

    [LibraryImport(Library)]
    internal static partial int BN_is_odd(nint number);

    [LibraryImport(Library)]
    internal static partial void BN_free(nint number);

    /// <summary>OSSL_PARAM: a named value; an array of them ends with one without a name.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Parameter
    {
        internal const uint Utf8String = 4;

        internal byte* Key;
        internal uint DataType;
        internal byte* Data;
        internal nuint DataSize;
        internal nuint ReturnSize;
    }
}
