using System.Diagnostics.CodeAnalysis;
using System.Text;
using PacketSec.Crypto;

namespace PacketSec.Noise;

/// <summary>A Noise protocol: a handshake pattern with X25519, an AEAD and a hash function (revision 34, section 8).</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class NoiseProtocol
{
    /// <summary>The largest Noise message in bytes, in the handshake and after it.</summary>
    public const int MaxMessageSize = 65535;

    /// <summary>The length of a pre-shared key in bytes.</summary>
    public const int PreSharedKeySize = 32;

    private const int MaxNameLength = 255;

    private readonly byte[] _nameBytes;

    private NoiseProtocol(HandshakePattern pattern, AeadAlgorithm aead, HashAlgorithm hash)
    {
        Pattern = pattern;
        Aead = aead;
        Hash = hash;
        Name = $"Noise_{pattern.Name}_25519_{NameOf(aead)}_{NameOf(hash)}";
        _nameBytes = Encoding.ASCII.GetBytes(Name);
    }

    /// <summary>Gets the full name, such as <c>Noise_XXpsk3_25519_ChaChaPoly_BLAKE2s</c>.</summary>
    public string Name { get; }

    /// <summary>Gets the handshake pattern.</summary>
    public HandshakePattern Pattern { get; }

    /// <summary>Gets the AEAD; keys have 32 bytes with both.</summary>
    public AeadAlgorithm Aead { get; }

    /// <summary>Gets the hash function.</summary>
    public HashAlgorithm Hash { get; }

    internal ReadOnlySpan<byte> NameBytes => _nameBytes;

    /// <summary>Reads the name of a protocol whose pattern is one of revision 34; for custom patterns see <see cref="Create"/>.</summary>
    /// <param name="name">The name; upper and lower case matter.</param>
    /// <exception cref="FormatException">The name is malformed, or names something this engine does not have.</exception>
    public static NoiseProtocol Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return TryParse(name, out var protocol)
            ? protocol
            : throw new FormatException(
                $"'{name}' is not a Noise protocol of this engine: Noise_PATTERN_25519_(ChaChaPoly|AESGCM)_(SHA256|SHA512|BLAKE2s|BLAKE2b).");
    }

    /// <summary>Reads the name of a protocol; see <see cref="Parse"/>.</summary>
    /// <param name="name">The name.</param>
    /// <param name="protocol">The protocol, or null.</param>
    /// <returns>Whether the name is one of this engine's.</returns>
    public static bool TryParse(string? name, [NotNullWhen(true)] out NoiseProtocol? protocol)
    {
        protocol = null;
        if (name is null
            || name.Length > MaxNameLength
            || name.Split('_') is not ["Noise", var patternName, "25519", var aeadName, var hashName]
            || !TryReadAead(aeadName, out var aead)
            || !TryReadHash(hashName, out var hash)
            || !HandshakePattern.TryFromName(patternName, out var pattern))
        {
            return false;
        }

        protocol = new NoiseProtocol(pattern, aead, hash);
        return true;
    }

    /// <summary>Puts a protocol together, with a custom pattern for example.</summary>
    /// <param name="pattern">The handshake pattern.</param>
    /// <param name="aead">The AEAD.</param>
    /// <param name="hash">The hash function.</param>
    /// <exception cref="ArgumentException">The name becomes longer than 255 bytes.</exception>
    public static NoiseProtocol Create(HandshakePattern pattern, AeadAlgorithm aead, HashAlgorithm hash)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        var protocol = new NoiseProtocol(pattern, aead, hash);
        return protocol.Name.Length <= MaxNameLength
            ? protocol
            : throw new ArgumentException($"A protocol name has at most {MaxNameLength} bytes.", nameof(pattern));
    }

    /// <summary>Returns <see cref="Name"/>.</summary>
    public override string ToString() => Name;

    private static string NameOf(AeadAlgorithm aead) => aead switch
    {
        AeadAlgorithm.ChaCha20Poly1305 => "ChaChaPoly",
        AeadAlgorithm.AesGcm => "AESGCM",
        _ => throw new ArgumentOutOfRangeException(nameof(aead), aead, "Not an AEAD of the seam."),
    };

    private static string NameOf(HashAlgorithm hash) => hash switch
    {
        HashAlgorithm.Sha256 => "SHA256",
        HashAlgorithm.Sha512 => "SHA512",
        HashAlgorithm.Blake2s => "BLAKE2s",
        HashAlgorithm.Blake2b => "BLAKE2b",
        _ => throw new ArgumentOutOfRangeException(nameof(hash), hash, "Not a hash algorithm of the seam."),
    };

    private static bool TryReadAead(string name, out AeadAlgorithm aead)
    {
        (aead, var known) = name switch
        {
            "ChaChaPoly" => (AeadAlgorithm.ChaCha20Poly1305, true),
            "AESGCM" => (AeadAlgorithm.AesGcm, true),
            _ => (default, false),
        };
        return known;
    }

    private static bool TryReadHash(string name, out HashAlgorithm hash)
    {
        (hash, var known) = name switch
        {
            "SHA256" => (HashAlgorithm.Sha256, true),
            "SHA512" => (HashAlgorithm.Sha512, true),
            "BLAKE2s" => (HashAlgorithm.Blake2s, true),
            "BLAKE2b" => (HashAlgorithm.Blake2b, true),
            _ => (default, false),
        };
        return known;
    }
}
