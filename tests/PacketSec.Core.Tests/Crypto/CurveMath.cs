using System.Numerics;

namespace PacketSec.Core.Tests.Crypto;

/// <summary>Slow textbook arithmetic on Curve25519, from which the tests compute what the code has as constants.</summary>
internal static class CurveMath
{
    internal static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    internal static readonly BigInteger Order = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493");

    private static readonly BigInteger D = Mod(-121665 * Inverse(121666));
    private static readonly BigInteger RootOfMinusOne = BigInteger.ModPow(2, (P - 1) / 4, P);

    internal static (BigInteger X, BigInteger Y) BasePoint { get; } = Decode(Mod(4 * Inverse(5)), 0)!.Value;

    internal static BigInteger Mod(BigInteger a) => ((a % P) + P) % P;

    internal static BigInteger Inverse(BigInteger a) => BigInteger.ModPow(Mod(a), P - 2, P);

    internal static byte[] Encode(BigInteger value)
    {
        var bytes = new byte[32];
        Assert.True(value.TryWriteBytes(bytes, out _, isUnsigned: true));
        return bytes;
    }

    internal static byte[] Encode((BigInteger X, BigInteger Y) point)
    {
        var bytes = Encode(point.Y);
        bytes[31] |= point.X.IsEven ? (byte)0 : (byte)0x80;
        return bytes;
    }

    /// <summary>RFC 8032, section 5.1.3: the point with this y and sign of x, or null.</summary>
    internal static (BigInteger X, BigInteger Y)? Decode(BigInteger y, int sign)
    {
        BigInteger u = Mod((y * y) - 1), v = Mod((D * y * y) + 1);
        var square = Mod(u * Inverse(v));
        var x = BigInteger.ModPow(square, (P + 3) / 8, P);
        if (Mod(x * x) != square)
        {
            x = Mod(x * RootOfMinusOne);
        }

        if (Mod(x * x) != square || (x.IsZero && sign == 1))
        {
            return null;
        }

        return ((int)(x & 1) == sign ? x : Mod(-x), y);
    }

    internal static (BigInteger X, BigInteger Y) Add((BigInteger X, BigInteger Y) a, (BigInteger X, BigInteger Y) b)
    {
        var t = D * a.X * b.X * a.Y * b.Y;
        return (Mod(((a.X * b.Y) + (b.X * a.Y)) * Inverse(1 + t)), Mod(((a.Y * b.Y) + (a.X * b.X)) * Inverse(1 - t)));
    }

    internal static (BigInteger X, BigInteger Y) Multiply(BigInteger scalar, (BigInteger X, BigInteger Y) point)
    {
        (BigInteger X, BigInteger Y) result = (0, 1);
        for (; !scalar.IsZero; scalar >>= 1, point = Add(point, point))
        {
            if (!scalar.IsEven)
            {
                result = Add(result, point);
            }
        }

        return result;
    }

    /// <summary>All eight points whose order divides 8.</summary>
    internal static HashSet<(BigInteger X, BigInteger Y)> TorsionPoints()
    {
        var points = new HashSet<(BigInteger, BigInteger)>();
        for (var y = 2; points.Count < 8; y++)
        {
            if (Decode(y, 0) is { } point)
            {
                var torsion = Multiply(Order, point);
                for (var i = 0; i < 8; i++)
                {
                    points.Add(Multiply(i, torsion));
                }
            }
        }

        return points;
    }

    /// <summary>Doubles a point of the Montgomery curve or its twist, given by X : Z.</summary>
    internal static (BigInteger X, BigInteger Z) Double((BigInteger X, BigInteger Z) point)
    {
        BigInteger s = BigInteger.Pow(point.X + point.Z, 2), d = BigInteger.Pow(point.X - point.Z, 2), c = s - d;
        return (Mod(s * d), Mod(c * (d + (121666 * c))));
    }
}
