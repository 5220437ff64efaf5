using System.Numerics;

namespace PacketSec.Protocol.Identity;

/// <summary>Decides which bytes are an identity key: one encoding for each key, and no other kinds of keys.</summary>
internal static class PublicKeyParser
{
    /// <summary>The longest SubjectPublicKeyInfo that is accepted, in bytes: RSA-4096 with a four-byte exponent.</summary>
    public const int MaxPublicKeyInfoSize = 551;

    private const int MinModulusBits = 2048;
    private const int MaxModulusBits = 4096;

    private static readonly BigInteger P256Prime = BigInteger.Parse(
        "0ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", System.Globalization.NumberStyles.HexNumber);

    private static readonly BigInteger P256B = BigInteger.Parse(
        "05ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b", System.Globalization.NumberStyles.HexNumber);

    /// <summary>Gets what stands before the 32 bytes of an Ed25519 key (RFC 8410).</summary>
    public static ReadOnlySpan<byte> Ed25519Prefix => [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

    // SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING { uncompressed point: 04 before 32 bytes of x and of y } }
    private static ReadOnlySpan<byte> P256Prefix =>
    [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];

    // SEQUENCE { rsaEncryption, NULL }
    private static ReadOnlySpan<byte> RsaAlgorithm =>
        [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

    /// <summary>Says which kind of key a DER SubjectPublicKeyInfo holds.</summary>
    /// <param name="der">The bytes.</param>
    /// <param name="type">The kind.</param>
    /// <returns>False when the bytes are not the one encoding of a key that is accepted.</returns>
    //= spec/p2pke.md#key-types
    public static bool TryClassify(ReadOnlySpan<byte> der, out PublicKeyType type)
    {
        type = PublicKeyType.Ed25519;
        if (der.StartsWith(Ed25519Prefix))
        {
            return der.Length == Ed25519Prefix.Length + 32;
        }

        if (der.StartsWith(P256Prefix))
        {
            type = PublicKeyType.EcdsaP256;
            return der.Length == P256Prefix.Length + 64 && IsOnP256(der[P256Prefix.Length..]);
        }

        type = PublicKeyType.Rsa;
        return der.Length <= MaxPublicKeyInfoSize && IsRsa(der);
    }

    private static bool IsOnP256(ReadOnlySpan<byte> point)
    {
        var x = new BigInteger(point[..32], isUnsigned: true, isBigEndian: true);
        var y = new BigInteger(point[32..], isUnsigned: true, isBigEndian: true);
        return x < P256Prime && y < P256Prime && ((y * y) - (x * x * x) + (3 * x) - P256B) % P256Prime == 0;
    }

    private static bool IsRsa(ReadOnlySpan<byte> der)
    {
        var outer = new DerReader(der);
        if (!outer.TryReadSequence(out var info) || !outer.IsAtEnd
            || !info.TryReadExactly(RsaAlgorithm) || !info.TryReadBitString(out var bits) || !info.IsAtEnd)
        {
            return false;
        }

        var inner = new DerReader(bits);
        return inner.TryReadSequence(out var key) && inner.IsAtEnd
            && key.TryReadPositive(out var modulus) && key.TryReadPositive(out var exponent) && key.IsAtEnd
            && BitLength(modulus) is >= MinModulusBits and <= MaxModulusBits
            && BitLength(exponent) is >= 2 and <= 31 && (exponent[^1] & 1) == 1;
    }

    private static int BitLength(ReadOnlySpan<byte> magnitude)
        => (magnitude.Length * 8) - BitOperations.LeadingZeroCount((uint)magnitude[0]) + 24;
}
