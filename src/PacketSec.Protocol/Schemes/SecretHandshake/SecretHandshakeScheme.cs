using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.SecretHandshake;

namespace PacketSec.Protocol.Schemes.SecretHandshake;

/// <summary>The scheme <c>secret-handshake-1</c>: nobody but the two learns, or can confirm, who they are.</summary>
internal sealed class SecretHandshakeScheme() : Scheme(SchemeName, hidesIdentity: true)
{
    /// <summary>The scheme's name, as it stands in proposals and addresses.</summary>
    public const string SchemeName = "secret-handshake-1";

    public const int MacSize = Message2.MacSize;

    private const uint FirstCounter = 8;
    private const uint LastCounter = 10;
    private const int EphemeralOffset = SpecLimits.HeaderSize;

    /// <summary>Nothing that depends on a long-term key travels before the third message: no fundamental pattern has that.</summary>
    public static readonly NoiseProtocol Noise = NoiseProtocol.Create(
        HandshakePattern.Parse("XKH", "<- s ... -> e <- e -> ee, es, s, se"), AeadAlgorithm.ChaCha20Poly1305, HashAlgorithm.Blake2s);

    private static byte[]? s_directTranscript;

    /// <summary>Returns T of direct mode, which is the same with every provider.</summary>
    public static ReadOnlySpan<byte> DirectTranscript(ICryptoProvider crypto) => s_directTranscript ??= Agreement.DirectTranscript(crypto, SchemeName);

    //= spec/secret-handshake.md#no-early-data
    public override bool SendsEarly => false;

    public override bool AnswerProves => false;

    //= spec/secret-handshake.md#confirm-report
    public override bool FinishLeavesOpen => true;

    public override HandshakeStep StepOf(ReadOnlySpan<byte> datagram) => !PacketHeader.TryRead(datagram, out var header)
        ? HandshakeStep.None
        : header.Word switch
        {
            Message1.Word => HandshakeStep.First,
            Message2.Word => HandshakeStep.Answer,
            Message3.Word => HandshakeStep.Finish,
            _ => HandshakeStep.None,
        };

    //= spec/secret-handshake.md#reserved-counters
    public override bool OwnsCounter(uint counter) => counter is >= FirstCounter and <= LastCounter;

    // Which of the two lengths of messages 1 and 2 it must be depends on the endpoint.
    public override DropReason CheckLength(HandshakeStep step, int length)
    {
        var shortest = step == HandshakeStep.Finish ? Message3.Size : Message2.Size;
        var longest = step == HandshakeStep.Finish ? Message3.Size : Message2.Size + MacSize;
        return length < shortest ? DropReason.TooShort : length > longest ? DropReason.TooLong : DropReason.None;
    }

    //= spec/secret-handshake.md#tag
    public override ReadOnlySpan<byte> ReadTag(ReadOnlySpan<byte> first) => first.Slice(EphemeralOffset + Message2.KeySize, Message1.TagSize);

    public override ReadOnlySpan<byte> DirectTag(ICryptoProvider crypto) => DirectTranscript(crypto)[..Message1.TagSize];

    //= spec/secret-handshake.md#dial-key
    public override string? WhyNotTo(PeerId peer) => Callee.TryCreate(peer, out _)
        ? null
        : $"'{SchemeName}' calls a peer by its Ed25519 key, and the peer ID {peer} holds none that can be called.";

    public override FirstMessageWork BeginFirst(SchemeContext context, FirstMessageRequest request)
        => new CallWork(new(context), Callee.Find(request.Remote), request.Agreement) { AttemptId = request.AttemptId };

    public override DropReason CheckAnswer(SchemeContext context, ReadOnlySpan<byte> first, ReadOnlySpan<byte> answer)
        => MessageChecks.Check(new(context), answer, first.Slice(EphemeralOffset, Message2.KeySize), out Message2 _);

    //= spec/secret-handshake.md#sealed-once
    public override ReadOnlySpan<byte> IdentityOf(ReadOnlySpan<byte> answer) => answer.Slice(SpecLimits.HeaderSize + Message2.CallSize, Message2.KeySize);

    public override AnswerCheckWork BeginCheck(
        SchemeContext context, IReadOnlyList<AnswerCandidate> candidates, byte[] answer, PathAddress path, PeerId expected)
        => new CallFinishWork(new(context), candidates, answer, expected) { Path = path };

    public override AnswerWork BeginAnswer(SchemeContext context, AnswerRequest request) => throw KeepsNoState();

    public override FinishWork BeginFinish(
        SchemeContext context, PathAddress path, byte[] finish, IReadOnlyList<(long Id, PendingKeys Keys)> candidates, long attemptId, WorkClass workClass)
        => throw KeepsNoState();

    public override StatelessResponder CreateStatelessResponder(SchemeContext context) => new CallResponder(this, context);

    private static InvalidOperationException KeepsNoState() => new($"The responder of {SchemeName} keeps no state: its endpoint asks a {nameof(CallResponder)}.");
}
