namespace PacketSec.Crypto;

/// <summary>
/// The one seam between PacketSec and a cryptographic library.
/// </summary>
/// <remarks>
/// Data that may come from an attacker (ciphertexts, signatures, public keys) yields <see langword="false"/>; a caller's mistake, such as a
/// span of the wrong length, throws <see cref="ArgumentException"/>. All members are thread-safe; the objects they create are not, unless they
/// say so.
/// </remarks>
public interface ICryptoProvider
{
    /// <summary>Gets the provider's name and the version of the library behind it, for people.</summary>
    string Name { get; }

    /// <summary>Imports a 32-byte X25519 private key (RFC 7748, section 5); clamping is the provider's.</summary>
    /// <param name="privateKey">32 bytes, not necessarily clamped.</param>
    /// <returns>A key that the caller disposes.</returns>
    X25519PrivateKey ImportX25519PrivateKey(ReadOnlySpan<byte> privateKey);

    /// <summary>Imports a 32-byte Ed25519 seed (RFC 8032, section 5.1.5).</summary>
    /// <param name="seed">32 bytes.</param>
    /// <returns>A key that the caller disposes.</returns>
    Ed25519PrivateKey ImportEd25519PrivateKey(ReadOnlySpan<byte> seed);

    /// <summary>Verifies an Ed25519 signature (RFC 8032, section 5.1.7).</summary>
    /// <param name="publicKey">32 bytes. Small-order and undecodable keys verify nothing.</param>
    /// <param name="message">The message.</param>
    /// <param name="signature">64 bytes. Any other length, a small-order R, or S not below the group order is false.</param>
    bool VerifyEd25519(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature);

    /// <summary>Verifies an ECDSA signature over P-256 (FIPS 186-5, section 6.4.2).</summary>
    /// <param name="publicKeyInfo">The key as DER SubjectPublicKeyInfo.</param>
    /// <param name="digest">The digest; its leftmost 32 bytes count.</param>
    /// <param name="signature">The signature as DER.</param>
    bool VerifyEcdsaP256(ReadOnlySpan<byte> publicKeyInfo, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature);

    /// <summary>Verifies an RSA signature whose PKCS#1 v1.5 type 1 padding holds the data directly, without DigestInfo.</summary>
    /// <param name="publicKeyInfo">The key as DER SubjectPublicKeyInfo; moduli of 2048 to 4096 bits.</param>
    /// <param name="data">The data inside the padding.</param>
    /// <param name="signature">The signature, as long as the modulus.</param>
    bool VerifyRsaPkcs1Raw(ReadOnlySpan<byte> publicKeyInfo, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature);

    /// <summary>Creates an AEAD context. It belongs to one thread at a time, and takes a key with each packet.</summary>
    /// <param name="algorithm">The algorithm.</param>
    AeadContext CreateAead(AeadAlgorithm algorithm);

    /// <summary>Computes a hash over the concatenation of two spans.</summary>
    /// <param name="algorithm">The algorithm.</param>
    /// <param name="first">The first part.</param>
    /// <param name="second">The second part; may be empty.</param>
    /// <param name="hash">Exactly <see cref="HashAlgorithms.HashSize"/> bytes.</param>
    void Hash(HashAlgorithm algorithm, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> hash);

    /// <summary>Computes HMAC (RFC 2104) over the concatenation of two spans.</summary>
    /// <param name="algorithm">The hash.</param>
    /// <param name="key">The key, any length.</param>
    /// <param name="first">The first part.</param>
    /// <param name="second">The second part; may be empty.</param>
    /// <param name="mac">Exactly <see cref="HashAlgorithms.HashSize"/> bytes.</param>
    void Hmac(HashAlgorithm algorithm, ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> mac);

    /// <summary>Computes HKDF (RFC 5869): extract, then expand.</summary>
    /// <param name="algorithm">The hash.</param>
    /// <param name="inputKey">The input keying material.</param>
    /// <param name="salt">The salt; may be empty.</param>
    /// <param name="info">The context; may be empty.</param>
    /// <param name="output">The output, at most 255 hashes long.</param>
    void Hkdf(HashAlgorithm algorithm, ReadOnlySpan<byte> inputKey, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> info, Span<byte> output);

    /// <summary>Computes cSHAKE256 (NIST SP 800-185, section 3). With N and S empty it is SHAKE256.</summary>
    /// <param name="functionName">N, at most 64 bytes.</param>
    /// <param name="customization">S, at most 64 bytes.</param>
    /// <param name="data">X.</param>
    /// <param name="output">The output, any length.</param>
    void CShake256(ReadOnlySpan<byte> functionName, ReadOnlySpan<byte> customization, ReadOnlySpan<byte> data, Span<byte> output);
}
