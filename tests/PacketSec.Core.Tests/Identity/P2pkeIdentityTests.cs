using System.Text;
using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Identity;

public sealed class P2pkeIdentityTests
{
    //= spec/p2pke.md#peer-id
    [VectorsFact]
    public void The_published_keys_have_the_published_ids()
    {
        var count = 0;
        foreach (var (_, entry) in Keys())
        {
            Assert.True(PublicKey.TryRead(Hex(entry, "public_x509"), out var key));
            foreach (var crypto in CryptoProvider.Available)
            {
                var id = P2pkePeerId.FromPublicKey(key, crypto);
                Assert.Equal(Hex(entry, "peer_id"), id.Bytes.ToArray());
                Assert.Equal(entry.GetProperty("peer_id_text").GetString(), id.ToString());
                Assert.True(P2pkePeerId.TryParse(id.ToString(), out var parsed));
                Assert.Equal(id, parsed);
            }

            count++;
        }

        Assert.Equal(5, count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("WUwUqCoOqG9DEP63EEST3Myl0XwEvPe707xbLlpmII")]
    [InlineData("WUwUqCoOqG9DEP63EEST3Myl0XwEvPe707xbLlpmIIAA")]
    [InlineData("WUwUqCoOqG9DEP63EEST3Myl0XwEvPe707xbLlpmIIB")] // bits past the last byte
    [InlineData("WUwUqCoOqG9DEP63EEST3Myl0XwEvPe707xbLlpmII+")]
    [InlineData("WUwUqCoOqG9DEP63EEST3Myl0XwEvPe707xbLlpmI =")]
    public void Other_texts_are_no_p2pke_id(string text) => Assert.False(P2pkePeerId.TryParse(text, out _));

    //= spec/p2pke.md#signature-prehash
    [VectorsFact]
    public void The_published_signatures_verify_and_the_forged_ones_do_not()
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(TestData.Vectors("p2pke", "signatures.json")));
        var keys = Keys();
        foreach (var crypto in CryptoProvider.Available)
        {
            var prehashes = 0;
            foreach (var entry in file.RootElement.GetProperty("prehash").EnumerateArray())
            {
                var prehash = new byte[P2pkeSignature.PrehashSize];
                P2pkeSignature.Prehash(crypto, Purpose(entry), Hex(entry, "data"), prehash);
                Assert.Equal(Hex(entry, "prehash"), prehash);
                prehashes++;
            }

            var (valid, forged, signed) = (0, 0, 0);
            foreach (var entry in file.RootElement.GetProperty("signatures").EnumerateArray())
            {
                var owner = keys[entry.GetProperty("key").GetString()!];
                Assert.True(PublicKey.TryRead(Hex(owner, "public_x509"), out var key));
                var expected = entry.GetProperty("valid").GetBoolean();
                Assert.Equal(expected, P2pkeSignature.Verify(crypto, key, Purpose(entry), Hex(entry, "data"), Hex(entry, "sig")));
                _ = expected ? valid++ : forged++;
                if (expected && owner.TryGetProperty("seed", out var seed))
                {
                    using var signer = crypto.ImportEd25519PrivateKey(Convert.FromHexString(seed.GetString()!));
                    var signature = new byte[64];
                    P2pkeSignature.Sign(crypto, signer, Purpose(entry), Hex(entry, "data"), signature);
                    Assert.Equal(Hex(entry, "sig"), signature);
                    signed++;
                }
            }

            Assert.Equal((20, 70), (prehashes, valid + forged));
            Assert.InRange(signed, 1, valid);
            Assert.InRange(forged, 1, 69);
        }
    }

    private static Dictionary<string, JsonElement> Keys()
        => JsonDocument.Parse(File.ReadAllBytes(TestData.Vectors("p2pke", "keys.json"))).RootElement.GetProperty("keys").EnumerateArray()
            .ToDictionary(key => key.GetProperty("name").GetString()!);

    private static byte[] Purpose(JsonElement entry) => Encoding.ASCII.GetBytes(entry.GetProperty("purpose").GetString()!);

    private static byte[] Hex(JsonElement element, string name) => Convert.FromHexString(element.GetProperty(name).GetString()!);
}
