using System.Runtime.InteropServices;

namespace PacketSec.Crypto.Sodium;

/// <summary>The seam with Ed25519 and X25519 by libsodium, which takes half the time for them, and all else by another provider.</summary>
internal sealed unsafe class SodiumProvider : ICryptoProvider
{
    private readonly ICryptoProvider _others;

    private SodiumProvider(ICryptoProvider others)
    {
        _others = others;
        Name = $"libsodium {Marshal.PtrToStringUTF8((nint)LibSodium.sodium_version_string())} (Curve25519), {others.Name}";
    }

    public string Name { get; }

    /// <summary>Makes the provider; null where libsodium is absent.</summary>
    /// <param name="others">The provider of everything but Curve25519.</param>
    internal static SodiumProvider? TryCreate(ICryptoProvider others)
        => NativeLibraries.HasLibSodium() && LibSodium.sodium_init() >= 0 ? new SodiumProvider(others) : null;

    public X25519PrivateKey ImportX25519PrivateKey(ReadOnlySpan<byte> privateKey) => new SodiumX25519(privateKey);

    public Ed25519PrivateKey ImportEd25519PrivateKey(ReadOnlySpan<byte> seed) => new SodiumEd25519(seed);

    public bool VerifyEd25519(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
        => Curve25519Rules.AdmitsEd25519(publicKey, signature) && SodiumEd25519.Verify(publicKey, message, signature);

    public bool VerifyEcdsaP256(ReadOnlySpan<byte> publicKeyInfo, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
        => _others.VerifyEcdsaP256(publicKeyInfo, digest, signature);

    public bool VerifyRsaPkcs1Raw(ReadOnlySpan<byte> publicKeyInfo, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
        => _others.VerifyRsaPkcs1Raw(publicKeyInfo, data, signature);

    public AeadContext CreateAead(AeadAlgorithm algorithm) => _others.CreateAead(algorithm);

    public void Hash(HashAlgorithm algorithm, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> hash)
        => _others.Hash(algorithm, first, second, hash);

    public void Hmac(HashAlgorithm algorithm, ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> mac)
        => _others.Hmac(algorithm, key, first, second, mac);

    public void Hkdf(HashAlgorithm algorithm, ReadOnlySpan<byte> inputKey, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> info, Span<byte> output)
        => _others.Hkdf(algorithm, inputKey, salt, info, output);

    public void CShake256(ReadOnlySpan<byte> functionName, ReadOnlySpan<byte> customization, ReadOnlySpan<byte> data, Span<byte> output)
        => _others.CShake256(functionName, customization, data, output);
}
