using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace PacketSec.Crypto.OpenSsl;

/// <summary>The seam over OpenSSL 3's libcrypto.</summary>
internal sealed unsafe class OpenSslProvider : ICryptoProvider
{
    private readonly OpenSslAlgorithms _algorithms;

    /// <summary>Loads libcrypto.</summary>
    /// <exception cref="PlatformNotSupportedException">It is missing, older than 3.0, or lacks an algorithm; the message says which and what to install.</exception>
    internal OpenSslProvider()
    {
        NativeLibraries.RequireLibCrypto();
        // A clean-up at process exit would free what other threads still use.
        OpenSslError.ThrowUnlessOne(LibCrypto.OPENSSL_init_crypto(LibCrypto.InitNoAtExit, 0), "OPENSSL_init_crypto");
        Name = Marshal.PtrToStringUTF8((nint)LibCrypto.OpenSSL_version(0)) ?? "OpenSSL";
        try
        {
            _algorithms = new OpenSslAlgorithms();
        }
        catch (CryptographicException e)
        {
            throw new PlatformNotSupportedException($"{Name} is built or configured without an algorithm that PacketSec needs. {e.Message}", e);
        }
    }

    public string Name { get; }

    public X25519PrivateKey ImportX25519PrivateKey(ReadOnlySpan<byte> privateKey) => new OpenSslX25519(privateKey);

    public Ed25519PrivateKey ImportEd25519PrivateKey(ReadOnlySpan<byte> seed) => new OpenSslEd25519(seed);

    public bool VerifyEd25519(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
        => Curve25519Rules.AdmitsEd25519(publicKey, signature) && OpenSslEd25519.Verify(publicKey, message, signature);

    public bool VerifyEcdsaP256(ReadOnlySpan<byte> publicKeyInfo, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
        => OpenSslKeys.VerifyEcdsaP256(publicKeyInfo, digest, signature);

    public bool VerifyRsaPkcs1Raw(ReadOnlySpan<byte> publicKeyInfo, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
        => OpenSslKeys.VerifyRsaPkcs1Raw(publicKeyInfo, data, signature);

    public AeadContext CreateAead(AeadAlgorithm algorithm)
        => algorithm is AeadAlgorithm.ChaCha20Poly1305 or AeadAlgorithm.AesGcm
            ? new OpenSslAead(_algorithms, algorithm)
            : throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "Not an AEAD of the seam.");

    public void Hash(HashAlgorithm algorithm, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> hash)
        => OpenSslHashing.Hash(_algorithms, algorithm, first, second, hash);

    public void Hmac(HashAlgorithm algorithm, ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> mac)
        => OpenSslHashing.Hmac(_algorithms, algorithm, key, first, second, mac);

    public void Hkdf(HashAlgorithm algorithm, ReadOnlySpan<byte> inputKey, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> info, Span<byte> output)
        => OpenSslHashing.Hkdf(_algorithms, algorithm, inputKey, salt, info, output);

    public void CShake256(ReadOnlySpan<byte> functionName, ReadOnlySpan<byte> customization, ReadOnlySpan<byte> data, Span<byte> output)
        => OpenSslHashing.CShake256(_algorithms, functionName, customization, data, output);
}
