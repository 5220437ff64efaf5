using System.Numerics;

namespace PacketSec.Core.Tests.Crypto;

/// <summary>RSA keys of any exact size, made in milliseconds: a modulus of many small primes is worthless as a secret and verifies as any other.</summary>
internal sealed class MultiPrimeRsa
{
    private readonly BigInteger _n;
    private readonly BigInteger _e;
    private readonly BigInteger _d;
    private readonly int _size;

    internal MultiPrimeRsa(int bits, BigInteger e)
    {
        var random = new Random(bits);
        BigInteger n = 1, phi = 1;
        var used = new HashSet<BigInteger>();
        while (n.GetBitLength() != bits)
        {
            // Primes of 60 bits, then one of half of what is left, then one from the range that fills the modulus exactly.
            var missing = bits - (int)n.GetBitLength();
            var (low, high) = missing > 60
                ? (1L << (Math.Min(60, missing / 2) - 1), 1L << Math.Min(60, missing / 2))
                : ((long)(BigInteger.Pow(2, bits - 1) / n) + 1, (long)(BigInteger.Pow(2, bits) / n));
            var p = RandomPrime(random, low, high, e);
            if (used.Add(p))
            {
                n *= p;
                phi *= p - 1;
            }
        }

        (_n, _e, _size) = (n, e, (bits + 7) / 8);
        _d = ModInverse(e, phi);
    }

    internal byte[] PublicKeyInfo => Der.RsaPublicKeyInfo(_n, _e);

    /// <summary>Signs with type 1 padding directly around the data.</summary>
    internal byte[] Sign(ReadOnlySpan<byte> data)
    {
        byte[] padded = new byte[_size], signature = new byte[_size];
        padded.AsSpan().Fill(0xff);
        padded[0] = 0;
        padded[1] = 1;
        padded[_size - data.Length - 1] = 0;
        data.CopyTo(padded.AsSpan(_size - data.Length));
        var value = BigInteger.ModPow(new BigInteger(padded, isUnsigned: true, isBigEndian: true), _d, _n);
        var bytes = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        bytes.CopyTo(signature, _size - bytes.Length);
        return signature;
    }

    private static BigInteger RandomPrime(Random random, long low, long high, BigInteger e)
    {
        while (true)
        {
            var p = new BigInteger(random.NextInt64(low, high)) | 1;
            if (new[] { 2, 3, 5, 7, 11, 13, 17 }.All(a => BigInteger.ModPow(a, p - 1, p).IsOne)
                && BigInteger.GreatestCommonDivisor(e, p - 1).IsOne)
            {
                return p;
            }
        }
    }

    private static BigInteger ModInverse(BigInteger a, BigInteger modulus)
    {
        BigInteger r0 = modulus, r1 = a % modulus, t0 = 0, t1 = 1;
        while (!r1.IsZero)
        {
            var q = r0 / r1;
            (r0, r1, t0, t1) = (r1, r0 - (q * r1), t1, t0 - (q * t1));
        }

        return t0.Sign < 0 ? t0 + modulus : t0;
    }
}
