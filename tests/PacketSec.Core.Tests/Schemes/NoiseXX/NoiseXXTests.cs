using System.Security.Cryptography;
using System.Text;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.NoiseXX;

namespace PacketSec.Protocol.Tests.Schemes.NoiseXX;

public sealed class NoiseXXTests : IDisposable
{
    // The base point, which somebody may hold a key for.
    private static readonly PublicKey Other = PublicKey.FromEd25519(Convert.FromHexString("58" + string.Concat(Enumerable.Repeat("66", 31))));

    private readonly NoiseXXRig _rig = new();

    public void Dispose() => _rig.Dispose();

    //= spec/noise-xx.md#first-layout
    //= spec/noise-xx.md#answer-layout
    //= spec/noise-xx.md#finish-layout
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Both_sides_prove_themselves_and_agree_on_keys(int number)
    {
        var agreement = NoiseXXRig.AgreementOf(number);
        using var first = _rig.First(agreement: agreement);
        var transcript = agreement?.Transcript.ToArray() ?? Agreement.DirectTranscript(CryptoProvider.Default, "noise-xx-1");
        Assert.Equal("00000004", Convert.ToHexStringLower(first.FirstMessage.AsSpan(0, 4)));
        Assert.Equal(transcript[..8], first.FirstMessage[36..44]);
        Assert.Equal(-1, first.FirstMessage.AsSpan(44).IndexOfAnyExcept((byte)0));

        using var answer = _rig.Answer(first.FirstMessage, agreement);
        Assert.Equal(DropReason.None, answer.Outcome);
        Assert.Null(answer.RemoteKey);
        Assert.Equal("80000005", Convert.ToHexStringLower(answer.Answer.AsSpan(0, 4)));
        Assert.True(answer.Answer.Length <= first.FirstMessage.Length);

        using var noise = first.TakeNoise();
        using var check = _rig.Check(noise, answer.Answer);
        Assert.Equal((DropReason.None, _rig.Responder.PeerId, _rig.Responder.PublicKey), (check.Outcome, check.RemotePeer, check.RemoteKey));
        Assert.Equal("00000006", Convert.ToHexStringLower(check.Finish.AsSpan(0, 4)));

        using var pending = answer.TakePendingKeys();
        using var finish = _rig.Finish(pending, check.Finish);
        Assert.Equal((DropReason.None, 7L, _rig.Initiator.PublicKey), (finish.Outcome, finish.MatchedId, finish.RemoteKey));
        Assert.Equal((20, 20), (finish.Confirmation.Length, finish.Refusal.Length));
        using var session = finish.TakeSession()!;
        var (send, receive) = check.TakeKeys();
        Assert.Equal(send.Span.ToArray(), session.ReceiveKey.Span.ToArray());
        Assert.Equal(receive.Span.ToArray(), session.SendKey.Span.ToArray());
        Assert.NotEqual(send.Span.ToArray(), receive.Span.ToArray());
        send.Dispose();
        receive.Dispose();
    }

    //= spec/noise-xx.md#prologue
    //= spec/noise-xx.md#answer-unauthentic
    [Theory]
    [InlineData(1, 1, true)]
    [InlineData(1, 2, false)]
    [InlineData(1, 0, false)]
    [InlineData(0, 1, false)]
    [InlineData(0, 0, true)]
    public void An_answer_opens_only_under_the_transcript_that_it_was_made_under(int initiators, int responders, bool opens)
    {
        using var first = _rig.First(agreement: NoiseXXRig.AgreementOf(initiators));
        using var answer = _rig.Answer(first.FirstMessage, NoiseXXRig.AgreementOf(responders));
        using var noise = first.TakeNoise();
        using var check = _rig.Check(noise, answer.Answer);
        Assert.Equal(opens ? DropReason.None : DropReason.NotAuthentic, check.Outcome);
    }

    //= spec/noise-xx.md#first-size
    [Fact]
    public void Towards_a_key_that_its_peer_ID_does_not_hold_the_first_message_is_longer()
    {
        using var rsa = RSA.Create(2048);
        Assert.True(PublicKey.TryRead(rsa.ExportSubjectPublicKeyInfo(), out var key));
        using var longer = _rig.First(PeerId.FromPublicKey(key, CryptoProvider.Default));
        using var shorter = _rig.First();
        Assert.Equal((1200, 512), (longer.FirstMessage.Length, shorter.FirstMessage.Length));
    }

