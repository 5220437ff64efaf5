using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using PacketSec.Crypto;

namespace PacketSec.Protocol.Identity;

/// <summary>
/// A long-term Ed25519 identity: the private key, its public key and peer ID.
/// </summary>
/// <remarks>Safe for concurrent use until disposed. The seed is pinned in memory and zeroed on disposal.</remarks>
public sealed class IdentityKey : IDisposable
{
    /// <summary>The size of a seed in bytes.</summary>
    public const int SeedSize = Ed25519PrivateKey.Size;

    private readonly SecretKey _seed;
    private readonly Ed25519PrivateKey _key;
    private readonly X25519PrivateKey _agreementKey;

    private IdentityKey(ReadOnlySpan<byte> seed, ICryptoProvider crypto)
    {
        Crypto = crypto;
        _key = crypto.ImportEd25519PrivateKey(seed);
        _agreementKey = ToAgreementKey(seed, crypto);
        _seed = new SecretKey(seed);
        PublicKey = PublicKey.FromEd25519(_key.PublicKey);
        PeerId = PeerId.FromPublicKey(PublicKey, crypto);
    }

    /// <summary>Gets the public key.</summary>
    public PublicKey PublicKey { get; }

    /// <summary>Gets the peer ID.</summary>
    public PeerId PeerId { get; }

    /// <summary>Gets the provider that computes with the key.</summary>
    internal ICryptoProvider Crypto { get; }

    /// <summary>Gets the key that signs. It is the identity's, and is disposed with it.</summary>
    internal Ed25519PrivateKey SigningKey => _key;

    /// <summary>Gets the X25519 key of the same secret scalar. It is the identity's, and is disposed with it.</summary>
    internal X25519PrivateKey AgreementKey => _agreementKey;

    /// <summary>Gets the 32-byte seed.</summary>
    /// <exception cref="ObjectDisposedException">The identity is disposed.</exception>
    internal ReadOnlySpan<byte> Seed => _seed.Span;

    /// <summary>Makes an identity of a seed.</summary>
    /// <param name="seed">32 bytes (an RFC 8032 private key); copied, the caller wipes its own.</param>
    /// <param name="crypto">The provider that computes with the key.</param>
    /// <exception cref="ArgumentException">The seed does not have 32 bytes.</exception>
    public static IdentityKey FromSeed(ReadOnlySpan<byte> seed, ICryptoProvider crypto)
    {
        ArgumentNullException.ThrowIfNull(crypto);
        if (seed.Length != SeedSize)
        {
            throw new ArgumentException("An Ed25519 seed has 32 bytes.", nameof(seed));
        }

        return new IdentityKey(seed, crypto);
    }

    /// <summary>Makes a new identity.</summary>
    /// <param name="random">Where the seed comes from.</param>
    /// <param name="crypto">The provider that computes with the key.</param>
    public static IdentityKey Generate(IRandomSource random, ICryptoProvider crypto)
    {
        ArgumentNullException.ThrowIfNull(random);
        Span<byte> seed = stackalloc byte[SeedSize];
        try
        {
            random.Fill(seed);
            return FromSeed(seed, crypto);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    /// <summary>Reads an identity from PKCS#8 (PEM or DER) or libp2p's protobuf.</summary>
    /// <param name="encoded">The private key as it stands in a file; the caller wipes it.</param>
    /// <param name="crypto">The provider that computes with the key.</param>
    /// <param name="identity">The identity, which the caller disposes.</param>
    /// <returns>False when the bytes are no Ed25519 private key, or repeat a public key that is not the seed's.</returns>
    public static bool TryImport(ReadOnlySpan<byte> encoded, ICryptoProvider crypto, [NotNullWhen(true)] out IdentityKey? identity)
    {
        ArgumentNullException.ThrowIfNull(crypto);
        identity = null;
        Span<byte> seed = stackalloc byte[SeedSize];
        Span<byte> publicKey = stackalloc byte[SeedSize];
        try
        {
            if (!Ed25519KeyFormat.TryRead(encoded, seed, publicKey, out var hasPublicKey))
            {
                return false;
            }

            var candidate = new IdentityKey(seed, crypto);
            if (hasPublicKey && !publicKey.SequenceEqual(candidate.PublicKey.Ed25519))
            {
                candidate.Dispose();
                return false;
            }

            identity = candidate;
            return true;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    /// <summary>Returns the private key as PKCS#8 PEM (RFC 8410), which <c>openssl pkey</c> reads. The caller wipes it.</summary>
    public byte[] ExportPem() => Ed25519KeyFormat.ToPem(Seed);

    /// <summary>Returns the private key as libp2p's protobuf, 68 bytes. The caller wipes it.</summary>
    public byte[] ExportProtobuf()
    {
        var encoded = new byte[Ed25519KeyFormat.ProtobufSize];
        Ed25519KeyFormat.WriteProtobuf(Seed, PublicKey.Ed25519, encoded);
        return encoded;
    }

    /// <summary>Zeroes the private key. Idempotent.</summary>
    public void Dispose()
    {
        _key.Dispose();
        _agreementKey.Dispose();
        _seed.Dispose();
    }

    /// <summary>The scalar of a seed is the first half of its SHA-512 (RFC 8032, section 5.1.5), clamped as X25519 does.</summary>
    //= spec/secret-handshake.md#static-key
    private static X25519PrivateKey ToAgreementKey(ReadOnlySpan<byte> seed, ICryptoProvider crypto)
    {
        Span<byte> hash = stackalloc byte[64];
        try
        {
            crypto.Hash(PacketSec.Crypto.HashAlgorithm.Sha512, seed, default, hash);
            return crypto.ImportX25519PrivateKey(hash[..X25519PrivateKey.Size]);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(hash);
        }
    }
}
