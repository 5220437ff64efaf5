using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;

namespace PacketSec.Core.Tests.Schemes.SecretHandshake;

public sealed class EqualWorkTests
{
    //= spec/secret-handshake.md#equal-work
    [Fact]
    public void Each_message_3_with_a_valid_cookie_costs_the_same_operations_whatever_is_wrong_with_it()
    {
        var crypto = new CountingProvider(CryptoProvider.Default);
        using var rig = new HandshakeRig(crypto);
        byte[] payload = [.. rig.InitiatorIdentity.PublicKey.Ed25519, .. new byte[32]];
        using var other = IdentityKey.FromSeed(HandshakeRig.Seed(7), crypto);
        using var weak = new HandshakeTests.WeakKey();
        var message3 = rig.RunToMessage3().Finish;
        var costs = new Dictionary<string, string>
        {
            ["genuine"] = CostOf(DropReason.None, message3),
            ["first tag"] = CostOf(DropReason.NotAuthentic, MessageTests.Flip(message3, 73 * 8)),
            ["second tag"] = CostOf(DropReason.NotAuthentic, MessageTests.Flip(message3, 199 * 8)),
            ["padding"] = CostOf(DropReason.Malformed, Craft(rig.InitiatorIdentity.AgreementKey, [.. payload[..63], 1])),
            ["another identity"] = CostOf(DropReason.KeyMismatch, Craft(rig.InitiatorIdentity.AgreementKey, [.. other.PublicKey.Ed25519, .. new byte[32]])),
            ["identity of small order"] = CostOf(DropReason.KeyMismatch, Craft(rig.InitiatorIdentity.AgreementKey, [1, .. new byte[63]])),
            ["static key of small order"] = CostOf(DropReason.NotAuthentic, Craft(weak, payload)),
            ["own key"] = CostOf(DropReason.OwnKey, Craft(rig.ResponderIdentity.AgreementKey, [.. rig.ResponderIdentity.PublicKey.Ed25519, .. new byte[32]])),
        };
        Assert.Contains("3 agreements", costs["genuine"], StringComparison.Ordinal);
        Assert.Contains("2 openings", costs["genuine"], StringComparison.Ordinal);
        Assert.Contains("1 imports", costs["genuine"], StringComparison.Ordinal);
        Assert.All(costs, cost => Assert.Equal(costs["genuine"], cost.Value));

        byte[] Craft(X25519PrivateKey key, byte[] identity) => HandshakeTests.Craft(rig, key, identity).Finish;

        string CostOf(DropReason expected, byte[] message)
        {
            crypto.Reset();
            Assert.Equal(expected, rig.Accept(message)!.Outcome);
            return crypto.ToString();
        }
    }
}
