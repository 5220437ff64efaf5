using PacketSec.Crypto;

namespace PacketSec.Adversary.Tools;

/// <summary>A provider before another one: what it does not change goes on as it is.</summary>
internal abstract class CryptoDecorator(ICryptoProvider inner) : ICryptoProvider
{
    public string Name => inner.Name;

    protected ICryptoProvider Inner => inner;

    public virtual X25519PrivateKey ImportX25519PrivateKey(ReadOnlySpan<byte> privateKey) => inner.ImportX25519PrivateKey(privateKey);

    public virtual Ed25519PrivateKey ImportEd25519PrivateKey(ReadOnlySpan<byte> seed) => inner.ImportEd25519PrivateKey(seed);

    public virtual bool VerifyEd25519(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
        => inner.VerifyEd25519(publicKey, message, signature);

    public virtual bool VerifyEcdsaP256(ReadOnlySpan<byte> publicKeyInfo, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
        => inner.VerifyEcdsaP256(publicKeyInfo, digest, signature);

    public virtual bool VerifyRsaPkcs1Raw(ReadOnlySpan<byte> publicKeyInfo, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
        => inner.VerifyRsaPkcs1Raw(publicKeyInfo, data, signature);

    public virtual AeadContext CreateAead(AeadAlgorithm algorithm) => inner.CreateAead(algorithm);

    public virtual void Hash(HashAlgorithm algorithm, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> hash)
        => inner.Hash(algorithm, first, second, hash);

    public virtual void Hmac(HashAlgorithm algorithm, ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> mac)
        => inner.Hmac(algorithm, key, first, second, mac);

    public virtual void Hkdf(HashAlgorithm algorithm, ReadOnlySpan<byte> inputKey, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> info, Span<byte> output)
        => inner.Hkdf(algorithm, inputKey, salt, info, output);

    public virtual void CShake256(ReadOnlySpan<byte> functionName, ReadOnlySpan<byte> customization, ReadOnlySpan<byte> data, Span<byte> output)
        => inner.CShake256(functionName, customization, data, output);
}
