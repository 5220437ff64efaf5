using PacketSec.Crypto;
using PacketSec.Noise;

namespace PacketSec.Core.Tests.Noise;

public sealed class HandshakeStateTests
{
    [Fact]
    public void Both_sides_learn_each_others_keys_as_the_messages_carry_them()
    {
        using var pair = HandshakePair.For("XX");
        Assert.True(pair.Initiator.LocalEphemeral.IsEmpty);
        pair.Run(messages: 1);
        Assert.Equal(pair.Initiator.LocalEphemeral.ToArray(), pair.Responder.RemoteEphemeral.ToArray());
        Assert.Equal(32, pair.Initiator.LocalEphemeral.Length);
        Assert.True(pair.Initiator.RemoteStatic.IsEmpty);
        pair.Run(messages: 1);
        Assert.Equal(pair.ResponderConfig.LocalStatic!.PublicKey.ToArray(), pair.Initiator.RemoteStatic.ToArray());
        Assert.True(pair.Responder.RemoteStatic.IsEmpty);
        pair.Run();
        Assert.Equal(pair.InitiatorConfig.LocalStatic!.PublicKey.ToArray(), pair.Responder.RemoteStatic.ToArray());
        Assert.Equal(pair.Initiator.HandshakeHash.ToArray(), pair.Responder.HandshakeHash.ToArray());
    }

    [Fact]
    public void Different_prologues_end_at_the_first_sealed_message()
    {
        using var pair = HandshakePair.For("NN");
        using var other = new HandshakeState(pair.Crypto, pair.Random, new HandshakeConfig
        {
            Protocol = pair.ResponderConfig.Protocol,
            Initiator = false,
            Prologue = "Prologue"u8.ToArray(),
        });
        var first = HandshakePair.Write(pair.Initiator, []);
        Assert.NotNull(HandshakePair.Read(other, first));
        Assert.Null(HandshakePair.Read(pair.Initiator, HandshakePair.Write(other, [])));
    }

    [Fact]
    public void Different_pre_shared_keys_end_at_the_first_message()
    {
        using var pair = HandshakePair.For("NNpsk0");
        using var other = new HandshakeState(pair.Crypto, pair.Random, new HandshakeConfig
        {
            Protocol = pair.ResponderConfig.Protocol,
            Initiator = false,
            Prologue = "prologue"u8.ToArray(),
            PreSharedKeys = [pair.NewSecret()],
        });
        Assert.Null(HandshakePair.Read(other, HandshakePair.Write(pair.Initiator, [])));
    }

    [Fact]
    public void Each_handshake_draws_its_own_ephemeral_key()
    {
        using var pair = HandshakePair.For("NN");
        using var second = new HandshakeState(pair.Crypto, pair.Random, pair.InitiatorConfig);
        Assert.NotEqual(HandshakePair.Write(pair.Initiator, []), HandshakePair.Write(second, []));
    }

    [Fact]
    public void Writing_and_reading_out_of_turn_throws()
    {
        using var pair = HandshakePair.For("XX");
        var buffer = new byte[200];
        Assert.False(pair.Responder.IsMyTurn);
        Assert.Throws<InvalidOperationException>(() => pair.Responder.TryWriteMessage([], buffer, out _));
        Assert.Throws<InvalidOperationException>(() => pair.Initiator.TryReadMessage([], buffer, out _));
        Assert.Throws<InvalidOperationException>(() => HandshakePair.Split(pair.Initiator));
        Assert.Throws<InvalidOperationException>(pair.Initiator.ToTransport);
        pair.Run();
        Assert.False(pair.Initiator.IsMyTurn || pair.Responder.IsMyTurn);
        Assert.Throws<InvalidOperationException>(() => pair.Initiator.TryWriteMessage([], buffer, out _));
        Assert.Throws<InvalidOperationException>(() => pair.Responder.TryReadMessage([], buffer, out _));
        Assert.Throws<InvalidOperationException>(() => pair.Initiator.MessageOverhead);
    }

    [Fact]
    public void Buffers_one_byte_too_small_throw_and_change_nothing()
    {
        using var pair = HandshakePair.For("IK");
        var before = StateDigest.Of(pair.Initiator);
        Assert.Equal(32 + 48 + 16, pair.Initiator.MessageOverhead);
        Assert.Throws<ArgumentException>(() => pair.Initiator.TryWriteMessage(new byte[5], new byte[100], out _));
        Assert.Equal(before, StateDigest.Of(pair.Initiator));
        var message = new byte[101];
        Assert.True(pair.Initiator.TryWriteMessage(new byte[5], message, out _));

        before = StateDigest.Of(pair.Responder);
        Assert.Throws<ArgumentException>(() => pair.Responder.TryReadMessage(message, new byte[4], out _));
        Assert.Equal(before, StateDigest.Of(pair.Responder));
        Assert.True(pair.Responder.TryReadMessage(message, new byte[5], out var length));
        Assert.Equal(5, length);
    }

