using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.MyChips;

/// <summary>The scheme <c>mychips-1</c>: sites that meet by a ticket, or know each other, over Noise IK, N and KK.</summary>
internal sealed class MyChipsScheme() : Scheme(SchemeName, hidesIdentity: true)
{
    /// <summary>The scheme's name, as it stands in proposals and addresses.</summary>
    public const string SchemeName = "mychips-1";

    public const uint FinishCounter = 12;

    /// <summary>Ephemeral key and tag.</summary>
    public const int SealedOverhead = X25519PrivateKey.Size + SpecLimits.TagSize;

    /// <summary>Ephemeral key, static key with its tag, and tag.</summary>
    public const int TicketOverhead = SealedOverhead + X25519PrivateKey.Size + SpecLimits.TagSize;

    public const int AnswerSize = 1 + SealedOverhead;

    public const int MaxFirst = 1 + TicketOverhead + ClaimPayload.MaxSize;

    /// <summary>Header with its letter, and tag.</summary>
    public const int MinFinish = Letters.HeaderSize + SpecLimits.TagSize;

    private byte[]? _directTranscript;

    public override int HeaderSize => Letters.HeaderSize;

    public override bool SendsEarly => false;

    public override bool AnswerConfirms => true;

    public override bool AsksBeforeAnswer => true;

    public override bool NeedsIntroduction => true;

    //= spec/mychips.md#no-tag
    public override bool TagsFirst => false;

    /// <summary>Returns how long a first message with a ticket is beside a certificate.</summary>
    public static int FirstLength(TicketConditions ticket, int certificateLength)
        => 1 + TicketOverhead + ClaimPayload.Length(ticket.Binding.UserAddress ?? "", ticket.Purpose, certificateLength);

    public override HandshakeStep StepOf(ReadOnlySpan<byte> datagram)
    {
        if (Letters.LeadsFirst(datagram))
        {
            return HandshakeStep.First;
        }

        if (!datagram.IsEmpty && datagram[0] == Letters.Answer)
        {
            return HandshakeStep.Answer;
        }

        return Letters.TryReadTransport(datagram, out var header) && header.Word == FinishCounter ? HandshakeStep.Finish : HandshakeStep.None;
    }

    // Its counters stand behind letters, where others have none.
    public override bool OwnsCounter(uint counter) => false;

    //= spec/mychips.md#packet-layout
    public override DropReason CheckLength(HandshakeStep step, int length)
    {
        var (shortest, longest) = step switch
        {
            HandshakeStep.First => (AnswerSize, MaxFirst),
            HandshakeStep.Answer => (AnswerSize, AnswerSize),
            _ => (MinFinish, MinFinish + ImplementationLimits.CertificateSize),
        };
        return length < shortest ? DropReason.TooShort : length > longest ? DropReason.TooLong : DropReason.None;
    }

    public override ReadOnlySpan<byte> ReadTag(ReadOnlySpan<byte> first) => default;

    public override ReadOnlySpan<byte> DirectTag(ICryptoProvider crypto) => default;

    public override string? WhyNotTo(PeerId peer) => peer.TryGetPublicKey(out var key) && MyChipsContext.TryMap(key, out _)
        ? null
        : $"{SchemeName} calls only Ed25519 identities whose key stands in the peer ID and is not of small order.";

    public override bool IsRenewal(ReadOnlySpan<byte> first) => !first.IsEmpty && first[0] == Letters.Known;

    //= spec/mychips.md#at-once
    public override bool PrefersOwn(SchemeContext context, PublicKey remote)
        => MyChipsContext.TryMap(remote, out var other) && context.Identity.AgreementKey.PublicKey.SequenceCompareTo(other) < 0;

    public override FirstMessageWork BeginFirst(SchemeContext context, FirstMessageRequest request) => new MyChipsFirstWork(
        NewContext(context), request.Agreement, request.Remote, request.Pass, request.IsRenewal ? null : context.SiteId)
    {
        AttemptId = request.AttemptId,
    };

    public override AnswerCheckWork BeginCheck(
        SchemeContext context, IReadOnlyList<AnswerCandidate> candidates, byte[] answer, PathAddress path, PeerId expected)
        => new MyChipsCheckWork(NewContext(context), candidates, answer, expected) { Path = path };

    public override AnswerWork BeginAnswer(SchemeContext context, AnswerRequest request) => new MyChipsAnswerWork(NewContext(context), request)
    {
        AttemptId = request.AttemptId,
        WorkClass = request.WorkClass,
    };

    public override FinishWork BeginFinish(
        SchemeContext context, PathAddress path, byte[] finish, IReadOnlyList<(long Id, PendingKeys Keys)> candidates, long attemptId, WorkClass workClass)
        => new MyChipsFinishWork(NewContext(context), path, finish, [.. candidates.Select(candidate => (candidate.Id, (MyChipsKeys)candidate.Keys))])
        {
            AttemptId = attemptId,
            WorkClass = workClass,
        };

    private MyChipsContext NewContext(SchemeContext context)
        => new(context, _directTranscript ??= Agreement.DirectTranscript(context.Crypto, Name));
}
