using System.Numerics;

namespace PacketSec.Crypto;

/// <summary>
/// Maps an Ed25519 public key to the X25519 public key of the same secret scalar: u = (1 + y) / (1 - y) mod p (RFC 7748, section 4.1).
/// </summary>
/// <remarks>
/// For public data only: the time taken depends on it. A point and its negative map to the same u. A point that is the sum of one of the
/// main subgroup and one of small order is mapped too; X25519's cofactor removes the difference.
/// </remarks>
internal static class EdwardsToMontgomery
{
    private const int Size = 32;

    private static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    private static readonly BigInteger Exponent = (P - 3) / 2;
    private static readonly BigInteger A = 486662;

    // n = p + (1 + y) and d = 2 p + (1 - y), where 2^255 = p + 19.
    private static readonly BigInteger Excess = 18;
    private static readonly BigInteger DoubledAndExcess = (3 * P) + 20;

    /// <summary>Maps a public key.</summary>
    /// <param name="edwards">32 bytes, an Ed25519 public key.</param>
    /// <param name="montgomery">32 bytes, for the X25519 public key; cleared on failure.</param>
    /// <returns>False when the key has small order (the identity y = 1 has no image), is not canonical, or is no point of the curve.</returns>
    /// <exception cref="ArgumentException">A span does not have 32 bytes.</exception>
    internal static bool TryMap(ReadOnlySpan<byte> edwards, Span<byte> montgomery)
    {
        if (edwards.Length != Size)
        {
            throw new ArgumentException("An Ed25519 public key has 32 bytes.", nameof(edwards));
        }

        if (montgomery.Length != Size)
        {
            throw new ArgumentException("An X25519 public key has 32 bytes.", nameof(montgomery));
        }

        if (!Curve25519Rules.IsBelowFieldPrime(edwards) || Curve25519Rules.IsSmallOrderEd25519(edwards))
        {
            montgomery.Clear();
            return false;
        }

        Span<byte> bytes = stackalloc byte[Size];
        edwards.CopyTo(bytes);
        // y + 2^255, so that n and d below are between p and 3 p: with small numbers the map would take less than with others.
        bytes[^1] |= 0x80;
        var above = new BigInteger(bytes, isUnsigned: true);
        var (n, d) = (above - Excess, DoubledAndExcess - above);

        // u = n / d belongs to a point of the curve, and not of its twist, when u^3 + A u^2 + u is a square: when f = n d g is one, with
        // g = n^2 + A n d + d^2. The power r of f is 1 / f where f is a square and -1 / f where it is none (Euler's criterion). So one
        // power tells both whether it is one and, as 1 / d = n g / f, the image.
        var g = ((n * n) + (A * n * d) + (d * d)) % P;
        var ng = n * g % P;
        var f = ng * d % P;
        var r = BigInteger.ModPow(f, Exponent, P);
        var u = r * ng % P * n % P;
        montgomery.Clear();
        if (!(r * f % P).IsOne)
        {
            return false;
        }

        u.TryWriteBytes(montgomery, out _, isUnsigned: true);
        return true;
    }
}