    [Fact]
    public void Buffers_that_overlap_throw()
    {
        using var pair = HandshakePair.For("NN");
        var buffer = new byte[100];
        Assert.Throws<ArgumentException>(() => pair.Initiator.TryWriteMessage(buffer.AsSpan(0, 10), buffer, out _));
        var length = pair.Initiator.WriteMessage([1], buffer);
        Assert.Throws<ArgumentException>(() => pair.Responder.TryReadMessage(buffer.AsSpan(0, length), buffer.AsSpan(32), out _));
    }

    [Fact]
    public void A_message_of_65535_bytes_passes_and_one_of_65536_does_not()
    {
        using var pair = HandshakePair.For("NNpsk0");
        var payload = new byte[NoiseProtocol.MaxMessageSize - 48];
        var message = new byte[NoiseProtocol.MaxMessageSize + 1];
        Assert.Throws<ArgumentException>(() => pair.Initiator.TryWriteMessage(new byte[payload.Length + 1], message, out _));
        Assert.Equal(NoiseProtocol.MaxMessageSize, pair.Initiator.WriteMessage(payload, message));
        Assert.False(pair.Responder.TryReadMessage(message, new byte[message.Length], out _));
        Assert.True(pair.Responder.TryReadMessage(message.AsSpan(0, NoiseProtocol.MaxMessageSize), payload, out _));
    }

    [Fact]
    public void A_configuration_without_a_key_that_the_pattern_needs_is_refused()
    {
        using var pair = HandshakePair.For("KKpsk0");
        var good = pair.InitiatorConfig;
        AssertRefused(pair, localStatic: null, good.RemoteStatic, good.PreSharedKeys);
        AssertRefused(pair, good.LocalStatic, default, good.PreSharedKeys);
        AssertRefused(pair, good.LocalStatic, new byte[31], good.PreSharedKeys);
        AssertRefused(pair, good.LocalStatic, new byte[33], good.PreSharedKeys);
        AssertRefused(pair, good.LocalStatic, good.RemoteStatic, []);
        AssertRefused(pair, good.LocalStatic, good.RemoteStatic, [.. good.PreSharedKeys, .. good.PreSharedKeys]);
        using var shortKey = new SecretKey(new byte[31]);
        AssertRefused(pair, good.LocalStatic, good.RemoteStatic, [shortKey]);
    }

    [Fact]
    public void A_configuration_with_a_key_that_the_pattern_ignores_is_refused()
    {
        using var pair = HandshakePair.For("NN");
        AssertRefused(pair, pair.NewKey(), default, []);
        AssertRefused(pair, null, new byte[32], []);
        AssertRefused(pair, null, default, [pair.NewSecret()]);
        using var oneWay = HandshakePair.For("N");
        Assert.Throws<ArgumentException>(() => new HandshakeState(pair.Crypto, pair.Random, new HandshakeConfig
        {
            Protocol = oneWay.ResponderConfig.Protocol,
            Initiator = false,
            LocalStatic = oneWay.ResponderConfig.LocalStatic,
            LocalEphemeral = pair.NewKey(),
        }));
    }

    [Fact]
    public void A_clone_goes_its_own_way()
    {
        using var pair = HandshakePair.For("XX");
        using var otherResponder = new HandshakeState(pair.Crypto, pair.Random, pair.ResponderConfig);
        var hello = HandshakePair.Write(pair.Initiator, []);
        var before = StateDigest.Of(pair.Initiator);
        using var clone = pair.Initiator.Clone();
        Assert.Equal(before, StateDigest.Of(clone));

        Assert.NotNull(HandshakePair.Read(otherResponder, hello));
        Assert.NotNull(HandshakePair.Read(clone, HandshakePair.Write(otherResponder, [])));
        Assert.NotNull(HandshakePair.Read(otherResponder, HandshakePair.Write(clone, [])));
        Assert.Equal(before, StateDigest.Of(pair.Initiator));

        Assert.NotNull(HandshakePair.Read(pair.Responder, hello));
        Assert.NotNull(HandshakePair.Read(pair.Initiator, HandshakePair.Write(pair.Responder, [])));
        Assert.NotNull(HandshakePair.Read(pair.Responder, HandshakePair.Write(pair.Initiator, [])));
        var keys = HandshakePair.Split(pair.Initiator);
        Assert.Equal(keys, HandshakePair.Split(pair.Responder));
        var otherKeys = HandshakePair.Split(clone);
        Assert.Equal(otherKeys, HandshakePair.Split(otherResponder));
        Assert.NotEqual(keys, otherKeys);
    }

