namespace PacketSec.Crypto;

/// <summary>The AEADs of the seam. Both take a 12-byte nonce and append a 16-byte tag.</summary>
public enum AeadAlgorithm
{
    /// <summary>ChaCha20-Poly1305 (RFC 8439), 32-byte key.</summary>
    ChaCha20Poly1305,

    /// <summary>AES-GCM (NIST SP 800-38D); the key's length, 16, 24 or 32 bytes, selects AES-128, AES-192 or AES-256.</summary>
    AesGcm,
}

/// <summary>The hash functions of the seam.</summary>
public enum HashAlgorithm
{
    /// <summary>SHA-256 (FIPS 180-4).</summary>
    Sha256,

    /// <summary>SHA-512 (FIPS 180-4).</summary>
    Sha512,

    /// <summary>BLAKE2s with 32 bytes of output (RFC 7693).</summary>
    Blake2s,

    /// <summary>BLAKE2b with 64 bytes of output (RFC 7693).</summary>
    Blake2b,
}

/// <summary>Sizes of the hash functions.</summary>
public static class HashAlgorithms
{
    /// <summary>The largest hash of the seam, in bytes.</summary>
    public const int MaxHashSize = 64;

    /// <summary>Returns the size of a hash in bytes.</summary>
    /// <param name="algorithm">The algorithm.</param>
    public static int HashSize(this HashAlgorithm algorithm) => algorithm switch
    {
        HashAlgorithm.Sha256 or HashAlgorithm.Blake2s => 32,
        HashAlgorithm.Sha512 or HashAlgorithm.Blake2b => 64,
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "Not a hash algorithm of the seam."),
    };

    /// <summary>Returns the block size of a hash in bytes, as HMAC uses it.</summary>
    /// <param name="algorithm">The algorithm.</param>
    public static int BlockSize(this HashAlgorithm algorithm) => algorithm switch
    {
        HashAlgorithm.Sha256 or HashAlgorithm.Blake2s => 64,
        HashAlgorithm.Sha512 or HashAlgorithm.Blake2b => 128,
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "Not a hash algorithm of the seam."),
    };
}
