using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Simulation;

namespace PacketSec.Adversary.Parties;

/// <summary>What everybody may know of somebody: the public keys.</summary>
internal sealed class Face
{
    private readonly Lazy<byte[]> _x25519;
    private readonly Lazy<KeySearch> _search;

    public Face(ReadOnlySpan<byte> ed25519)
    {
        Ed25519 = ed25519.ToArray();
        PublicKey = PublicKey.FromEd25519(Ed25519);
        PeerId = PeerId.FromPublicKey(PublicKey, CryptoProvider.Default);
        _search = new(() => new(this));

        // Most worlds never ask, and mapping takes longer than an agreement.
        _x25519 = new(() =>
        {
            var mapped = new byte[X25519PrivateKey.Size];
            EdwardsToMontgomery.TryMap(Ed25519, mapped);
            return mapped;
        });
    }

    public byte[] Ed25519 { get; }

    public byte[] X25519 => _x25519.Value;

    public PublicKey PublicKey { get; }

    public PeerId PeerId { get; }

    /// <summary>Gets what finds the key in bytes.</summary>
    public KeySearch Search => _search.Value;

    public bool Is(ReadOnlySpan<byte> ed25519) => ed25519.SequenceEqual(Ed25519);
}

/// <summary>Somebody with a long-term key pair.</summary>
internal sealed class Persona
{
    private const int Remembered = 64;

    // The worlds of one seed share their persons, and making one costs more than a handshake.
    [ThreadStatic]
    private static Dictionary<(ulong Seed, string Name), Persona>? s_recent;

    private readonly Lazy<X25519PrivateKey> _agreementKey;

    public Persona(byte[] seed)
    {
        Seed = seed;
        var crypto = CryptoProvider.Default;
        using var key = crypto.ImportEd25519PrivateKey(seed);
        Face = new(key.PublicKey);
        var hash = new byte[64];
        crypto.Hash(HashAlgorithm.Sha512, seed, [], hash);
        AgreementBytes = hash[..32];
        _agreementKey = new(() => crypto.ImportX25519PrivateKey(AgreementBytes));
    }

    public byte[] Seed { get; }

    public Face Face { get; }

    /// <summary>Gets the private key in X25519's form (RFC 8032, section 5.1.5, without clamping).</summary>
    public byte[] AgreementBytes { get; }

    public X25519PrivateKey AgreementKey => _agreementKey.Value;

    /// <summary>Makes somebody of a game's seed and a name: the same in each world of the game.</summary>
    public static Persona Of(ulong seed, string name)
    {
        var recent = s_recent ??= [];
        if (recent.TryGetValue((seed, name), out var known))
        {
            return known;
        }

        if (recent.Count >= Remembered)
        {
            recent.Clear();
        }

        var mixed = name.Aggregate(seed ^ 0xA5A5_5A5A_1234_8765, (hash, letter) => unchecked((hash ^ letter) * 0x100000001B3));
        return recent[(seed, name)] = new(new DeterministicRandom(mixed).NextBytes(32));
    }
}
