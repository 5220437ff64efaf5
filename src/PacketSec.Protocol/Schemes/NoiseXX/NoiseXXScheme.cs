using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.NoiseXX;

/// <summary>The scheme <c>noise-xx-1</c>: the Noise pattern XX, whose static keys are bound to libp2p identities by signatures.</summary>
internal sealed class NoiseXXScheme() : Scheme(SchemeName, hidesIdentity: false)
{
    /// <summary>The scheme's name, as it stands in proposals and addresses.</summary>
    public const string SchemeName = "noise-xx-1";

    public const uint FirstWord = 0x00000004;
    public const uint AnswerWord = 0x80000005;
    public const uint FinishWord = 0x00000006;

    /// <summary>A first message is padded to this length, so that the answer of an Ed25519 identity is shorter.</summary>
    public const int FirstSize = 512;

    /// <summary>The same towards identities whose keys do not stand in their peer IDs: RSA and ECDSA keys, and what they sign, are long.</summary>
    public const int LongFirstSize = 1200;

    /// <summary>Header, ephemeral key, static key with its tag, and the payload's tag.</summary>
    public const int MinAnswer = SpecLimits.HeaderSize + (2 * X25519PrivateKey.Size) + (2 * SpecLimits.TagSize);

    /// <summary>Header, static key with its tag, and the payload's tag.</summary>
    public const int MinFinish = SpecLimits.HeaderSize + X25519PrivateKey.Size + (2 * SpecLimits.TagSize);

    public const int MaxMessage = ImplementationLimits.HandshakeMessageSize;

    public static readonly NoiseProtocol Noise = NoiseProtocol.Parse("Noise_XX_25519_ChaChaPoly_SHA256");

    private byte[]? _directTranscript;

    public override HandshakeStep StepOf(ReadOnlySpan<byte> datagram) => !PacketHeader.TryRead(datagram, out var header)
        ? HandshakeStep.None
        : header.Word switch
        {
            FirstWord => HandshakeStep.First,
            AnswerWord => HandshakeStep.Answer,
            FinishWord => HandshakeStep.Finish,
            _ => HandshakeStep.None,
        };

    public override bool OwnsCounter(uint counter) => counter is >= FirstWord and <= FinishWord;

    //= spec/noise-xx.md#message-sizes
    public override DropReason CheckLength(HandshakeStep step, int length)
    {
        var shortest = step switch
        {
            HandshakeStep.First => FirstSize,
            HandshakeStep.Answer => MinAnswer,
            _ => MinFinish,
        };
        return length < shortest ? DropReason.TooShort : length > MaxMessage ? DropReason.TooLong : DropReason.None;
    }

    //= spec/noise-xx.md#first-layout
    public override ReadOnlySpan<byte> ReadTag(ReadOnlySpan<byte> first) => first.Slice(SpecLimits.HeaderSize + X25519PrivateKey.Size, Agreement.TagSize);

    public override ReadOnlySpan<byte> DirectTag(ICryptoProvider crypto) => DirectTranscript(crypto).AsSpan(0, Agreement.TagSize);

    public override FirstMessageWork BeginFirst(SchemeContext context, FirstMessageRequest request)
        => new FirstWork(NewContext(context), request.Agreement, request.Remote) { AttemptId = request.AttemptId };

    public override AnswerCheckWork BeginCheck(
        SchemeContext context, IReadOnlyList<AnswerCandidate> candidates, byte[] answer, PathAddress path, PeerId expected)
        => new XXCheckWork(NewContext(context), candidates, answer, expected) { Path = path };

    public override AnswerWork BeginAnswer(SchemeContext context, AnswerRequest request)
        => new XXAnswerWork(NewContext(context), request.First, request.Agreements[0])
        {
            AttemptId = request.AttemptId,
            WorkClass = request.WorkClass,
        };

    public override FinishWork BeginFinish(
        SchemeContext context, PathAddress path, byte[] finish, IReadOnlyList<(long Id, PendingKeys Keys)> candidates, long attemptId, WorkClass workClass)
        => new XXFinishWork(NewContext(context), path, finish, [.. candidates.Select(candidate => (candidate.Id, (PendingNoise)candidate.Keys))])
        {
            AttemptId = attemptId,
            WorkClass = workClass,
        };

    internal NoiseXXContext NewContext(SchemeContext context) => new(context, DirectTranscript(context.Crypto));

    private byte[] DirectTranscript(ICryptoProvider crypto) => _directTranscript ??= Agreement.DirectTranscript(crypto, Name);
}