    [Fact]
    public void A_clone_outlives_its_original_and_the_last_holder_wipes_the_ephemeral_key()
    {
        using var pair = HandshakePair.For("NN");
        pair.Run(messages: 1);
        var ephemeral = pair.Initiator.EphemeralPrivateKey!;
        using var clone = pair.Initiator.Clone();
        pair.Initiator.Dispose();
        Assert.NotNull(HandshakePair.Read(clone, HandshakePair.Write(pair.Responder, [])));
        Assert.True(clone.IsComplete);
        Assert.Throws<ObjectDisposedException>(() => ephemeral.TryAgree(pair.Responder.LocalEphemeral, new byte[32]));
        Assert.Equal(HandshakePair.Split(pair.Responder), HandshakePair.Split(clone));
    }

    [Fact]
    public void Keys_are_taken_once_and_then_the_secrets_are_gone()
    {
        using var pair = HandshakePair.For("XX");
        pair.Run();
        Assert.Null(pair.Initiator.EphemeralPrivateKey);
        Assert.Throws<ArgumentException>(() => pair.Initiator.Split(new byte[32], new byte[31]));
        HandshakePair.Split(pair.Initiator);
        var hash = pair.Initiator.HandshakeHash.ToArray();
        Assert.Contains(hash, value => value != 0);
        Assert.All(pair.Initiator.Symmetric.Secrets[64..].ToArray(), value => Assert.Equal(0, value));
        Assert.Throws<InvalidOperationException>(() => HandshakePair.Split(pair.Initiator));
        Assert.Throws<InvalidOperationException>(pair.Initiator.ToStatelessTransport);
        Assert.Throws<InvalidOperationException>(pair.Initiator.Clone);
        Assert.Equal(32, pair.Initiator.RemoteStatic.Length);
    }

    [Fact]
    public void Disposal_wipes_all_secrets_but_not_the_callers_keys()
    {
        using var pair = HandshakePair.For("XXpsk2");
        pair.Run(messages: 2);
        var state = pair.Responder;
        var ephemeral = state.EphemeralPrivateKey!;
        Assert.Contains(state.Symmetric.Secrets.ToArray(), value => value != 0);
        state.Dispose();
        state.Dispose();
        Assert.All(state.Symmetric.Secrets.ToArray(), value => Assert.Equal(0, value));
        Assert.Throws<ObjectDisposedException>(() => ephemeral.TryAgree(pair.Initiator.LocalEphemeral, new byte[32]));
        Assert.Throws<ObjectDisposedException>(() => state.TryReadMessage([], [], out _));
        Assert.Throws<ObjectDisposedException>(() => state.HandshakeHash.Length);
        Assert.Throws<ObjectDisposedException>(() => state.RemoteEphemeral.Length);
        Assert.Throws<ObjectDisposedException>(state.Clone);
        Assert.Throws<ObjectDisposedException>(state.ToTransport);
        Assert.True(pair.ResponderConfig.LocalStatic!.TryAgree(pair.Initiator.LocalEphemeral, new byte[32]));
        Assert.Equal(32, pair.ResponderConfig.PreSharedKeys[0].Span.Length);
    }

    [Fact]
    public void A_fixed_ephemeral_key_stays_the_callers()
    {
        using var pair = HandshakePair.For("NN");
        var key = pair.NewKey();
        using var state = new HandshakeState(pair.Crypto, pair.Random, new HandshakeConfig
        {
            Protocol = pair.InitiatorConfig.Protocol,
            Initiator = true,
            Prologue = pair.InitiatorConfig.Prologue,
            LocalEphemeral = key,
        });
        Assert.NotNull(HandshakePair.Read(pair.Responder, HandshakePair.Write(state, [])));
        Assert.Equal(key.PublicKey.ToArray(), pair.Responder.RemoteEphemeral.ToArray());
        Assert.NotNull(HandshakePair.Read(state, HandshakePair.Write(pair.Responder, [])));
        state.Dispose();
        Assert.True(key.TryAgree(pair.Responder.LocalEphemeral, new byte[32]));
    }

    private static void AssertRefused(
        HandshakePair pair, X25519PrivateKey? localStatic, ReadOnlyMemory<byte> remoteStatic, IReadOnlyList<SecretKey> preSharedKeys)
        => Assert.Throws<ArgumentException>(() => new HandshakeState(pair.Crypto, pair.Random, new HandshakeConfig
        {
            Protocol = pair.InitiatorConfig.Protocol,
            Initiator = true,
            LocalStatic = localStatic,
            RemoteStatic = remoteStatic,
            PreSharedKeys = preSharedKeys,
        }));
}
