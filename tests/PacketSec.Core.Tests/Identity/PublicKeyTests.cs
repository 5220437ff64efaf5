using System.Formats.Asn1;
using System.Numerics;
using System.Text.Json;
using PacketSec.Protocol.Identity;
using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Identity;

public sealed class PublicKeyTests
{
    private const string Ed25519Seed0 = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";
    private const string Ed25519Head = "302a300506032b6570032100";
    private const string P256Head = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
    private const string GeneratorX = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
    private const string GeneratorY = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

    //= spec/p2pke.md#key-types
    [VectorsFact]
    public void The_published_keys_are_read_and_written_byte_for_byte()
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(TestData.Vectors("p2pke", "keys.json")));
        var types = new List<PublicKeyType>();
        foreach (var entry in file.RootElement.GetProperty("keys").EnumerateArray())
        {
            var der = Convert.FromHexString(entry.GetProperty("public_x509").GetString()!);
            Assert.True(PublicKey.TryRead(der, out var key));
            Assert.Equal(der, key.PublicKeyInfo.ToArray());
            Assert.True(PublicKey.TryReadProtobuf(key.ToProtobuf(), out var again));
            Assert.Equal(key, again);
            Assert.Equal(key.GetHashCode(), again.GetHashCode());
            if (entry.TryGetProperty("public_raw", out var raw))
            {
                Assert.Equal(raw.GetString(), Convert.ToHexStringLower(key.Ed25519));
                Assert.Equal(PublicKey.FromEd25519(key.Ed25519), key);
            }

            types.Add(key.Type);
        }

        Assert.Equal([PublicKeyType.Ed25519, PublicKeyType.Ed25519, PublicKeyType.Ed25519, PublicKeyType.EcdsaP256, PublicKeyType.Rsa], types);
    }

    //= spec/p2pke.md#key-types
    [Theory]
    [InlineData(Ed25519Head + Ed25519Seed0, true)]
    [InlineData(Ed25519Head + Ed25519Seed0 + "00", false)]
    [InlineData("302a300506032b65700321003b6a", false)]
    [InlineData("302c300706032b65700500032100" + Ed25519Seed0, false)] // NULL parameters
    [InlineData("302a300506032b656e032100" + Ed25519Seed0, false)] // X25519
    [InlineData("302a300506032b6570032101" + Ed25519Seed0, false)] // an unused bit
    [InlineData("30812a300506032b6570032100" + Ed25519Seed0, false)] // a length that is not minimal
    [InlineData(P256Head + "04" + GeneratorX + GeneratorY, true)]
    [InlineData(P256Head + "04" + GeneratorX + GeneratorX, false)] // not on the curve
    [InlineData("3039301306072a8648ce3d020106082a8648ce3d030107032200" + "03" + GeneratorX, false)] // compressed
    [InlineData(P256Head + "04" + GeneratorX + GeneratorY + "00", false)]
    [InlineData("", false)]
    [InlineData("30", false)]
    [InlineData("3080", false)]
    [InlineData("30ffffffffff", false)]
    public void Only_the_one_der_encoding_of_a_known_kind_is_a_key(string hex, bool accepted)
        => Assert.Equal(accepted, PublicKey.TryRead(Convert.FromHexString(hex), out _));

    [Fact]
    public void A_p256_coordinate_of_the_prime_or_more_is_refused()
    {
        // (0, sqrt(b)) is on the curve; x = p is 0 again, and would be a second encoding of the point.
        var y = Convert.FromHexString("66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4");
        var zero = new byte[32];
        var prime = Convert.FromHexString("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
        byte[] head = [.. Convert.FromHexString(P256Head), 0x04];
        Assert.True(PublicKey.TryRead([.. head, .. zero, .. y], out _));
        Assert.False(PublicKey.TryRead([.. head, .. prime, .. y], out _));
    }

    //= spec/p2pke.md#key-types
    [Theory]
    [InlineData(2047, 65537, false)]
    [InlineData(2048, 65537, true)]
    [InlineData(4096, 65537, true)]
    [InlineData(4097, 65537, false)]
    [InlineData(2048, 1, false)]
    [InlineData(2048, 2, false)]
    [InlineData(2048, 3, true)]
    [InlineData(2048, 65536, false)]
    [InlineData(4096, 2147483647, true)]
    [InlineData(2048, 2147483649, false)]
    public void An_rsa_key_is_within_its_bounds(int modulusBits, long exponent, bool accepted)
    {
        var der = Rsa((BigInteger.One << (modulusBits - 1)) + 1, exponent);
        Assert.Equal(accepted, PublicKey.TryRead(der, out var key));
        if (accepted)
        {
            Assert.True(PublicKey.TryReadProtobuf(key!.ToProtobuf(), out var again));
            Assert.Equal(key, again);
            Assert.InRange(der.Length, 1, PublicKeyParser.MaxPublicKeyInfoSize);
        }
    }

    [Fact]
    public void A_negative_a_padded_and_a_parameterless_rsa_key_are_refused()
    {
        var good = Rsa((BigInteger.One << 2047) + 1, 65537);
        Assert.True(PublicKey.TryRead(good, out _));

        // The modulus is at 32: a zero, then the top byte. Without the zero it is negative, with two it is padded.
        Assert.Equal([0x00, 0x80], good[32..34]);
        byte[] padded = [.. good];
        padded[33] = 0x00;
        Assert.False(PublicKey.TryRead(padded, out _));
        byte[] negative = [.. good];
        negative[32] = 0x80;
        Assert.False(PublicKey.TryRead(negative, out _));
        Assert.False(PublicKey.TryRead(Rsa((BigInteger.One << 2047) + 1, 65537, parameters: false), out _));
        Assert.False(PublicKey.TryRead(Rsa(-(BigInteger.One << 2047) - 1, 65537), out _));
    }

    [Theory]
    [InlineData("08011220" + Ed25519Seed0, true)]
    [InlineData("0801122000" + Ed25519Seed0, false)]
    [InlineData("1220" + Ed25519Seed0 + "0801", false)] // order
    [InlineData("0881001220" + Ed25519Seed0, false)] // padded
    [InlineData("080112a000" + Ed25519Seed0, false)] // padded
    [InlineData("08011220" + Ed25519Seed0 + "1a00", false)] // another field
    [InlineData("08021220" + Ed25519Seed0, false)] // secp256k1
    [InlineData("08001220" + Ed25519Seed0, false)] // RSA
    [InlineData("0800122c" + Ed25519Head + Ed25519Seed0, false)] // an Ed25519 key under RSA's number
    [InlineData("0801122c" + Ed25519Head + Ed25519Seed0, false)]
    [InlineData("0801", false)]
    [InlineData("", false)]
    public void Only_the_canonical_protobuf_is_a_key(string hex, bool accepted)
        => Assert.Equal(accepted, PublicKey.TryReadProtobuf(Convert.FromHexString(hex), out _));

    [Fact]
    public void A_key_and_its_negative_share_their_montgomery_form_and_are_not_equal()
    {
        var bytes = Convert.FromHexString(Ed25519Seed0);
        var key = PublicKey.FromEd25519(bytes);
        bytes[31] ^= 0x80;
        var negative = PublicKey.FromEd25519(bytes);
        bytes[31] ^= 0x40;
        var other = PublicKey.FromEd25519(bytes);

        Assert.NotEqual(key, negative);
        Assert.True(key.SharesMontgomeryForm(negative) && key.SharesMontgomeryForm(key));
        Assert.False(negative.SharesMontgomeryForm(other));
    }

    //= spec/p2pke.md#weak-identity
    [Theory]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000", true)]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000080", true)]
    [InlineData("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", true)]
    [InlineData(Ed25519Seed0, false)]
    public void A_key_of_small_order_is_known_in_every_encoding(string hex, bool small)
        => Assert.Equal(small, PublicKey.FromEd25519(Convert.FromHexString(hex)).IsSmallOrder);

    private static byte[] Rsa(BigInteger modulus, BigInteger exponent, bool parameters = true)
    {
        var inner = new AsnWriter(AsnEncodingRules.DER);
        using (inner.PushSequence())
        {
            inner.WriteInteger(modulus);
            inner.WriteInteger(exponent);
        }

        var outer = new AsnWriter(AsnEncodingRules.DER);
        using (outer.PushSequence())
        {
            using (outer.PushSequence())
            {
                outer.WriteObjectIdentifier("1.2.840.113549.1.1.1");
                if (parameters)
                {
                    outer.WriteNull();
                }
            }

            outer.WriteBitString(inner.Encode());
        }

        return outer.Encode();
    }
}
