using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.P2pke;

/// <summary>The constants of <c>p2pke-1</c>.</summary>
internal static class P2pkeScheme
{
    /// <summary>The scheme's name, as it stands in proposals and addresses.</summary>
    public const string Name = "p2pke-1";

    public const uint InitHelloWord = 0x00000000;
    public const uint RespHelloWord = 0x80000001;
    public const uint InitDoneWord = 0x00000002;
    public const uint InitDoneCounter = 2;

    /// <summary>Header and ephemeral key.</summary>
    public const int MinInitHello = SpecLimits.HeaderSize + X25519PrivateKey.Size;

    /// <summary>Header, ephemeral key and tag.</summary>
    public const int MinRespHello = MinInitHello + SpecLimits.TagSize;

    /// <summary>Header and tag.</summary>
    public const int MinInitDone = SpecLimits.HeaderSize + SpecLimits.TagSize;

    /// <summary>Holds the longest message of the scheme, a claim by an RSA-4096 key.</summary>
    public const int MaxMessage = ImplementationLimits.HandshakeMessageSize;

    public const int ChannelBindingSize = 64;

    public static readonly NoiseProtocol Noise = NoiseProtocol.Parse("Noise_NN_25519_ChaChaPoly_BLAKE2b");

    /// <summary>Whether a first word is a handshake message's.</summary>
    public static bool IsHandshake(uint word) => word is InitHelloWord or RespHelloWord or InitDoneWord;

    /// <summary>Tells why a word below the data counters that is no handshake message is dropped.</summary>
    //= spec/p2pke.md#reserved-counters
    public static DropReason ReasonFor(PacketCounter counter)
        => counter.Value <= InitDoneCounter ? DropReason.UnexpectedHandshake : DropReason.ReservedCounter;

    /// <summary>Checks the length of a handshake message by its first word.</summary>
    //= spec/p2pke.md#handshake-size
    public static DropReason CheckLength(uint word, int length)
    {
        var shortest = word switch
        {
            InitHelloWord => MinInitHello,
            RespHelloWord => MinRespHello,
            _ => MinInitDone,
        };
        return length < shortest ? DropReason.TooShort : length > MaxMessage ? DropReason.TooLong : DropReason.None;
    }
}