    //= spec/noise-xx.md#message-sizes
    [Theory]
    [InlineData(HandshakeStep.First, 511, DropReason.TooShort)]
    [InlineData(HandshakeStep.First, 512, DropReason.None)]
    [InlineData(HandshakeStep.Answer, 99, DropReason.TooShort)]
    [InlineData(HandshakeStep.Answer, 100, DropReason.None)]
    [InlineData(HandshakeStep.Finish, 67, DropReason.TooShort)]
    [InlineData(HandshakeStep.Finish, 68, DropReason.None)]
    [InlineData(HandshakeStep.First, 2048, DropReason.None)]
    [InlineData(HandshakeStep.First, 2049, DropReason.TooLong)]
    [InlineData(HandshakeStep.Finish, 2049, DropReason.TooLong)]
    public void A_message_has_a_shortest_and_a_longest_form(object step, int length, DropReason reason)
        => Assert.Equal(reason, new NoiseXXScheme().CheckLength((HandshakeStep)step, length));

    //= spec/noise-xx.md#ephemeral-fresh
    [Fact]
    public void No_two_first_messages_and_no_two_answers_share_an_ephemeral_key()
    {
        using var one = _rig.First();
        using var other = _rig.First();
        Assert.NotEqual(one.FirstMessage[4..36], other.FirstMessage[4..36]);
        using var answer = _rig.Answer(one.FirstMessage);
        using var again = _rig.Answer(one.FirstMessage);
        Assert.NotEqual(answer.Answer[4..36], again.Answer[4..36]);
    }

    //= spec/noise-xx.md#zero-dh
    [Fact]
    public void A_point_of_low_order_ends_at_once()
    {
        using var first = _rig.First();
        var forged = first.FirstMessage.ToArray();
        forged.AsSpan(4, 32).Clear();
        using var refused = _rig.Answer(forged);
        Assert.Equal(DropReason.LowOrderKey, refused.Outcome);

        using var answer = _rig.Answer(first.FirstMessage);
        answer.Answer.AsSpan(4, 32).Clear();
        using var noise = first.TakeNoise();
        using var check = _rig.Check(noise, answer.Answer);
        Assert.Equal(DropReason.NotAuthentic, check.Outcome);
    }

    //= spec/noise-xx.md#identity-compared
    [Fact]
    public void Another_identity_than_the_one_called_gets_no_finish()
    {
        using var first = _rig.First();
        using var answer = _rig.Answer(first.FirstMessage);
        using var noise = first.TakeNoise();
        using var check = _rig.Check(noise, answer.Answer, _rig.Initiator.PeerId);
        Assert.Equal((DropReason.WrongIdentity, _rig.Responder.PeerId), (check.Outcome, check.RemotePeer));
        Assert.Empty(check.Finish);
    }

    //= spec/noise-xx.md#finish-unauthentic
    [Fact]
    public void A_changed_finish_harms_no_pending_handshake()
    {
        using var first = _rig.First();
        using var answer = _rig.Answer(first.FirstMessage);
        using var noise = first.TakeNoise();
        using var check = _rig.Check(noise, answer.Answer);
        using var pending = answer.TakePendingKeys();
        for (var i = 4; i < check.Finish.Length; i++)
        {
            var changed = check.Finish.ToArray();
            changed[i] ^= 0x10;
            using var dropped = _rig.Finish(pending, changed);
            Assert.Equal((DropReason.NotAuthentic, 0L), (dropped.Outcome, dropped.MatchedId));
        }

        using var finish = _rig.Finish(pending, check.Finish);
        Assert.Equal(DropReason.None, finish.Outcome);
    }

    public static TheoryData<string, DropReason> Claims => new()
    {
        { "true", DropReason.None },
        { "unknown field", DropReason.None },
        { "no signature", DropReason.Malformed },
        { "no key", DropReason.Malformed },
        { "cut", DropReason.Malformed },
        { "secp256k1", DropReason.UnsupportedKey },
        { "own key", DropReason.OwnKey },
        { "another static key", DropReason.BadSignature },
        { "no prefix", DropReason.BadSignature },
        { "another's key", DropReason.BadSignature },
    };

