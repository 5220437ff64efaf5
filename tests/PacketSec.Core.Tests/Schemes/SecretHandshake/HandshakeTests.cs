using PacketSec.Core.Tests.Crypto;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.SecretHandshake;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.SecretHandshake;

namespace PacketSec.Core.Tests.Schemes.SecretHandshake;

public sealed class HandshakeTests
{
    private static readonly byte[] NetworkKeyBytes = HandshakeRig.Seed(9);

    //= spec/secret-handshake.md#noise-payloads
    //= spec/secret-handshake.md#static-key
    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public void Both_ends_come_to_the_same_keys_and_know_each_other(string provider)
    {
        foreach (var network in (byte[]?[])[null, NetworkKeyBytes])
        {
            foreach (var agreement in (Protocol.Negotiation.Agreement?[])[null, HandshakeRig.NewAgreement()])
            {
                using var rig = new HandshakeRig(Providers.Named(provider), network, agreement);
                var finish = rig.RunToMessage3();
                var accept = rig.Accept(finish.Finish)!;
                Assert.Equal((DropReason.None, DropReason.None), (finish.Outcome, accept.Outcome));
                Assert.Equal(rig.InitiatorIdentity.PublicKey, accept.RemoteKey);
                Assert.Equal(rig.ResponderIdentity.PublicKey, finish.RemoteKey);
                Assert.Equal(rig.ResponderIdentity.PeerId, finish.RemotePeer);

                var (send, receive) = finish.TakeKeys();
                using var keys = accept.TakePendingKeys();
                using var copy = keys.Copy();
                Assert.True(send.FixedTimeEquals(keys.ReceiveKey) && receive.FixedTimeEquals(copy.SendKey));
                Assert.False(send.FixedTimeEquals(receive));
                Assert.Equal([0x80, 0, 0, 16], accept.Confirmation[..4]);
                using var aead = rig.Crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
                Assert.True(PacketAead.TryOpen(aead, receive.Span, new PacketCounter(16), accept.Confirmation, default));
                send.Dispose();
                receive.Dispose();
            }
        }
    }

    //= spec/secret-handshake.md#hidden-key
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Messages_1_and_2_are_the_same_whoever_the_two_are(bool network)
    {
        var transcripts = new List<string>();
        foreach (var (initiator, responder) in new (byte, byte)[] { (1, 2), (1, 3), (4, 2), (5, 6) })
        {
            using var caller = IdentityKey.FromSeed(HandshakeRig.Seed(initiator), CryptoProvider.Default);
            using var callee = IdentityKey.FromSeed(HandshakeRig.Seed(responder), CryptoProvider.Default);
            using var rig = new HandshakeRig(networkKey: network ? NetworkKeyBytes : null, initiator: caller, responder: callee);
            var (message1, noise) = rig.Call();
            var message2 = rig.Answer(message1);
            rig.Finish(noise, message2);
            var again = rig.Answer(message1);
            transcripts.Add(Convert.ToHexString([.. message1, .. message2, .. again]));
        }

        Assert.Single(transcripts.Distinct());
    }

    //= spec/secret-handshake.md#ephemeral-fresh
    //= spec/secret-handshake.md#answer
    [Fact]
    public void Each_call_and_each_answer_has_an_ephemeral_key_of_its_own()
    {
        using var rig = new HandshakeRig();
        var (message1, _) = rig.Call();
        var (another, _) = rig.Call();
        Assert.NotEqual(message1[4..36], another[4..36]);
        Assert.Equal(message1[36..], another[36..]);
        Assert.NotEqual(rig.Answer(message1)[12..44], rig.Answer(message1)[12..44]);
    }

    //= spec/secret-handshake.md#sealed-once
    [Fact]
    public void Message_3_is_a_function_of_the_identities_and_of_the_two_ephemeral_keys()
    {
        using var rig = new HandshakeRig();
        var (message1, noise) = rig.Call();
        var (first, second) = (rig.Answer(message1), rig.Answer(message1));
        var message3 = rig.Finish(noise, first).Finish;
        Assert.Equal(message3, rig.Finish(noise, first).Finish);
        Assert.NotEqual(message3[72..], rig.Finish(noise, second).Finish[72..]);

        // The cookie is carried along, and nothing else of the message depends on it.
        byte[] otherCookie = [.. first[..44], .. second[44..]];
        var carried = rig.Finish(noise, otherCookie).Finish;
        Assert.Equal([.. message3[..4], .. second[44..], .. message3[40..]], carried);
    }

