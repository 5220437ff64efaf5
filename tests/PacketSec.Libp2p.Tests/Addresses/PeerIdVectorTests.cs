using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;

namespace PacketSec.Libp2p.Tests.Addresses;

/// <summary>The vectors of libp2p's specification of peer IDs: its public keys, and its texts.</summary>
public sealed class PeerIdVectorTests
{
    private const string Ecdsa =
        "0803125b3059301306072a8648ce3d020106082a8648ce3d03010703420004de3d300fa36ae0e8f5d530899d83abab44abf3161f162a4bc901d8e6ecda020e" +
        "8b6d5f8da30525e71d6851510c098e5c47c646a597fb4dcec034e9f77c409e62";

    private const string Ed25519 = "080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e";

    private const string Secp256k1 = "08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99";

    private const string RsaKey =
        "080012a60430820222300d06092a864886f70d01010105000382020f003082020a0282020100e1beab071d08200bde24eef00d049449b07770ff9910" +
        "257b2d7d5dda242ce8f0e2f12e1af4b32d9efd2c090f66b0f29986dbb645dae9880089704a94e5066d594162ae6ee8892e6ec70701db0a6c445c0477" +
        "8eb3de1293aa1a23c3825b85c6620a2bc3f82f9b0c309bc0ab3aeb1873282bebd3da03c33e76c21e9beb172fd44c9e43be32e2c99827033cf8d0f0c6" +
        "06f4579326c930eb4e854395ad941256542c793902185153c474bed109d6ff5141ebf9cd256cf58893a37f83729f97e7cb435ec679d2e33901d27bb3" +
        "5aa0d7e20561da08885ef0abbf8e2fb48d6a5487047a9ecb1ad41fa7ed84f6e3e8ecd5d98b3982d2a901b4454991766da295ab78822add5612a2df83" +
        "bcee814cf50973e80d7ef38111b1bd87da2ae92438a2c8cbcc70b31ee319939a3b9c761dbc13b5c086d6b64bf7ae7dacc14622375d92a8ff9af7eb96" +
        "2162bbddebf90acb32adb5e4e4029f1c96019949ecfbfeffd7ac1e3fbcc6b6168c34be3d5a2e5999fcbb39bba7adbca78eab09b9bc39f7fa4b93411f" +
        "4cc175e70c0a083e96bfaefb04a9580b4753c1738a6a760ae1afd851a1a4bdad231cf56e9284d832483df215a46c1c21bdf0c6cfe951c18f1ee4078c" +
        "79c13d63edb6e14feaeffabc90ad317e4875fe648101b0864097e998f0ca3025ef9638cd2b0caecd3770ab54a1d9c6ca959b0f5dcbc90caeefc4135b" +
        "aca6fd475224269bbe1b0203010001";

    [Theory]
    [InlineData(Ed25519, true, true)]
    [InlineData(Secp256k1, true, false)]
    [InlineData(Ecdsa, false, true)]
    [InlineData(RsaKey, false, true)]
    public void A_key_of_up_to_42_bytes_stands_in_its_id_and_a_longer_one_is_hashed(string key, bool inline, bool isAccepted)
    {
        var encoded = Convert.FromHexString(key);
        byte[] multihash = inline ? [0x00, (byte)encoded.Length, .. encoded] : [0x12, 0x20, .. SHA256.HashData(encoded)];

        Assert.True(PeerId.TryRead(multihash, out var id));
        Assert.Equal(inline, id.IsInline);
        Assert.Equal(isAccepted, PublicKey.TryReadProtobuf(encoded, out var read));
        if (isAccepted)
        {
            Assert.Equal(id, PeerId.FromPublicKey(read!, CryptoProvider.Default));
            Assert.Equal(encoded, read!.ToProtobuf());
        }
    }

    [Fact]
    public void The_private_ed25519_key_has_the_public_one()
    {
        using var identity = PacketSecIdentity.Import(Convert.FromHexString(
            "080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"));
        Assert.Equal(Ed25519, Convert.ToHexStringLower(identity.PublicKey.ToProtobuf()));
        Assert.Equal("0024" + Ed25519, Convert.ToHexStringLower(identity.PeerId.Multihash));
    }

    //= spec/libp2p.md#peer-id-texts
    [Theory]
    [InlineData("bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe", "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N")]
    [InlineData(null, "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA")]
    public void The_texts_of_an_id_mean_one_peer(string? cid, string base58)
    {
        var id = PeerId.Parse(base58);
        Assert.Equal(base58, id.ToString());
        Assert.Equal(id, PeerId.Parse(id.ToCidString()));
        Assert.Equal(cid ?? id.ToCidString(), id.ToCidString());
    }
}
