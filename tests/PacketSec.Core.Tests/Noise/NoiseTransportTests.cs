using PacketSec.Crypto;
using PacketSec.Noise;

namespace PacketSec.Core.Tests.Noise;

public sealed class NoiseTransportTests
{
    [Fact]
    public void Ordered_messages_pass_once_and_in_order()
    {
        using var pair = Complete("NN");
        using var initiator = pair.Initiator.ToTransport();
        using var responder = pair.Responder.ToTransport();
        var first = Write(initiator, "first"u8);
        var second = Write(initiator, "second"u8);
        var payload = new byte[100];

        Assert.False(responder.TryReadMessage(second, payload, out _));
        second[^1] ^= 1;
        Assert.True(responder.TryReadMessage(first, payload, out var length));
        Assert.Equal("first"u8.ToArray(), payload[..length]);
        Assert.False(responder.TryReadMessage(first, payload, out _));
        Assert.False(responder.TryReadMessage(second, payload, out _));
        second[^1] ^= 1;
        Assert.True(responder.TryReadMessage(second, payload, out _));
        Assert.True(initiator.TryReadMessage(Write(responder, []), payload, out length));
        Assert.Equal(0, length);
        Assert.False(initiator.TryReadMessage(Write(initiator, []), payload, out _));
    }

    [Fact]
    public void Stateless_messages_pass_in_any_order_under_their_own_nonce_and_associated_data()
    {
        using var pair = Complete("NN");
        using var initiator = pair.Initiator.ToStatelessTransport();
        using var responder = pair.Responder.ToStatelessTransport();
        ulong[] nonces = [0, 7, 1000, ulong.MaxValue - 1];
        var messages = nonces.Select(nonce => Write(initiator, nonce, "header"u8, [(byte)(nonce & 0xff)])).ToArray();
        var payload = new byte[1];
        foreach (var i in new[] { 3, 0, 2, 1, 2 })
        {
            Assert.True(responder.TryReadMessage(nonces[i], "header"u8, messages[i], payload, out var length));
            Assert.Equal((1, (byte)(nonces[i] & 0xff)), (length, payload[0]));
        }

        Assert.False(responder.TryReadMessage(8, "header"u8, messages[1], payload, out _));
        Assert.False(responder.TryReadMessage(7, "Header"u8, messages[1], payload, out _));
        Assert.False(initiator.TryReadMessage(7, "header"u8, messages[1], payload, out _));
    }

    [Fact]
    public void The_last_nonce_is_reserved_for_rekeying()
    {
        using var pair = Complete("NN");
        using var twin = pair.Initiator.Clone();
        using var stateless = twin.ToStatelessTransport();
        using var initiator = pair.Initiator.ToTransport();
        using var responder = pair.Responder.ToTransport();
        initiator.Sending.SetNonce(ulong.MaxValue - 1);
        responder.Receiving.SetNonce(ulong.MaxValue - 1);
        Assert.True(responder.TryReadMessage(Write(initiator, []), [], out _));
        Assert.Throws<InvalidOperationException>(() => Write(initiator, []));
        Assert.Throws<InvalidOperationException>(() => Write(stateless, ulong.MaxValue, [], []));

        var underTheReservedNonce = new byte[16];
        using var aead = pair.Crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
        aead.Seal(initiator.Sending.Key, Convert.FromHexString("00000000ffffffffffffffff"), [], [], underTheReservedNonce);
        Assert.False(responder.TryReadMessage(underTheReservedNonce, [], out _));
    }

    [Theory]
    [InlineData(AeadAlgorithm.ChaCha20Poly1305)]
    [InlineData(AeadAlgorithm.AesGcm)]
    public void Rekeying_takes_32_zeros_sealed_under_the_last_nonce_and_keeps_the_count(AeadAlgorithm algorithm)
    {
        using var pair = new HandshakePair(NoiseProtocol.Create(HandshakePattern.FromName("NN"), algorithm, HashAlgorithm.Sha256));
        pair.Run();
        using var initiator = pair.Initiator.ToTransport();
        using var responder = pair.Responder.ToTransport();
        Assert.True(responder.TryReadMessage(Write(initiator, []), [], out _));

        var expected = new byte[48];
        using var aead = pair.Crypto.CreateAead(algorithm);
        aead.Seal(initiator.Sending.Key, Convert.FromHexString("00000000ffffffffffffffff"), [], new byte[32], expected);
        initiator.RekeySending();
        Assert.Equal(expected[..32], initiator.Sending.Key.ToArray());
        Assert.Equal(1UL, initiator.Sending.Nonce);

        var message = Write(initiator, "after"u8);
        var payload = new byte[5];
        Assert.False(responder.TryReadMessage(message, payload, out _));
        responder.RekeyReceiving();
        Assert.True(responder.TryReadMessage(message, payload, out _));
        Assert.True(initiator.TryReadMessage(Write(responder, []), [], out _));
    }