    [Fact]
    public void A_message_3_from_another_address_or_20_s_later_or_with_another_ephemeral_key_finds_no_cookie()
    {
        using var rig = new HandshakeRig();
        var message3 = rig.RunToMessage3().Finish;
        Assert.Null(rig.Accept(message3, HandshakeRig.CallerAddress with { Port = 1 }));
        byte[] other = [.. message3[..71], (byte)(message3[71] ^ 1), .. message3[72..]];
        Assert.Null(rig.Accept(other));
        rig.Now += TimeSpan.FromSeconds(20);
        Assert.Equal(DropReason.None, rig.Accept(message3)!.Outcome);
        rig.Now += TimeSpan.FromMilliseconds(1);
        Assert.Null(rig.Accept(message3));
    }

    [Fact]
    public void One_wrong_bit_in_the_sealed_part_of_message_3_is_not_authentic()
    {
        using var rig = new HandshakeRig();
        var message3 = rig.RunToMessage3().Finish;
        for (var bit = 72 * 8; bit < message3.Length * 8; bit += 7)
        {
            var accept = rig.Accept(MessageTests.Flip(message3, bit))!;
            Assert.Equal(DropReason.NotAuthentic, accept.Outcome);
            Assert.Null(accept.RemoteKey);
            Assert.Throws<InvalidOperationException>(accept.TakePendingKeys);
        }
    }

    //= spec/secret-handshake.md#prologue
    [Fact]
    public void Another_transcript_network_or_callee_makes_another_handshake()
    {
        using var rig = new HandshakeRig(agreement: HandshakeRig.NewAgreement());
        var message3 = rig.RunToMessage3().Finish;
        Assert.Equal(DropReason.None, AcceptUnder(rig.Responder, rig.Agreement).Outcome);
        Assert.Equal(DropReason.NotAuthentic, AcceptUnder(rig.Responder, HandshakeRig.NewAgreement("another")).Outcome);
        Assert.Equal(DropReason.NotAuthentic, AcceptUnder(rig.Responder, null).Outcome);
        using var key = new NetworkKey(NetworkKeyBytes);
        var inNetwork = new SecretHandshakeContext(new SchemeContext(rig.Crypto, rig.ResponderRandom, rig.ResponderIdentity, key));
        Assert.Equal(DropReason.NotAuthentic, AcceptUnder(inNetwork, rig.Agreement).Outcome);

        // The Montgomery forms of B and -B are one: only the prologue tells them apart.
        byte[] negative = [.. rig.ResponderIdentity.PublicKey.Ed25519];
        negative[31] ^= 0x80;
        Assert.True(Callee.TryCreate(PeerId.FromPublicKey(PublicKey.FromEd25519(negative), rig.Crypto), out var callee));
        Assert.Equal(rig.Callee.Montgomery.ToArray(), callee.Montgomery.ToArray());
        rig.Callee = callee;
        Assert.Equal(DropReason.NotAuthentic, rig.Accept(rig.RunToMessage3().Finish)!.Outcome);

        CallAcceptWork AcceptUnder(SecretHandshakeContext context, Protocol.Negotiation.Agreement? agreement)
        {
            var seed = new byte[32];
            Assert.True(WireMessage.TryRead<Message3>(message3, out var read));
            var caller = new Caller(HandshakeRig.CallerAddress, read.Ephemeral, rig.Responder.Transcript(rig.Agreement), rig.Responder.Network);
            Assert.True(rig.Minutes.TryCheck(rig.Now, caller, read.Cookie, seed, out var ticket));
            using var work = new CallAcceptWork(context, new SecretHandshakeScheme(), default, message3, agreement, ticket, new SecretKey(seed));
            work.Run();
            return work;
        }
    }

    //= spec/secret-handshake.md#identity
    [Fact]
    public void An_identity_is_the_key_that_the_handshake_proved()
    {
        using var rig = new HandshakeRig();
        byte[] own = [.. rig.InitiatorIdentity.PublicKey.Ed25519];
        Assert.Equal(DropReason.None, AcceptPayload(rig, own));
        Assert.Equal(DropReason.KeyMismatch, AcceptPayload(rig, rig.ResponderIdentity.PublicKey.Ed25519));
        using var other = IdentityKey.FromSeed(HandshakeRig.Seed(7), rig.Crypto);
        Assert.Equal(DropReason.KeyMismatch, AcceptPayload(rig, other.PublicKey.Ed25519));
        Assert.Equal(DropReason.KeyMismatch, AcceptPayload(rig, Curve25519Rules.SmallOrderY[..32]));
        Assert.Equal(DropReason.KeyMismatch, AcceptPayload(rig, CurveMath.Encode(CurveMath.P + 3)));
        var noPoint = Enumerable.Range(2, 50).First(y => CurveMath.Decode(y, 0) is null);
        Assert.Equal(DropReason.KeyMismatch, AcceptPayload(rig, CurveMath.Encode(noPoint)));
    }

