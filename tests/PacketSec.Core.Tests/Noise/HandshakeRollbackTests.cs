using PacketSec.Noise;

namespace PacketSec.Core.Tests.Noise;

public sealed class HandshakeRollbackTests
{
    private const int X25519KeySize = 32;

    /// <summary>The points of order 1, 2, 4 and 8 of the curve and its twist, in all encodings with the top bit clear.</summary>
    public static TheoryData<string> LowOrderPoints =>
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];

    public static TheoryData<string> AllPatterns
    {
        get
        {
            var names = new TheoryData<string> { "XKH" };
            foreach (var pattern in HandshakePattern.KnownNames.Select(HandshakePattern.FromName))
            {
                names.Add(pattern.Name);
                var all = pattern;
                for (var position = 0; position <= pattern.Messages.Count; position++)
                {
                    names.Add(pattern.WithPsk(position).Name);
                    all = all.WithPsk(position);
                }

                names.Add(all.Name);
            }

            return names;
        }
    }

    [Theory]
    [MemberData(nameof(AllPatterns))]
    public void After_a_corrupted_message_the_state_is_as_before_and_the_true_one_succeeds(string pattern)
        => RunWithCorruption(pattern, length => new[] { 0, length / 2, length - 1 });

    [Theory]
    [InlineData("XX")]
    [InlineData("IKpsk2")]
    [InlineData("NNpsk0")]
    [InlineData("Kpsk0")]
    [InlineData("XKH")]
    public void No_single_corrupted_byte_of_a_message_is_taken(string pattern)
        => RunWithCorruption(pattern, length => Enumerable.Range(0, length));

    //= spec/p2pke.md#zero-dh
    [Theory]
    [MemberData(nameof(LowOrderPoints))]
    public void A_low_order_ephemeral_key_in_an_answer_is_refused_and_the_true_answer_then_succeeds(string point)
    {
        foreach (var topBit in new byte[] { 0, 0x80 })
        {
            using var pair = HandshakePair.For("NN");
            pair.Run(messages: 1);
            var answer = HandshakePair.Write(pair.Responder, "answer"u8);
            var forged = answer.ToArray();
            Convert.FromHexString(point).CopyTo(forged, 0);
            forged[X25519KeySize - 1] |= topBit;

            var before = StateDigest.Of(pair.Initiator);
            Assert.Null(HandshakePair.Read(pair.Initiator, forged));
            Assert.Equal(before, StateDigest.Of(pair.Initiator));
            Assert.Equal("answer"u8.ToArray(), HandshakePair.Read(pair.Initiator, answer));
            Assert.Equal(HandshakePair.Split(pair.Responder), HandshakePair.Split(pair.Initiator));
        }
    }

    //= spec/p2pke.md#zero-dh
    [Theory]
    [MemberData(nameof(LowOrderPoints))]
    public void A_low_order_ephemeral_key_in_a_first_message_gets_no_answer(string point)
    {
        using var pair = HandshakePair.For("NN");
        Assert.NotNull(HandshakePair.Read(pair.Responder, Convert.FromHexString(point)));

        var before = StateDigest.Of(pair.Responder);
        var message = Enumerable.Repeat((byte)0xaa, 48 + 6).ToArray();
        Assert.False(pair.Responder.TryWriteMessage("answer"u8, message, out var written));
        Assert.Equal(0, written);
        Assert.All(message, value => Assert.Equal(0, value));
        Assert.Equal(before, StateDigest.Of(pair.Responder));
        Assert.Null(pair.Responder.EphemeralPrivateKey);
        Assert.Throws<InvalidOperationException>(() => pair.Responder.WriteMessage([], message));
        Assert.Equal(before, StateDigest.Of(pair.Responder));
    }

    [Theory]
    [MemberData(nameof(LowOrderPoints))]
    public void A_low_order_static_key_is_refused_wherever_it_is_used(string point)
    {
        using var pair = HandshakePair.For("NK");
        using var state = new HandshakeState(pair.Crypto, pair.Random, new HandshakeConfig
        {
            Protocol = pair.InitiatorConfig.Protocol,
            Initiator = true,
            RemoteStatic = Convert.FromHexString(point),
        });
        Assert.False(state.TryWriteMessage([], new byte[48], out _));
    }

    [Fact]
    public void A_random_source_that_fails_leaves_the_state_as_before()
    {
        using var pair = HandshakePair.For("NNpsk0");
        using var state = new HandshakeState(pair.Crypto, new FailingOnceRandom(), pair.InitiatorConfig);
        var before = StateDigest.Of(state);
        var message = new byte[48];
        Assert.Throws<IOException>(() => state.TryWriteMessage([], message, out _));
        Assert.Equal(before, StateDigest.Of(state));

        Assert.Equal(48, state.WriteMessage([], message));
        Assert.NotNull(HandshakePair.Read(pair.Responder, message));
    }

    private static void RunWithCorruption(string pattern, Func<int, IEnumerable<int>> positions)
    {
        using var pair = HandshakePair.For(pattern);
        while (!pair.Initiator.IsComplete)
        {
            var (writer, reader) = (pair.Writer, pair.Reader);
            var before = StateDigest.Of(reader);
            var overhead = writer.MessageOverhead;
            var message = HandshakePair.Write(writer, "payload"u8);
            var payload = new byte[message.Length];

            for (var length = 0; length < overhead; length++)
            {
                Assert.False(reader.TryReadMessage(message.AsSpan(0, length), payload, out _));
            }

            // Without a key nothing in a message is authenticated yet: a later message fails instead.
            if (writer.Symmetric.HasKey)
            {
                Assert.False(reader.TryReadMessage(message.AsSpan(0, message.Length - 1), payload, out _));
                Assert.False(reader.TryReadMessage((byte[])[.. message, 0], new byte[message.Length + 1], out _));
                foreach (var position in positions(message.Length))
                {
                    message[position] ^= 0x40;
                    Assert.False(reader.TryReadMessage(message, payload, out var length), $"byte {position}");
                    Assert.Equal(0, length);
                    Assert.False(reader.TryReadToTheEnd(message, payload, out length), $"byte {position}");
                    Assert.Equal(0, length);
                    message[position] ^= 0x40;
                }
            }

            Assert.Equal(before, StateDigest.Of(reader));
            using (var copy = reader.Clone())
            {
                Assert.True(copy.TryReadToTheEnd(message, payload, out var length));
                Assert.Equal("payload"u8.ToArray(), payload[..length]);
            }

            Assert.Equal("payload"u8.ToArray(), HandshakePair.Read(reader, message));
        }

        Assert.Equal(pair.Initiator.HandshakeHash.ToArray(), pair.Responder.HandshakeHash.ToArray());
        Assert.Equal(HandshakePair.Split(pair.Initiator), HandshakePair.Split(pair.Responder));
    }

    private sealed class FailingOnceRandom : PacketSec.Crypto.IRandomSource
    {
        private bool _failed;

        public void Fill(Span<byte> destination)
        {
            if (!_failed)
            {
                _failed = true;
                throw new IOException("no randomness");
            }

            new SeededRandom(5).Fill(destination);
        }
    }
}
