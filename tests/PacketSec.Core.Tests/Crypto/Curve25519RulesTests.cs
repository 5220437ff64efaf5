using System.Numerics;
using PacketSec.Crypto;
using PacketSec.Crypto.OpenSsl;

namespace PacketSec.Core.Tests.Crypto;

public class Curve25519RulesTests
{
    public static TheoryData<string> AllProviders => Providers.All;

    //= spec/p2pke.md#weak-identity
    [Fact]
    public void The_table_of_small_order_points_is_the_computed_one_with_every_encoding()
    {
        var expected = new HashSet<string>();
        foreach (var (_, y) in CurveMath.TorsionPoints())
        {
            for (var encoded = y; encoded < BigInteger.Pow(2, 255); encoded += CurveMath.P)
            {
                expected.Add(Convert.ToHexString(CurveMath.Encode(encoded)));
            }
        }

        Assert.Equal(7, expected.Count);
        Assert.Equal(expected, [.. Rows(Curve25519Rules.SmallOrderY.ToArray())]);
        foreach (var row in expected)
        {
            var point = Convert.FromHexString(row);
            Assert.True(Curve25519Rules.IsSmallOrderEd25519(point));
            point[31] ^= 0x80;
            Assert.True(Curve25519Rules.IsSmallOrderEd25519(point));
            point[7] ^= 1;
            Assert.False(Curve25519Rules.IsSmallOrderEd25519(point));
        }
    }

    // On the curve the points of order 2, 4 and 8 have four u; the twist adds u = -1. Of the values below 19 only 0 and 1 are among them.
    [Fact]
    public void The_table_of_small_order_u_is_complete_and_each_entry_vanishes_times_eight()
    {
        var values = Rows(Curve25519Rules.SmallOrderU.ToArray())
            .Select(row => new BigInteger(Convert.FromHexString(row), isUnsigned: true))
            .ToList();

        Assert.Equal(7, values.Distinct().Count());
        Assert.Equal(5, values.Select(CurveMath.Mod).Distinct().Count());
        Assert.Contains(CurveMath.P, values);
        Assert.Contains(CurveMath.P + 1, values);
        foreach (var u in values)
        {
            Assert.Equal(0, CurveMath.Double(CurveMath.Double(CurveMath.Double((u, 1)))).Z);
        }

        Assert.NotEqual(0, CurveMath.Double(CurveMath.Double(CurveMath.Double((9, 1)))).Z);
    }

    [Theory]
    [MemberData(nameof(AllProviders))]
    public void A_shared_secret_with_a_small_order_key_is_refused_in_every_encoding(string provider)
    {
        using var key = Providers.Named(provider).ImportX25519PrivateKey(Bytes(1));
        foreach (var row in Rows(Curve25519Rules.SmallOrderU.ToArray()))
        {
            foreach (var highBit in new byte[] { 0, 0x80 })
            {
                var peer = Convert.FromHexString(row);
                peer[31] |= highBit;
                var secret = Bytes(2);
                Assert.False(key.TryAgree(peer, secret));
                Assert.Equal(new byte[32], secret);
            }
        }
    }

    // With A the identity every message has the valid signature (S times the base point, S): no secret is needed.
    //= spec/p2pke.md#weak-identity
    [Theory]
    [MemberData(nameof(AllProviders))]
    public void A_key_or_R_of_small_order_verifies_nothing_even_where_the_equation_holds(string provider)
    {
        var crypto = Providers.Named(provider);
        byte[] identity = CurveMath.Encode((BigInteger.Zero, BigInteger.One)), basePoint = CurveMath.Encode(CurveMath.BasePoint);
        byte[] one = CurveMath.Encode(1), zero = new byte[32], message = [1, 2, 3];

        Assert.True(OpenSslEd25519.Verify(identity, message, [.. basePoint, .. one]));
        Assert.False(crypto.VerifyEd25519(identity, message, [.. basePoint, .. one]));
        Assert.True(OpenSslEd25519.Verify(identity, message, [.. identity, .. zero]));
        Assert.False(crypto.VerifyEd25519(identity, message, [.. identity, .. zero]));
        Assert.False(Curve25519Rules.AdmitsEd25519(basePoint, [.. identity, .. one]));
        Assert.True(Curve25519Rules.AdmitsEd25519(basePoint, [.. basePoint, .. one]));
        foreach (var row in Rows(Curve25519Rules.SmallOrderY.ToArray()))
        {
            foreach (var sign in new byte[] { 0, 0x80 })
            {
                var point = Convert.FromHexString(row);
                point[31] |= sign;
                Assert.False(crypto.VerifyEd25519(point, message, [.. basePoint, .. one]));
                Assert.False(Curve25519Rules.AdmitsEd25519(basePoint, [.. point, .. one]));
            }
        }
    }

    [Fact]
    public void S_is_below_the_order_of_the_group()
    {
        byte[] point = CurveMath.Encode(CurveMath.BasePoint);
        bool Admits(BigInteger s) => Curve25519Rules.AdmitsEd25519(point, [.. point, .. CurveMath.Encode(s)]);

        Assert.True(Admits(0));
        Assert.True(Admits(CurveMath.Order - 1));
        Assert.False(Admits(CurveMath.Order));
        Assert.False(Admits(CurveMath.Order + 1));
        Assert.False(Admits(BigInteger.Pow(2, 253)));
        Assert.False(Admits(BigInteger.Pow(2, 256) - 1));
        for (var bit = 64; bit <= 192; bit += 64)
        {
            Assert.True(Admits(CurveMath.Order - BigInteger.Pow(2, bit)));
            Assert.False(Admits(CurveMath.Order + BigInteger.Pow(2, bit)));
        }
    }

    [Fact]
    public void A_coordinate_is_canonical_below_p()
    {
        foreach (var (value, expected) in new (BigInteger, bool)[]
        {
            (0, true), (CurveMath.P - 1, true), (CurveMath.P, false), (CurveMath.P + 18, false), (CurveMath.P - 256, true), (BigInteger.Pow(2, 254), true),
        })
        {
            var bytes = CurveMath.Encode(value);
            Assert.Equal(expected, Curve25519Rules.IsBelowFieldPrime(bytes));
            bytes[31] |= 0x80;
            Assert.Equal(expected, Curve25519Rules.IsBelowFieldPrime(bytes));
        }
    }

    [Theory]
    [MemberData(nameof(AllProviders))]
    public void A_key_that_is_not_canonical_or_no_point_verifies_nothing(string provider)
    {
        var crypto = Providers.Named(provider);
        var checkedAny = 0;
        for (BigInteger y = 2; y < 19; y++)
        {
            Assert.False(crypto.VerifyEd25519(CurveMath.Encode(y + CurveMath.P), default, [.. CurveMath.Encode(CurveMath.BasePoint), .. new byte[32]]));
            if (CurveMath.Decode(y, 0) is null)
            {
                Assert.False(crypto.VerifyEd25519(CurveMath.Encode(y), default, [.. CurveMath.Encode(CurveMath.BasePoint), .. new byte[32]]));
                checkedAny++;
            }
        }

        Assert.NotEqual(0, checkedAny);
    }

    private static IEnumerable<string> Rows(byte[] table) => table.Chunk(32).Select(Convert.ToHexString);

    private static byte[] Bytes(int seed)
    {
        var bytes = new byte[32];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
