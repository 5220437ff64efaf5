using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Identity;

/// <summary>
/// Reads and writes Ed25519 private keys: PKCS#8 (RFC 8410 and RFC 5958), its PEM form, and libp2p's protobuf.
/// </summary>
/// <remarks>
/// A format may repeat the public key; the caller compares it with the one that the seed gives, because signing under a wrong public
/// key reveals the private one. All buffers are the caller's, who wipes them.
/// </remarks>
internal static class Ed25519KeyFormat
{
    /// <summary>The size of a PKCS#8 encoding in bytes, without attributes and public key.</summary>
    public const int Pkcs8Size = 48;

    /// <summary>The size of a libp2p protobuf in bytes.</summary>
    public const int ProtobufSize = 68;

    /// <summary>The longest key file in bytes; a PEM file with attributes stays far below.</summary>
    public const int MaxFileSize = 4096;

    private const int KeySize = Ed25519PrivateKey.Size;
    private const int TypeField = 1;
    private const int DataField = 2;
    private const ulong ProtobufEd25519 = 1;

    // SEQUENCE { INTEGER 0, SEQUENCE { id-Ed25519 }, OCTET STRING { OCTET STRING of the seed } }
    private static ReadOnlySpan<byte> Pkcs8Prefix =>
        [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

    private static ReadOnlySpan<byte> PemLabel => "PRIVATE KEY"u8;

    private static ReadOnlySpan<byte> Version1 => [0x02, 0x01, 0x00];

    private static ReadOnlySpan<byte> Version2 => [0x02, 0x01, 0x01];

    private static ReadOnlySpan<byte> Algorithm => [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

    // Field 1, varint 1; field 2, 64 bytes: seed and public key.
    private static ReadOnlySpan<byte> ProtobufPrefix => [0x08, 0x01, 0x12, 0x40];

    /// <summary>Reads a key in any of the three formats: text that begins with dashes is PEM.</summary>
    /// <param name="encoded">The key as it stands in a file.</param>
    /// <param name="seed">32 bytes; cleared on failure.</param>
    /// <param name="publicKey">32 bytes: the public key, where the format repeats it.</param>
    /// <param name="hasPublicKey">Whether it does.</param>
    public static bool TryRead(ReadOnlySpan<byte> encoded, Span<byte> seed, Span<byte> publicKey, out bool hasPublicKey)
    {
        if (encoded.TrimStart(" \t\r\n"u8).StartsWith("-----"u8))
        {
            return TryReadPem(encoded, seed, publicKey, out hasPublicKey);
        }

        return TryReadPkcs8(encoded, seed, publicKey, out hasPublicKey) || TryReadProtobuf(encoded, seed, publicKey, out hasPublicKey);
    }

    /// <summary>Reads PKCS#8.</summary>
    /// <param name="der">DER of version 1, or of version 2 with its optional public key.</param>
    /// <param name="seed">32 bytes; cleared on failure.</param>
    /// <param name="publicKey">32 bytes: the public key, where there is one.</param>
    /// <param name="hasPublicKey">Whether there is one.</param>
    public static bool TryReadPkcs8(ReadOnlySpan<byte> der, Span<byte> seed, Span<byte> publicKey, out bool hasPublicKey)
    {
        seed.Clear();
        hasPublicKey = false;
        var outer = new DerReader(der);
        if (!outer.TryReadSequence(out var key) || !outer.IsAtEnd)
        {
            return false;
        }

        var isVersion2 = key.TryReadExactly(Version2);
        if ((!isVersion2 && !key.TryReadExactly(Version1)) || !key.TryReadExactly(Algorithm)
            || !key.TryRead(DerTag.OctetString, out var wrapped))
        {
            return false;
        }

        var inner = new DerReader(wrapped);
        if (!inner.TryRead(DerTag.OctetString, out var bytes) || !inner.IsAtEnd || bytes.Length != KeySize)
        {
            return false;
        }

        key.TryRead(DerTag.Attributes, out _);
        if (isVersion2 && key.TryRead(DerTag.PublicKey, out var bits))
        {
            hasPublicKey = bits.Length == 1 + KeySize && bits[0] == 0;
            if (!hasPublicKey)
            {
                return false;
            }

            bits[1..].CopyTo(publicKey);
        }

        if (!key.IsAtEnd)
        {
            return false;
        }

        bytes.CopyTo(seed);
        return true;
    }

    /// <summary>Reads libp2p's protobuf, in its one canonical encoding.</summary>
    /// <param name="encoded">The bytes.</param>
    /// <param name="seed">32 bytes; cleared on failure.</param>
    /// <param name="publicKey">32 bytes: the public key.</param>
    /// <param name="hasPublicKey">Whether the key was read.</param>
    /// <returns>False for other encodings and kinds of keys, and for an old form whose two copies of the public key differ.</returns>
    public static bool TryReadProtobuf(ReadOnlySpan<byte> encoded, Span<byte> seed, Span<byte> publicKey, out bool hasPublicKey)
    {
        seed.Clear();
        hasPublicKey = false;
        var fields = new ProtobufReader(encoded);
        if (!fields.MoveNext() || !fields.IsVarint(TypeField) || fields.Varint != ProtobufEd25519
            || !fields.MoveNext() || !fields.IsBytes(DataField))
        {
            return false;
        }

        // An old form has the public key twice: seed, public key, public key.
        var data = fields.Bytes;
        var canonicalSize = 2 + ProtobufField.MessageLength(data.Length);
        if (encoded.Length != canonicalSize
            || (data.Length != 2 * KeySize && (data.Length != 3 * KeySize || !data[KeySize..(2 * KeySize)].SequenceEqual(data[(2 * KeySize)..]))))
        {
            return false;
        }

        data[..KeySize].CopyTo(seed);
        data[KeySize..(2 * KeySize)].CopyTo(publicKey);
        hasPublicKey = true;
        return true;
    }

    /// <summary>Reads the one PEM block labelled PRIVATE KEY; text around it is ignored.</summary>
    /// <param name="text">ASCII text.</param>
    /// <param name="seed">32 bytes; cleared on failure.</param>
    /// <param name="publicKey">32 bytes: the public key, where there is one.</param>
    /// <param name="hasPublicKey">Whether there is one.</param>
    public static bool TryReadPem(ReadOnlySpan<byte> text, Span<byte> seed, Span<byte> publicKey, out bool hasPublicKey)
    {
        seed.Clear();
        hasPublicKey = false;
        if (text.Length > MaxFileSize || !PemEncoding.TryFindUtf8(text, out var fields) || !text[fields.Label].SequenceEqual(PemLabel))
        {
            return false;
        }

        Span<byte> der = stackalloc byte[MaxFileSize];
        Span<char> base64 = stackalloc char[MaxFileSize];
        try
        {
            var source = text[fields.Base64Data];
            for (var i = 0; i < source.Length; i++)
            {
                base64[i] = (char)source[i];
            }

            return Convert.TryFromBase64Chars(base64[..source.Length], der, out var length)
                && TryReadPkcs8(der[..length], seed, publicKey, out hasPublicKey);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
            base64.Clear();
        }
    }

    /// <summary>Writes PKCS#8.</summary>
    /// <param name="seed">32 bytes.</param>
    /// <param name="der"><see cref="Pkcs8Size"/> bytes.</param>
    public static void WritePkcs8(ReadOnlySpan<byte> seed, Span<byte> der)
    {
        Pkcs8Prefix.CopyTo(der);
        seed.CopyTo(der[Pkcs8Prefix.Length..]);
    }

    /// <summary>Returns PKCS#8 as PEM with a final line feed. The caller wipes it.</summary>
    /// <param name="seed">32 bytes.</param>
    public static byte[] ToPem(ReadOnlySpan<byte> seed)
    {
        Span<byte> der = stackalloc byte[Pkcs8Size];
        try
        {
            WritePkcs8(seed, der);
            var pem = new byte[PemEncoding.GetEncodedSize(PemLabel.Length, der.Length) + 1];
            pem[^1] = (byte)'\n';
            return PemEncoding.TryWriteUtf8(PemLabel, der, pem, out _)
                ? pem
                : throw new InvalidOperationException("A key's PEM is longer than computed.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
        }
    }

    /// <summary>Writes libp2p's protobuf.</summary>
    /// <param name="seed">32 bytes.</param>
    /// <param name="publicKey">32 bytes.</param>
    /// <param name="encoded"><see cref="ProtobufSize"/> bytes.</param>
    public static void WriteProtobuf(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> publicKey, Span<byte> encoded)
    {
        ProtobufPrefix.CopyTo(encoded);
        seed.CopyTo(encoded[ProtobufPrefix.Length..]);
        publicKey.CopyTo(encoded[(ProtobufPrefix.Length + KeySize)..]);
    }
}