    //= spec/noise-xx.md#claim-payload
    //= spec/noise-xx.md#claim-signature
    //= spec/noise-xx.md#claim-key
    //= spec/noise-xx.md#own-key
    [Theory]
    [MemberData(nameof(Claims))]
    public void A_claim_must_bind_the_identity_to_the_static_key_of_this_handshake(string name, DropReason reason)
    {
        using var first = _rig.First();
        using var noise = first.TakeNoise();
        using var check = _rig.Check(noise, _rig.AnswerWith(first.FirstMessage, key => Claim(name, _rig.Responder, _rig.Initiator, key.Span)));
        Assert.Equal(reason, check.Outcome);

        using var answer = _rig.Answer(first.FirstMessage);
        using var pending = answer.TakePendingKeys();
        var message3 = _rig.FinishWith(noise, answer.Answer, key => Claim(name, _rig.Initiator, _rig.Responder, key.Span));
        using var finish = _rig.Finish(pending, message3);
        Assert.Equal(reason, finish.Outcome);
        Assert.Equal(reason == DropReason.None, finish.TakeSession() is { } session && Disposed(session));
    }

    //= spec/noise-xx.md#claim-signature
    //= spec/noise-xx.md#claim-key
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Identities_of_other_kinds_prove_themselves_too(bool useRsa)
    {
        using var rsa = RSA.Create(2048);
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.True(PublicKey.TryRead(useRsa ? rsa.ExportSubjectPublicKeyInfo() : ecdsa.ExportSubjectPublicKeyInfo(), out var key));
        byte[] Sign(ReadOnlySpan<byte> signed) => useRsa
            ? rsa.SignData(signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : ecdsa.SignData(signed, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

        var peer = PeerId.FromPublicKey(key, CryptoProvider.Default);
        using var first = _rig.First(peer);
        using var noise = first.TakeNoise();
        var answer = _rig.AnswerWith(first.FirstMessage, staticKey => NoiseXXRig.Encode(key.ToProtobuf(), Sign(Signed(staticKey.Span))));
        Assert.True(answer.Length <= first.FirstMessage.Length);
        using var check = _rig.Check(noise, answer, peer);
        Assert.Equal((DropReason.None, peer), (check.Outcome, check.RemotePeer));

        answer = _rig.AnswerWith(first.FirstMessage, staticKey => NoiseXXRig.Encode(key.ToProtobuf(), Sign(staticKey.Span)));
        using var refused = _rig.Check(noise, answer, peer);
        Assert.Equal(DropReason.BadSignature, refused.Outcome);
    }

    private static bool Disposed(PendingKeys session)
    {
        session.Dispose();
        return true;
    }

    private static byte[] Signed(ReadOnlySpan<byte> staticKey) => [.. Encoding.ASCII.GetBytes("noise-libp2p-static-key:"), .. staticKey];

    private static byte[] Claim(string name, IdentityKey sender, IdentityKey receiver, ReadOnlySpan<byte> staticKey)
    {
        byte[] Sign(IdentityKey by, ReadOnlySpan<byte> signed)
        {
            var signature = new byte[64];
            by.SigningKey.Sign(signed, signature);
            return signature;
        }

        var key = sender.PublicKey.ToProtobuf();
        var signature = Sign(sender, Signed(staticKey));
        return name switch
        {
            "unknown field" => [.. NoiseXXRig.Encode(key, signature), 0x22, 0x01, 0x00],
            "no signature" => NoiseXXRig.Encode(key, default),
            "no key" => NoiseXXRig.Encode(default, signature),
            "cut" => NoiseXXRig.Encode(key, signature)[..^1],
            "secp256k1" => NoiseXXRig.Encode([0x08, 0x02, 0x12, 0x01, 0x02], signature),
            "own key" => NoiseXXRig.Encode(receiver.PublicKey.ToProtobuf(), Sign(receiver, Signed(staticKey))),
            "another static key" => NoiseXXRig.Encode(key, Sign(sender, Signed(receiver.AgreementKey.PublicKey))),
            "no prefix" => NoiseXXRig.Encode(key, Sign(sender, staticKey)),
            "another's key" => NoiseXXRig.Encode(Other.ToProtobuf(), signature),
            _ => NoiseXXRig.Encode(key, signature),
        };
    }
}
