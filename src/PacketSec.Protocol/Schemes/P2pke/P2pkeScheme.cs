using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.P2pke;

/// <summary>The scheme <c>p2pke-1</c>: signatures by the identities over a Noise handshake without static keys.</summary>
internal sealed class P2pkeScheme(string name = P2pkeScheme.SchemeName, bool hidesIdentity = false) : Scheme(name, hidesIdentity)
{
    /// <summary>The scheme's name, as it stands in proposals and addresses.</summary>
    public const string SchemeName = "p2pke-1";

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

    public override bool HasReference => true;

    //= spec/sessions.md#refusal
    public override bool RefusesInSilence => false;

    public override HandshakeStep StepOf(ReadOnlySpan<byte> datagram) => !PacketHeader.TryRead(datagram, out var header)
        ? HandshakeStep.None
        : header.Word switch
        {
            InitHelloWord => HandshakeStep.First,
            RespHelloWord => HandshakeStep.Answer,
            InitDoneWord => HandshakeStep.Finish,
            _ => HandshakeStep.None,
        };

    public override bool OwnsCounter(uint counter) => counter <= InitDoneCounter;

    //= spec/p2pke.md#handshake-size
    public override DropReason CheckLength(HandshakeStep step, int length)
    {
        var shortest = step switch
        {
            HandshakeStep.First => MinInitHello,
            HandshakeStep.Answer => MinRespHello,
            _ => MinInitDone,
        };
        return length < shortest ? DropReason.TooShort : length > MaxMessage ? DropReason.TooLong : DropReason.None;
    }

    public override ReadOnlySpan<byte> ReadTag(ReadOnlySpan<byte> first) => InitHelloResponse.ReadTag(first);

    //= spec/p2pke.md#psec-tag
    public override ReadOnlySpan<byte> DirectTag(ICryptoProvider crypto) => default;

    public override DropReason ReadClaim(SchemeContext context, ReadOnlySpan<byte> first, out PublicKey? claimed)
        => InitHelloResponse.CheckForm(new P2pkeContext(context), first[MinInitHello..], out _, out claimed);

    //= spec/p2pke.md#timestamp-encoding
    public override FirstMessageWork BeginFirst(SchemeContext context, FirstMessageRequest request)
        => new InitHelloWork(new P2pkeContext(context), Tai64n.FromDateTimeOffset(DateTimeOffset.UnixEpoch + request.Time), request.Agreement)
        {
            AttemptId = request.AttemptId,
        };

    public override AnswerCheckWork BeginCheck(
        SchemeContext context, IReadOnlyList<AnswerCandidate> candidates, byte[] answer, PathAddress path, PeerId expected)
        => new RespHelloWork(new P2pkeContext(context), candidates, answer, expected) { Path = path };

    public override AnswerWork BeginAnswer(SchemeContext context, AnswerRequest request)
        => new InitHelloResponse(new P2pkeContext(context), request.First, request.Agreements[0])
        {
            AttemptId = request.AttemptId,
            WorkClass = request.WorkClass,
        };

    public override FinishWork BeginFinish(
        SchemeContext context, PathAddress path, byte[] finish, IReadOnlyList<(long Id, PendingKeys Keys)> candidates, long attemptId, WorkClass workClass)
        => new InitDoneWork(new P2pkeContext(context), path, finish, [.. candidates.Select(candidate => (candidate.Id, (ResponderKeys)candidate.Keys))])
        {
            AttemptId = attemptId,
            WorkClass = workClass,
        };
}