    //= spec/secret-handshake.md#message-3-layout
    [Fact]
    public void The_padding_behind_the_identity_is_zero()
    {
        using var rig = new HandshakeRig();
        for (var i = 32; i < 64; i++)
        {
            byte[] payload = [.. rig.InitiatorIdentity.PublicKey.Ed25519, .. new byte[32]];
            payload[i] = 1;
            Assert.Equal(DropReason.Malformed, Craft(rig, rig.InitiatorIdentity.AgreementKey, payload).Outcome);
        }
    }

    //= spec/secret-handshake.md#own-key
    [Fact]
    public void Ones_own_key_and_its_negative_are_nobody_else()
    {
        using var both = IdentityKey.FromSeed(HandshakeRig.Seed(3), CryptoProvider.Default);
        using var rig = new HandshakeRig(initiator: both, responder: both);
        Assert.Equal(DropReason.OwnKey, rig.Accept(rig.RunToMessage3().Finish)!.Outcome);
        byte[] negative = [.. both.PublicKey.Ed25519];
        negative[31] ^= 0x80;
        Assert.Equal(DropReason.OwnKey, AcceptPayload(rig, negative));
    }

    //= spec/secret-handshake.md#zero-dh
    [Fact]
    public void A_static_key_of_small_order_is_not_authentic()
    {
        using var rig = new HandshakeRig();
        using var weak = new WeakKey();
        Assert.Equal(DropReason.NotAuthentic, Craft(rig, weak, [.. rig.InitiatorIdentity.PublicKey.Ed25519, .. new byte[32]]).Outcome);
    }

    //= spec/secret-handshake.md#dial-key
    [Fact]
    public void Only_a_peer_ID_that_holds_an_Ed25519_key_can_be_called()
    {
        var crypto = CryptoProvider.Default;
        using var identity = IdentityKey.FromSeed(HandshakeRig.Seed(1), crypto);
        Assert.True(Callee.TryCreate(identity.PeerId, out var callee));
        Assert.Equal(identity.AgreementKey.PublicKey.ToArray(), callee.Montgomery.ToArray());

        Assert.True(PeerId.TryRead([0x12, 0x20, .. HandshakeRig.Seed(1)], out var hashed));
        Assert.False(Callee.TryCreate(hashed, out _));
        var noPoint = Enumerable.Range(2, 50).First(y => CurveMath.Decode(y, 0) is null);
        foreach (var key in (byte[][])[Curve25519Rules.SmallOrderY[..32].ToArray(), CurveMath.Encode(CurveMath.P + 3), CurveMath.Encode(noPoint)])
        {
            Assert.False(Callee.TryCreate(PeerId.FromPublicKey(PublicKey.FromEd25519(key), crypto), out _));
        }
    }

    /// <summary>Makes a message 3 with any static key and payload, and opens it.</summary>
    internal static CallAcceptWork Craft(HandshakeRig rig, X25519PrivateKey staticKey, byte[] payload)
    {
        using var noise = new HandshakeState(rig.Crypto, rig.InitiatorRandom, new HandshakeConfig
        {
            Protocol = SecretHandshakeScheme.Noise,
            Initiator = true,
            Prologue = (byte[])[.. rig.Initiator.Transcript(rig.Agreement), .. rig.Initiator.Network, .. rig.Callee.Key.Ed25519],
            LocalStatic = staticKey,
            RemoteStatic = rig.Callee.Montgomery,
        });
        var message1 = new byte[80];
        message1[3] = 8;
        noise.WriteMessage(rig.Initiator.Transcript(rig.Agreement)[..8], message1.AsSpan(4));
        var message2 = rig.Answer(message1);
        Assert.True(noise.TryReadMessage(message2.AsSpan(12, 32), default, out _));
        var sealedPart = new byte[128];
        noise.WriteMessage(payload, sealedPart);
        return rig.Accept([0, 0, 0, 10, .. message2[44..80], .. message1[4..36], .. sealedPart])!;
    }

    private static DropReason AcceptPayload(HandshakeRig rig, ReadOnlySpan<byte> key)
        => Craft(rig, rig.InitiatorIdentity.AgreementKey, [.. key, .. new byte[32]]).Outcome;

    /// <summary>A key that no honest peer has: its public key is the point of order two, so that every shared secret is zero.</summary>
    internal sealed class WeakKey : X25519PrivateKey
    {
        public override ReadOnlySpan<byte> PublicKey => Curve25519Rules.SmallOrderU[..32];

        public override bool TryAgree(ReadOnlySpan<byte> peerPublicKey, Span<byte> sharedSecret)
        {
            sharedSecret.Clear();
            return true;
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