    [Fact]
    public void After_a_one_way_pattern_only_the_initiator_sends()
    {
        using var pair = Complete("X");
        using var twin = pair.Responder.Clone();
        using var initiator = pair.Initiator.ToTransport();
        using var responder = pair.Responder.ToTransport();
        using var stateless = twin.ToStatelessTransport();
        Assert.Equal((true, false), (initiator.CanSend, initiator.CanReceive));
        Assert.Equal((false, true), (responder.CanSend, responder.CanReceive));
        Assert.Equal((false, true), (stateless.CanSend, stateless.CanReceive));
        Assert.True(responder.TryReadMessage(Write(initiator, []), [], out _));
        Assert.Throws<InvalidOperationException>(() => Write(responder, []));
        Assert.Throws<InvalidOperationException>(() => Write(stateless, 0, [], []));
        Assert.Throws<InvalidOperationException>(() => initiator.TryReadMessage(new byte[16], [], out _));
        Assert.Throws<InvalidOperationException>(responder.RekeySending);
    }

    [Fact]
    public void Sizes_hold_on_both_sides_of_each_limit()
    {
        using var pair = Complete("NN");
        using var initiator = pair.Initiator.ToTransport();
        using var responder = pair.Responder.ToTransport();
        var payload = new byte[65519];
        var message = new byte[65536];
        Assert.Throws<ArgumentException>(() => initiator.WriteMessage(new byte[65520], message));
        Assert.Throws<ArgumentException>(() => initiator.WriteMessage(payload, message.AsSpan(0, 65534)));
        Assert.Equal(65535, initiator.WriteMessage(payload, message));
        Assert.False(responder.TryReadMessage(message, new byte[65536], out _));
        Assert.False(responder.TryReadMessage(message.AsSpan(0, 15), payload, out _));
        Assert.Throws<ArgumentException>(() => responder.TryReadMessage(message.AsSpan(0, 65535), payload.AsSpan(1), out _));
        Assert.True(responder.TryReadMessage(message.AsSpan(0, 65535), payload, out var length));
        Assert.Equal(65519, length);
    }

    [Fact]
    public void A_message_may_be_written_over_its_payload()
    {
        using var pair = Complete("NN");
        using var initiator = pair.Initiator.ToTransport();
        using var responder = pair.Responder.ToTransport();
        var buffer = new byte[20];
        "over"u8.CopyTo(buffer);
        Assert.Equal(20, initiator.WriteMessage(buffer.AsSpan(0, 4), buffer));
        var payload = new byte[4];
        Assert.True(responder.TryReadMessage(buffer, payload, out _));
        Assert.Equal("over"u8.ToArray(), payload);
    }

    [Fact]
    public void Disposal_wipes_both_keys()
    {
        using var pair = Complete("NN");
        using var twin = pair.Initiator.Clone();
        using var stateless = twin.ToStatelessTransport();
        using var transport = pair.Initiator.ToTransport();
        CipherState[] ciphers = [transport.Sending, transport.Receiving, stateless.Sending, stateless.Receiving];
        Assert.All(ciphers, cipher => Assert.Contains(cipher.Key.ToArray(), value => value != 0));
        transport.Dispose();
        transport.Dispose();
        stateless.Dispose();
        stateless.Dispose();
        Assert.All(ciphers, cipher => Assert.All(cipher.Key.ToArray(), value => Assert.Equal(0, value)));
        Assert.Throws<ObjectDisposedException>(() => Write(transport, []));
        Assert.Throws<ObjectDisposedException>(() => stateless.TryReadMessage(0, [], new byte[16], [], out _));
    }

    [Fact]
    public void Transport_messages_allocate_nothing()
    {
        using var pair = Complete("NN");
        using var initiator = pair.Initiator.ToTransport();
        using var responder = pair.Responder.ToTransport();
        var payload = new byte[1200];
        var message = new byte[1216];
        Exchange(10);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Exchange(1000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Exchange(int count)
        {
            for (var i = 0; i < count; i++)
            {
                initiator.WriteMessage(payload, message);
                Assert.True(responder.TryReadMessage(message, payload, out _));
            }
        }
    }

    private static HandshakePair Complete(string pattern)
    {
        var pair = HandshakePair.For(pattern);
        pair.Run();
        return pair;
    }

    private static byte[] Write(NoiseTransport transport, ReadOnlySpan<byte> payload)
    {
        var message = new byte[payload.Length + 16];
        Assert.Equal(message.Length, transport.WriteMessage(payload, message));
        return message;
    }

    private static byte[] Write(StatelessNoiseTransport transport, ulong nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> payload)
    {
        var message = new byte[payload.Length + 16];
        Assert.Equal(message.Length, transport.WriteMessage(nonce, associatedData, payload, message));
        return message;
    }
}
