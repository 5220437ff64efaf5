using System.Diagnostics.CodeAnalysis;
using PacketSec.Crypto;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Identity;

/// <summary>
/// The public key of an identity. Two keys are equal when their DER encodings are.
/// </summary>
/// <remarks>Immutable, and safe to share between threads.</remarks>
public sealed class PublicKey : IEquatable<PublicKey>
{
    private const int Ed25519Size = 32;
    private const int TypeField = 1;
    private const int DataField = 2;

    // The numbers of libp2p's KeyType.
    private const ulong ProtobufRsa = 0;
    private const ulong ProtobufEd25519 = 1;
    private const ulong ProtobufEcdsa = 3;

    private readonly byte[] _publicKeyInfo;

    private PublicKey(PublicKeyType type, byte[] publicKeyInfo)
    {
        Type = type;
        _publicKeyInfo = publicKeyInfo;
    }

    /// <summary>Gets the kind of key.</summary>
    public PublicKeyType Type { get; }

    /// <summary>Gets the key as DER SubjectPublicKeyInfo (X.509); 44 bytes for Ed25519.</summary>
    public ReadOnlySpan<byte> PublicKeyInfo => _publicKeyInfo;

    /// <summary>Gets the 32 bytes of an Ed25519 key; empty for the other kinds.</summary>
    public ReadOnlySpan<byte> Ed25519 => Type == PublicKeyType.Ed25519 ? PublicKeyInfo[PublicKeyParser.Ed25519Prefix.Length..] : default;

    /// <summary>
    /// Gets whether this is an Ed25519 key of small order, in any encoding of its point: such a key has no one private key, and is never an identity.
    /// </summary>
    //= spec/p2pke.md#weak-identity
    internal bool IsSmallOrder => Type == PublicKeyType.Ed25519 && Curve25519Rules.IsSmallOrderEd25519(Ed25519);

    /// <summary>Makes a key of the 32 bytes of an Ed25519 public key.</summary>
    /// <param name="key">32 bytes; whether they are a point is found out when a signature is verified.</param>
    /// <exception cref="ArgumentException">The key does not have 32 bytes.</exception>
    public static PublicKey FromEd25519(ReadOnlySpan<byte> key)
    {
        if (key.Length != Ed25519Size)
        {
            throw new ArgumentException("An Ed25519 public key has 32 bytes.", nameof(key));
        }

        return new PublicKey(PublicKeyType.Ed25519, [.. PublicKeyParser.Ed25519Prefix, .. key]);
    }

    /// <summary>Reads a key from DER SubjectPublicKeyInfo.</summary>
    /// <param name="publicKeyInfo">The bytes; copied.</param>
    /// <param name="key">The key.</param>
    /// <returns>False unless the bytes are the one DER encoding of a key of a known kind and accepted size.</returns>
    //= spec/p2pke.md#key-types
    public static bool TryRead(ReadOnlySpan<byte> publicKeyInfo, [NotNullWhen(true)] out PublicKey? key)
    {
        key = PublicKeyParser.TryClassify(publicKeyInfo, out var type) ? new PublicKey(type, publicKeyInfo.ToArray()) : null;
        return key is not null;
    }

    /// <summary>Reads a key from libp2p's protobuf.</summary>
    /// <param name="encoded">The bytes; copied.</param>
    /// <param name="key">The key.</param>
    /// <returns>False unless the bytes are the one canonical encoding: both fields, once each, in order, without padding.</returns>
    public static bool TryReadProtobuf(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out PublicKey? key)
    {
        key = null;
        var fields = new ProtobufReader(encoded);
        if (!fields.MoveNext() || !fields.IsVarint(TypeField))
        {
            return false;
        }

        var type = fields.Varint;
        if (!fields.MoveNext() || !fields.IsBytes(DataField))
        {
            return false;
        }

        var candidate = type == ProtobufEd25519
            ? (fields.Bytes.Length == Ed25519Size ? FromEd25519(fields.Bytes) : null)
            : (TryRead(fields.Bytes, out var read) && read.ProtobufType == type ? read : null);

        // Writing it again finds padding, a third field, and an Ed25519 key that pretends to be another.
        if (candidate is not null && candidate.ToProtobuf().AsSpan().SequenceEqual(encoded))
        {
            key = candidate;
        }

        return key is not null;
    }

    /// <summary>Returns the key as libp2p's protobuf; 36 bytes for Ed25519.</summary>
    public byte[] ToProtobuf()
    {
        var data = Type == PublicKeyType.Ed25519 ? Ed25519 : PublicKeyInfo;
        var encoded = new byte[2 + ProtobufField.MessageLength(data.Length)];
        var writer = new WireWriter(encoded);
        writer.WriteByte((TypeField << 3) | (int)Wire.ProtobufType.Varint);
        writer.WriteByte((byte)ProtobufType);
        ProtobufField.WriteScalar(ref writer, DataField, data);
        return encoded;
    }

    /// <summary>
    /// Says whether two Ed25519 keys are A and A or A and -A. These share one Montgomery form, so a scheme that proves the X25519 key cannot
    /// tell them apart: an access list that holds one of them means both.
    /// </summary>
    /// <param name="other">The other key.</param>
    /// <returns>For other kinds of keys, whether they are equal.</returns>
    public bool SharesMontgomeryForm(PublicKey other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Type == PublicKeyType.Ed25519 && other.Type == PublicKeyType.Ed25519
            ? Ed25519[..^1].SequenceEqual(other.Ed25519[..^1]) && ((Ed25519[^1] ^ other.Ed25519[^1]) & 0x7f) == 0
            : Equals(other);
    }

    /// <summary>Tells whether two keys are equal, or both null.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(PublicKey? left, PublicKey? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Tells whether two keys differ.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator !=(PublicKey? left, PublicKey? right) => !(left == right);

    /// <inheritdoc/>
    public bool Equals([NotNullWhen(true)] PublicKey? other) => other is not null && PublicKeyInfo.SequenceEqual(other.PublicKeyInfo);

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => Equals(obj as PublicKey);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(PublicKeyInfo);
        return hash.ToHashCode();
    }

    /// <summary>Returns the DER encoding in hexadecimal, for people and logs.</summary>
    public override string ToString() => Convert.ToHexStringLower(PublicKeyInfo);

    private ulong ProtobufType => Type switch
    {
        PublicKeyType.Ed25519 => ProtobufEd25519,
        PublicKeyType.EcdsaP256 => ProtobufEcdsa,
        PublicKeyType.Rsa => ProtobufRsa,
    };
}
