using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Identity;

public sealed class PeerIdTests
{
    // From the libp2p peer ID specification: an Ed25519 key, its text, and CIDs of an RSA and an Ed25519 ID.
    private const string SpecificationKey = "080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e";
    private const string RsaText = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";

    [Fact]
    public void An_ed25519_key_stands_in_its_id()
    {
        Assert.True(PublicKey.TryReadProtobuf(Convert.FromHexString(SpecificationKey), out var key));
        var id = PeerId.FromPublicKey(key, CryptoProvider.Default);

        Assert.Equal("0024" + SpecificationKey, Convert.ToHexStringLower(id.Multihash));
        Assert.StartsWith("12D3KooW", id.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("bafz", id.ToCidString(), StringComparison.Ordinal);
        Assert.True(id.IsInline);
        Assert.True(id.TryGetPublicKey(out var held));
        Assert.Equal(key, held);
        Assert.Equal(id, PeerId.Parse(id.ToString()));
        Assert.Equal(id, PeerId.Parse(id.ToCidString()));
        Assert.True(PeerId.TryRead(id.Multihash, out var read));
        Assert.Equal(id, read);
        Assert.Equal(id.GetHashCode(), read.GetHashCode());
    }

    [Theory]
    [InlineData("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA")]
    [InlineData(RsaText)]
    [InlineData("bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe")]
    public void Published_ids_are_read(string text)
    {
        var id = PeerId.Parse(text);
        Assert.Contains(text, new[] { id.ToString(), id.ToCidString() });
        Assert.Equal(id, PeerId.Parse(id.ToString()));
        Assert.Equal(id, PeerId.Parse(id.ToCidString()));
    }

    [VectorsFact]
    public void A_long_key_is_hashed()
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(TestData.Vectors("p2pke", "keys.json")));
        foreach (var entry in file.RootElement.GetProperty("keys").EnumerateArray())
        {
            Assert.True(PublicKey.TryRead(Convert.FromHexString(entry.GetProperty("public_x509").GetString()!), out var key));
            var id = PeerId.FromPublicKey(key, CryptoProvider.Default);
            Assert.Equal(key.Type == PublicKeyType.Ed25519, id.IsInline);
            Assert.Equal(id.IsInline, id.TryGetPublicKey(out _));
            if (!id.IsInline)
            {
                Assert.Equal("1220" + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(key.ToProtobuf())), Convert.ToHexStringLower(id.Multihash));
            }
        }
    }

    [Theory]
    [InlineData("000101", true)]
    [InlineData("0000", false)]
    [InlineData("00", false)]
    [InlineData("", false)]
    [InlineData("00020a", false)]
    [InlineData("00010a0a", false)]
    [InlineData("8000010a", false)]
    [InlineData("1301aa", false)]
    public void Only_an_identity_or_sha256_multihash_is_an_id(string hex, bool accepted)
        => Assert.Equal(accepted, PeerId.TryRead(Convert.FromHexString(hex), out _));

    [Theory]
    [InlineData(0x00, 42, true)]
    [InlineData(0x00, 43, false)]
    [InlineData(0x12, 31, false)]
    [InlineData(0x12, 32, true)]
    [InlineData(0x12, 33, false)]
    public void The_length_of_a_multihash_is_bounded(byte code, byte length, bool accepted)
        => Assert.Equal(accepted, PeerId.TryRead([code, length, .. new byte[length]], out _));

    [Theory]
    [InlineData("")]
    [InlineData("b")]
    [InlineData("1")]
    [InlineData("0OIl")]
    [InlineData(RsaText + "1")]
    [InlineData(RsaText + " ")]
    [InlineData("1" + RsaText)]
    [InlineData("BAFZBEIE5745RPV2M6TJYUUGYWY4D5EWRQGQQHFNF445HE3OMZPJBX5XQXE")]
    [InlineData("bAFZBEIE5745RPV2M6TJYUUGYWY4D5EWRQGQQHFNF445HE3OMZPJBX5XQXE")]
    [InlineData("bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe======")]
    [InlineData("bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxf")] // bits past the last byte
    [InlineData("bafybeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe")] // another codec
    [InlineData("12D3KooWÄ")]
    [InlineData("12D3KooW\u4e00\ud83d\ude00")]
    [InlineData("b\u4e00")]
    public void Other_texts_are_no_id(string text)
    {
        Assert.False(PeerId.TryParse(text, out _));
        Assert.Throws<FormatException>(() => PeerId.Parse(text));
    }

    [Fact]
    public void A_text_is_bounded_before_it_is_decoded()
        => Assert.False(PeerId.TryParse(new string('1', 1_000_000), out _));

    [Fact]
    public void An_access_list_takes_a_key_and_its_negative_as_one()
    {
        var bytes = Convert.FromHexString("0024" + SpecificationKey);
        Assert.True(PeerId.TryRead(bytes, out var id));
        bytes[^1] ^= 0x80;
        Assert.True(PeerId.TryRead(bytes, out var negative));
        bytes[^1] ^= 0x01;
        Assert.True(PeerId.TryRead(bytes, out var other));

        Assert.NotEqual(id, negative);
        var list = new HashSet<PeerId>(PeerId.AccessListComparer) { id };
        Assert.Contains(negative, list);
        Assert.DoesNotContain(other, list);

        var hashed = PeerId.Parse(RsaText);
        byte[] flipped = [.. hashed.Multihash];
        flipped[^1] ^= 0x80;
        Assert.True(PeerId.TryRead(flipped, out var otherHash));
        list.Add(hashed);
        Assert.DoesNotContain(otherHash, list);
    }
}
