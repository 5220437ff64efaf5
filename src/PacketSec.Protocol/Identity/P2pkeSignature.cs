using PacketSec.Crypto;

namespace PacketSec.Protocol.Identity;

/// <summary>
/// The signatures of P2PKE. What is signed is never the data but its prehash under a purpose, so that no signature serves for anything else.
/// </summary>
internal static class P2pkeSignature
{
    /// <summary>The size of a prehash in bytes.</summary>
    public const int PrehashSize = 64;

    /// <summary>Gets the purpose of the claim in InitHello.</summary>
    public static ReadOnlySpan<byte> Timestamp => "p2pke/timestamp"u8;

    /// <summary>Gets the purpose of the claims in RespHello and InitDone.</summary>
    public static ReadOnlySpan<byte> ChannelBinding => "p2pke/sig-channel-binding"u8;

    /// <summary>Computes what is signed.</summary>
    /// <param name="crypto">Computes the hash.</param>
    /// <param name="purpose">What the signature is for.</param>
    /// <param name="data">The data.</param>
    /// <param name="prehash">64 bytes.</param>
    //= spec/p2pke.md#signature-prehash
    public static void Prehash(ICryptoProvider crypto, ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> data, Span<byte> prehash)
    {
        if (prehash.Length != PrehashSize)
        {
            throw new ArgumentException("A prehash has 64 bytes.", nameof(prehash));
        }

        crypto.CShake256(default, purpose, data, prehash);
    }

    /// <summary>Signs.</summary>
    /// <param name="crypto">Computes the hash.</param>
    /// <param name="key">The identity's key.</param>
    /// <param name="purpose">What the signature is for.</param>
    /// <param name="data">The data.</param>
    /// <param name="signature">64 bytes.</param>
    public static void Sign(
        ICryptoProvider crypto, Ed25519PrivateKey key, ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> data, Span<byte> signature)
    {
        Span<byte> prehash = stackalloc byte[PrehashSize];
        Prehash(crypto, purpose, data, prehash);
        key.Sign(prehash, signature);
    }

    /// <summary>Verifies a signature by a key of any kind.</summary>
    /// <param name="crypto">Verifies.</param>
    /// <param name="key">The key.</param>
    /// <param name="purpose">What the signature is for.</param>
    /// <param name="data">The data.</param>
    /// <param name="signature">The signature as received.</param>
    //= spec/p2pke.md#signature-prehash
    public static bool Verify(
        ICryptoProvider crypto, PublicKey key, ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        Span<byte> prehash = stackalloc byte[PrehashSize];
        Prehash(crypto, purpose, data, prehash);
        return key.Type switch
        {
            PublicKeyType.Ed25519 => crypto.VerifyEd25519(key.Ed25519, prehash, signature),
            PublicKeyType.EcdsaP256 => crypto.VerifyEcdsaP256(key.PublicKeyInfo, prehash, signature),
            PublicKeyType.Rsa => crypto.VerifyRsaPkcs1Raw(key.PublicKeyInfo, prehash, signature),
        };
    }
}
