using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using PacketSec.Crypto;

namespace PacketSec.Protocol.Identity;

/// <summary>The peer ID of P2PKE: 32 bytes of SHAKE256 over the DER key, as text in unpadded base64url.</summary>
internal sealed class P2pkePeerId : IEquatable<P2pkePeerId>
{
    /// <summary>The size in bytes.</summary>
    public const int Size = 32;

    private const int TextLength = 43;

    private readonly byte[] _bytes;

    private P2pkePeerId(byte[] bytes) => _bytes = bytes;

    /// <summary>Gets the 32 bytes.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Makes the ID of a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="crypto">Computes the hash.</param>
    //= spec/p2pke.md#peer-id
    public static P2pkePeerId FromPublicKey(PublicKey key, ICryptoProvider crypto)
    {
        var bytes = new byte[Size];
        crypto.CShake256(default, default, key.PublicKeyInfo, bytes);
        return new P2pkePeerId(bytes);
    }

    /// <summary>Reads an ID from its text.</summary>
    /// <param name="text">43 characters of base64url.</param>
    /// <param name="id">The ID.</param>
    /// <returns>False for any other text, and for one whose last character has bits that no byte has.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out P2pkePeerId? id)
    {
        var bytes = new byte[Size];
        id = text.Length == TextLength
            && Base64Url.DecodeFromChars(text, bytes, out _, out var length) == OperationStatus.Done && length == Size
            ? new P2pkePeerId(bytes)
            : null;
        if (id is not null && !text.SequenceEqual(id.ToString()))
        {
            id = null;
        }

        return id is not null;
    }

    /// <inheritdoc/>
    public bool Equals([NotNullWhen(true)] P2pkePeerId? other) => other is not null && Bytes.SequenceEqual(other.Bytes);

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => Equals(obj as P2pkePeerId);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(_bytes);
        return hash.ToHashCode();
    }

    /// <summary>Returns the ID in unpadded base64url.</summary>
    public override string ToString() => Base64Url.EncodeToString(_bytes);
}
