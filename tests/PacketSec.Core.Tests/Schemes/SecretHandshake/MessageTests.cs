using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.SecretHandshake;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.SecretHandshake;

namespace PacketSec.Core.Tests.Schemes.SecretHandshake;

public sealed class MessageTests
{
    private static readonly byte[] NetworkKey = HandshakeRig.Seed(9);

    public static TheoryData<bool> Networks => [false, true];

    //= spec/secret-handshake.md#message-length
    [Theory]
    [MemberData(nameof(Networks))]
    public void A_message_one_byte_short_or_long_is_dropped_before_any_other_check(bool network)
    {
        using var rig = new HandshakeRig(networkKey: network ? NetworkKey : null);
        var (message1, noise) = rig.Call();
        var message2 = rig.Answer(message1);
        var message3 = rig.Finish(noise, message2).Finish;
        var length = network ? 96 : 80;
        Assert.Equal((length, length, 200), (message1.Length, message2.Length, message3.Length));

        Assert.Equal(DropReason.TooShort, MessageChecks.Check(rig.Responder, message1.AsSpan(..^1), out Message1 _));
        Assert.Equal(DropReason.TooLong, MessageChecks.Check(rig.Responder, [.. message1, 0], out Message1 _));
        Assert.Equal(DropReason.TooShort, MessageChecks.Check(rig.Initiator, message2.AsSpan(..^1), noise.LocalEphemeral, out Message2 _));
        Assert.Equal(DropReason.TooLong, MessageChecks.Check(rig.Initiator, [.. message2, 0], noise.LocalEphemeral, out Message2 _));
        Assert.Equal(DropReason.TooShort, MessageChecks.Check(message3.AsSpan(..^1), out Message3 _));
        Assert.Equal(DropReason.TooLong, MessageChecks.Check([.. message3, 0], out Message3 _));
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(DropReason.TooShort, MessageChecks.Check(rig.Responder, message1.AsSpan(0, i), out Message1 _));
            Assert.Equal(DropReason.TooShort, MessageChecks.Check(message3.AsSpan(0, i), out Message3 _));
        }
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Who_has_a_network_key_and_who_has_none_do_not_read_each_other(bool network)
    {
        using var rig = new HandshakeRig(networkKey: network ? NetworkKey : null);
        using var other = new HandshakeRig(networkKey: network ? null : NetworkKey);
        var (message1, noise) = rig.Call();
        var expected = network ? DropReason.TooLong : DropReason.TooShort;
        Assert.Equal(expected, MessageChecks.Check(other.Responder, message1, out Message1 _));
        Assert.Equal(expected, MessageChecks.Check(other.Initiator, rig.Answer(message1), noise.LocalEphemeral, out Message2 _));
    }

    //= spec/secret-handshake.md#network-mac
    [Fact]
    public void With_a_network_key_one_wrong_bit_anywhere_is_not_authentic()
    {
        using var rig = new HandshakeRig(networkKey: NetworkKey);
        var (message1, noise) = rig.Call();
        var message2 = rig.Answer(message1);
        for (var bit = 32; bit < message1.Length * 8; bit++)
        {
            Assert.Equal(DropReason.NotAuthentic, MessageChecks.Check(rig.Responder, Flip(message1, bit), out Message1 _));
            var reason = MessageChecks.Check(rig.Initiator, Flip(message2, bit), noise.LocalEphemeral, out Message2 _);
            Assert.Equal(bit < 96 ? DropReason.NoHandshake : DropReason.NotAuthentic, reason);
        }

        using var stranger = new HandshakeRig(networkKey: HandshakeRig.Seed(8));
        Assert.Equal(DropReason.NotAuthentic, MessageChecks.Check(stranger.Responder, message1, out Message1 _));
        Assert.Equal(DropReason.NotAuthentic, MessageChecks.Check(stranger.Initiator, message2, noise.LocalEphemeral, out Message2 _));
    }

    //= spec/secret-handshake.md#network-mac
    [Fact]
    public void The_MAC_of_message_2_covers_the_whole_ephemeral_key_that_it_answers()
    {
        using var rig = new HandshakeRig(networkKey: NetworkKey);
        var (message1, noise) = rig.Call();
        var message2 = rig.Answer(message1);
        var other = noise.LocalEphemeral.ToArray();
        Assert.Equal(DropReason.None, MessageChecks.Check(rig.Initiator, message2, other, out Message2 _));
        other[^1] ^= 1;
        Assert.Equal(DropReason.NotAuthentic, MessageChecks.Check(rig.Initiator, message2, other, out Message2 _));
    }

    //= spec/secret-handshake.md#message-1-layout
    [Fact]
    public void Message_1_is_the_ephemeral_key_the_tag_and_zeros()
    {
        using var rig = new HandshakeRig();
        var (message1, noise) = rig.Call();
        var transcript = rig.Initiator.Transcript(null);
        Assert.Equal([0, 0, 0, 8, .. noise.LocalEphemeral, .. transcript[..8], .. new byte[36]], message1);
        for (var i = 44; i < 80; i++)
        {
            byte[] edited = [.. message1];
            edited[i] = 1;
            Assert.Equal(DropReason.Malformed, MessageChecks.Check(rig.Responder, edited, out Message1 _));
        }

        Assert.Equal(DropReason.None, MessageChecks.Check(rig.Responder, Flip(message1, 8 * 43), out Message1 _));
    }

