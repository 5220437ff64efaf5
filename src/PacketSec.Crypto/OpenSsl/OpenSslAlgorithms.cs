namespace PacketSec.Crypto.OpenSsl;

/// <summary>The algorithms of libcrypto, fetched once. They live as long as the process.</summary>
/// <remarks>Thread-safe: libcrypto only reads a fetched algorithm.</remarks>
#pragma warning disable CA1001 // Nothing disposes the handles: whatever a provider has made may use them until the process ends.
internal sealed unsafe class OpenSslAlgorithms
#pragma warning restore CA1001
{
    private readonly CipherHandle _chaCha20Poly1305 = new("ChaCha20-Poly1305"u8);
    private readonly CipherHandle _aes128Gcm = new("AES-128-GCM"u8);
    private readonly CipherHandle _aes192Gcm = new("AES-192-GCM"u8);
    private readonly CipherHandle _aes256Gcm = new("AES-256-GCM"u8);
    private readonly DigestHandle _sha256 = new("SHA2-256"u8);
    private readonly DigestHandle _sha512 = new("SHA2-512"u8);
    private readonly DigestHandle _blake2s = new("BLAKE2S-256"u8);
    private readonly DigestHandle _blake2b = new("BLAKE2B-512"u8);
    private readonly DigestHandle _shake256 = new("SHAKE-256"u8);
    private readonly DigestHandle _cShake256 = new("KECCAK-KMAC-256"u8);
    private readonly MacContextHandle _hmacSha256 = HmacTemplate("SHA2-256"u8);
    private readonly MacContextHandle _hmacSha512 = HmacTemplate("SHA2-512"u8);
    private readonly MacContextHandle _hmacBlake2s = HmacTemplate("BLAKE2S-256"u8);
    private readonly MacContextHandle _hmacBlake2b = HmacTemplate("BLAKE2B-512"u8);

    internal nint Shake256 => _shake256.Pointer;

    /// <summary>Gets the digest under cSHAKE256 and KMAC256: Keccak with capacity 512 and the suffix bits 00.</summary>
    internal nint CShake256 => _cShake256.Pointer;

    internal nint Cipher(AeadAlgorithm algorithm, int keyLength) => (algorithm, keyLength) switch
    {
        (AeadAlgorithm.ChaCha20Poly1305, 32) => _chaCha20Poly1305.Pointer,
        (AeadAlgorithm.AesGcm, 16) => _aes128Gcm.Pointer,
        (AeadAlgorithm.AesGcm, 24) => _aes192Gcm.Pointer,
        (AeadAlgorithm.AesGcm, 32) => _aes256Gcm.Pointer,
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "Not an AEAD of the seam, or not its key length."),
    };

    internal nint Digest(HashAlgorithm algorithm) => algorithm switch
    {
        HashAlgorithm.Sha256 => _sha256.Pointer,
        HashAlgorithm.Sha512 => _sha512.Pointer,
        HashAlgorithm.Blake2s => _blake2s.Pointer,
        HashAlgorithm.Blake2b => _blake2b.Pointer,
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "Not a hash algorithm of the seam."),
    };

    internal nint Hmac(HashAlgorithm algorithm) => algorithm switch
    {
        HashAlgorithm.Sha256 => _hmacSha256.Pointer,
        HashAlgorithm.Sha512 => _hmacSha512.Pointer,
        HashAlgorithm.Blake2s => _hmacBlake2s.Pointer,
        HashAlgorithm.Blake2b => _hmacBlake2b.Pointer,
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "Not a hash algorithm of the seam."),
    };

    // A context that knows its digest and is keyed can be duplicated; naming the digest for each MAC would look it up by name each time.
    private static MacContextHandle HmacTemplate(ReadOnlySpan<byte> digest)
    {
        fixed (byte* hmac = "HMAC"u8, parameter = "digest"u8, name = digest)
        {
            var mac = LibCrypto.EVP_MAC_fetch(0, hmac, null);
            if (mac == 0)
            {
                throw OpenSslError.Take("EVP_MAC_fetch");
            }

            MacContextHandle template;
            try
            {
                template = new MacContextHandle(LibCrypto.EVP_MAC_CTX_new(mac));
            }
            finally
            {
                // The context holds a reference of its own.
                LibCrypto.EVP_MAC_free(mac);
            }

            var parameters = stackalloc LibCrypto.Parameter[2];
            parameters[0] = new LibCrypto.Parameter
            {
                Key = parameter,
                DataType = LibCrypto.Parameter.Utf8String,
                Data = name,
                DataSize = (nuint)digest.Length,
            };
            parameters[1] = default;
            byte anyKey = 0;
            if (LibCrypto.EVP_MAC_init(template.Pointer, &anyKey, 1, parameters) != 1)
            {
                template.Dispose();
                throw OpenSslError.Take("EVP_MAC_init");
            }

            return template;
        }
    }
}
