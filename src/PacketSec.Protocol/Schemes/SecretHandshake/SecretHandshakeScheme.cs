using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.SecretHandshake;

namespace PacketSec.Protocol.Schemes.SecretHandshake;

/// <summary>The constants of <c>secret-handshake-1</c>.</summary>
internal static class SecretHandshakeScheme
{
    /// <summary>The scheme's name, as it stands in proposals and addresses.</summary>
    public const string Name = "secret-handshake-1";

    public const int MacSize = Message2.MacSize;

    private const uint FirstCounter = 8;
    private const uint LastCounter = 10;

    /// <summary>Nothing that depends on a long-term key travels before the third message: no fundamental pattern has that.</summary>
    public static readonly NoiseProtocol Noise = NoiseProtocol.Create(
        HandshakePattern.Parse("XKH", "<- s ... -> e <- e -> ee, es, s, se"), AeadAlgorithm.ChaCha20Poly1305, HashAlgorithm.Blake2s);

    /// <summary>Whether a first word is a handshake message's.</summary>
    public static bool IsHandshake(uint word) => word is Message1.Word or Message2.Word or Message3.Word;

    /// <summary>Tells why a word below the data counters that is no handshake message is dropped.</summary>
    //= spec/secret-handshake.md#reserved-counters
    public static DropReason ReasonFor(PacketCounter counter)
        => counter.Value is >= FirstCounter and <= LastCounter ? DropReason.UnexpectedHandshake : DropReason.ReservedCounter;

    /// <summary>Checks the length of a handshake message by its first word.</summary>
    //= spec/secret-handshake.md#message-length
    public static DropReason CheckLength(uint word, int length, bool hasNetworkKey)
    {
        var exact = word == Message3.Word ? Message3.Size : Message2.Size + (hasNetworkKey ? MacSize : 0);
        return length < exact ? DropReason.TooShort : length > exact ? DropReason.TooLong : DropReason.None;
    }
}