    //= spec/secret-handshake.md#message-2-layout
    [Fact]
    public void Message_2_begins_with_the_call_that_it_answers()
    {
        using var rig = new HandshakeRig();
        var (message1, noise) = rig.Call();
        var message2 = rig.Answer(message1);
        Assert.Equal([0x80, 0, 0, 9, .. noise.LocalEphemeral[..8]], message2[..12]);
        for (var bit = 32; bit < 96; bit++)
        {
            Assert.Equal(DropReason.NoHandshake, MessageChecks.Check(rig.Initiator, Flip(message2, bit), noise.LocalEphemeral, out Message2 _));
        }

        Assert.Equal(DropReason.None, MessageChecks.Check(rig.Initiator, Flip(message2, 96), noise.LocalEphemeral, out Message2 _));
    }

    //= spec/secret-handshake.md#message-3-layout
    [Fact]
    public void Message_3_is_the_cookie_the_ephemeral_key_and_the_Noise_message()
    {
        using var rig = new HandshakeRig();
        var (message1, noise) = rig.Call();
        var message2 = rig.Answer(message1);
        var message3 = rig.Finish(noise, message2).Finish;
        Assert.Equal([0, 0, 0, 10, .. message2[44..80], .. noise.LocalEphemeral], message3[..72]);
    }

    //= spec/secret-handshake.md#zero-dh
    [Fact]
    public void An_ephemeral_key_of_small_order_is_refused_in_each_message()
    {
        using var rig = new HandshakeRig();
        var (message1, noise) = rig.Call();
        var message2 = rig.Answer(message1);
        var message3 = rig.Finish(noise, message2).Finish;
        for (var i = 0; i < Curve25519Rules.SmallOrderU.Length; i += 32)
        {
            foreach (var top in (ReadOnlySpan<byte>)[0, 0x80])
            {
                var weak = Curve25519Rules.SmallOrderU.Slice(i, 32).ToArray();
                weak[31] |= top;
                Assert.Equal(DropReason.LowOrderKey, MessageChecks.Check(rig.Responder, [.. message1[..4], .. weak, .. message1[36..]], out Message1 _));
                byte[] answer = [.. message2[..12], .. weak, .. message2[44..]];
                Assert.Equal(DropReason.LowOrderKey, MessageChecks.Check(rig.Initiator, answer, noise.LocalEphemeral, out Message2 _));
                Assert.Equal(DropReason.LowOrderKey, MessageChecks.Check([.. message3[..40], .. weak, .. message3[72..]], out Message3 _));
            }
        }
    }

    //= spec/secret-handshake.md#reserved-counters
    [Fact]
    public void A_counter_below_the_data_that_is_no_message_of_its_direction_is_told_apart()
    {
        var scheme = new SecretHandshakeScheme();
        for (uint counter = 0; counter < SpecLimits.FirstDataCounter; counter++)
        {
            var forth = new byte[4];
            new PacketHeader(Direction.InitiatorToResponder, new PacketCounter(counter)).WriteTo(forth);
            byte[] back = [(byte)(forth[0] | 0x80), .. forth[1..]];
            Assert.Equal(counter switch { 8 => HandshakeStep.First, 10 => HandshakeStep.Finish, _ => HandshakeStep.None }, scheme.StepOf(forth));
            Assert.Equal(counter == 9 ? HandshakeStep.Answer : HandshakeStep.None, scheme.StepOf(back));
            Assert.Equal(counter is 8 or 9 or 10, scheme.OwnsCounter(counter));
            var isKnown = SchemeCatalogue.Default.All.Any(other => other.OwnsCounter(counter));
            Assert.Equal(isKnown ? DropReason.UnexpectedHandshake : DropReason.ReservedCounter, SchemeCatalogue.Default.ReasonFor(new PacketCounter(counter)));
        }
    }

    [Fact]
    public void Another_first_word_is_no_message()
    {
        using var rig = new HandshakeRig();
        var message3 = rig.RunToMessage3().Finish;
        for (var bit = 0; bit < 32; bit++)
        {
            Assert.False(WireMessage.TryRead<Message3>(Flip(message3, bit), out _));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    public void A_network_key_has_32_bytes(int size) => Assert.Throws<ArgumentException>(() => new NetworkKey(new byte[size]));

    [Fact]
    public void A_network_key_is_not_all_zero_and_is_zeroed_with_its_owner()
    {
        Assert.Throws<ArgumentException>(() => new NetworkKey(new byte[32]));
        byte[] one = new byte[32];
        one[31] = 1;
        var key = new NetworkKey(one);
        Assert.Equal(one, key.Span);
        key.Dispose();
        key.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _ = key.Span);
    }

    internal static byte[] Flip(byte[] bytes, int bit)
    {
        byte[] flipped = [.. bytes];
        flipped[bit / 8] ^= (byte)(0x80 >> (bit % 8));
        return flipped;
    }
}
