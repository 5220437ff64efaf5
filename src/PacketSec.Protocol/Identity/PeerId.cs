using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using PacketSec.Crypto;
using SimpleBase;

namespace PacketSec.Protocol.Identity;

/// <summary>
/// A libp2p peer ID: the multihash of a public key's protobuf. Keys of at most 42 bytes, so all Ed25519 keys, stand in it whole; of longer ones
/// it is the SHA-256 hash.
/// </summary>
/// <remarks>Immutable, and safe to share between threads. The text form is base58btc, <c>12D3KooW...</c> for Ed25519.</remarks>
public sealed class PeerId : IEquatable<PeerId>
{
    /// <summary>The longest peer ID in bytes.</summary>
    public const int MaxSize = 2 + MaxInlineKeySize;

    private const int MaxInlineKeySize = 42;
    private const int Sha256Size = 32;
    private const byte IdentityCode = 0x00;
    private const byte Sha256Code = 0x12;

    // The longest text: multibase prefix and base32 of version, codec and the longest peer ID.
    private const int MaxTextLength = 1 + (((2 + MaxSize) * 8) + 4) / 5;

    // The decoders index tables by character and throw on those past the tables' ends.
    private static readonly SearchValues<char> Base58Characters = SearchValues.Create(Base58Alphabet.Bitcoin.Value);

    private static readonly SearchValues<char> Base32Characters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz234567");

    private readonly byte[] _multihash;

    private PeerId(ReadOnlySpan<byte> multihash) => _multihash = multihash.ToArray();

    /// <summary>Gets a comparer for access lists: A and -A of Ed25519 are one, see <see cref="PublicKey.SharesMontgomeryForm"/>.</summary>
    public static IEqualityComparer<PeerId> AccessListComparer { get; } = new MontgomeryComparer();

    /// <summary>Gets the multihash, 3 to <see cref="MaxSize"/> bytes.</summary>
    public ReadOnlySpan<byte> Multihash => _multihash;

    /// <summary>Gets whether the ID holds the key itself and not its hash.</summary>
    public bool IsInline => _multihash[0] == IdentityCode;

    // Version 1 and the codec libp2p-key.
    private static ReadOnlySpan<byte> CidPrefix => [0x01, 0x72];

    /// <summary>Makes the ID of a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="crypto">Hashes the keys that are too long to stand in the ID.</param>
    public static PeerId FromPublicKey(PublicKey key, ICryptoProvider crypto)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(crypto);
        var encoded = key.ToProtobuf();
        if (encoded.Length <= MaxInlineKeySize)
        {
            return new PeerId([IdentityCode, (byte)encoded.Length, .. encoded]);
        }

        Span<byte> multihash = stackalloc byte[2 + Sha256Size];
        multihash[0] = Sha256Code;
        multihash[1] = Sha256Size;
        crypto.Hash(HashAlgorithm.Sha256, encoded, default, multihash[2..]);
        return new PeerId(multihash);
    }

    /// <summary>Reads an ID from its multihash.</summary>
    /// <param name="multihash">The bytes; copied.</param>
    /// <param name="id">The ID.</param>
    /// <returns>False unless they are an identity multihash of 1 to 42 bytes or a SHA-256 one, and nothing else.</returns>
    public static bool TryRead(ReadOnlySpan<byte> multihash, [NotNullWhen(true)] out PeerId? id)
    {
        // Codes and lengths are below 128: one byte is the only minimal varint for them.
        var valid = multihash.Length > 2 && multihash.Length == 2 + multihash[1] && multihash[0] switch
        {
            IdentityCode => multihash[1] <= MaxInlineKeySize,
            Sha256Code => multihash[1] == Sha256Size,
            _ => false,
        };
        id = valid ? new PeerId(multihash) : null;
        return valid;
    }

    /// <summary>Reads an ID from its text: base58btc, or a CIDv1 in base32 (<c>bafz...</c>).</summary>
    /// <param name="text">The text.</param>
    /// <param name="id">The ID.</param>
    /// <returns>False for any other text, and for a second way to write an ID in one of these forms.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out PeerId? id)
    {
        id = null;
        if (text.IsEmpty || text.Length > MaxTextLength)
        {
            return false;
        }

        // A base58btc ID begins with 1 (identity) or Q (SHA-256), so it is never taken for a multibase prefix.
        return text[0] == 'b' ? TryParseCid(text, out id) : TryParseBase58(text, out id);
    }

    /// <summary>Reads an ID from its text.</summary>
    /// <param name="text">base58btc, or a CIDv1 in base32.</param>
    /// <exception cref="FormatException">The text is not a peer ID.</exception>
    public static PeerId Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out var id) ? id : throw new FormatException($"'{text}' is not a peer ID: one looks like 12D3KooW... or bafz....");
    }

    /// <summary>Gets the key that stands in the ID.</summary>
    /// <param name="key">The key.</param>
    /// <returns>False when the ID is a hash, or holds a key that is not accepted.</returns>
    public bool TryGetPublicKey([NotNullWhen(true)] out PublicKey? key)
    {
        key = null;
        return IsInline && PublicKey.TryReadProtobuf(Multihash[2..], out key);
    }

    /// <summary>Returns the ID as a CIDv1 in base32, <c>bafz...</c>.</summary>
    public string ToCidString() => string.Concat("b", Base32.Rfc4648.Encode([.. CidPrefix, .. _multihash], padding: false).ToLowerInvariant());

    /// <summary>Returns the ID in base58btc.</summary>
    public override string ToString() => Base58.Bitcoin.Encode(_multihash);

    /// <summary>Tells whether two IDs are equal, or both null.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(PeerId? left, PeerId? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Tells whether two IDs differ.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator !=(PeerId? left, PeerId? right) => !(left == right);

    /// <inheritdoc/>
    public bool Equals([NotNullWhen(true)] PeerId? other) => other is not null && Multihash.SequenceEqual(other.Multihash);

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => Equals(obj as PeerId);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(_multihash);
        return hash.ToHashCode();
    }

    private static bool TryParseBase58(ReadOnlySpan<char> text, out PeerId? id)
    {
        Span<byte> bytes = stackalloc byte[MaxTextLength];
        id = null;
        return !text.ContainsAnyExcept(Base58Characters)
            && Base58.Bitcoin.TryDecode(text, bytes, out var length) && TryRead(bytes[..length], out id)
            && text.SequenceEqual(id.ToString());
    }

    private static bool TryParseCid(ReadOnlySpan<char> text, out PeerId? id)
    {
        Span<byte> bytes = stackalloc byte[MaxTextLength];
        id = null;
        return !text.ContainsAnyExcept(Base32Characters)
            && Base32.Rfc4648.TryDecode(text[1..], bytes, out var length) && bytes[..length].StartsWith(CidPrefix)
            && TryRead(bytes[CidPrefix.Length..length], out id) && text.SequenceEqual(id.ToCidString());
    }

    private sealed class MontgomeryComparer : IEqualityComparer<PeerId>
    {
        public bool Equals(PeerId? x, PeerId? y)
            => x is null || y is null
                ? ReferenceEquals(x, y)
                : x.TryGetPublicKey(out var first) && y.TryGetPublicKey(out var second) ? first.SharesMontgomeryForm(second) : x.Equals(y);

        // The sign is the top bit of the last byte of an Ed25519 key.
        public int GetHashCode(PeerId obj)
        {
            var hash = default(HashCode);
            hash.AddBytes(obj.Multihash[..^1]);
            hash.Add(obj.Multihash[^1] & 0x7f);
            return hash.ToHashCode();
        }
    }
}
