using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes;

/// <summary>The steps of a handshake. Every scheme has these three; what they prove differs.</summary>
internal enum HandshakeStep
{
    /// <summary>No handshake message of the scheme.</summary>
    None,

    /// <summary>The initiator's first message.</summary>
    First,

    /// <summary>The responder's answer.</summary>
    Answer,

    /// <summary>The initiator's last message, which the responder's first packet confirms.</summary>
    Finish,
}

/// <summary>
/// A way to authenticate two peers and to agree on keys: its messages, what they cost and prove, and the work that makes and checks them. One
/// object for all endpoints, without state. A new scheme has a folder of its own, and is registered in <see cref="SchemeCatalogue"/>.
/// </summary>
internal abstract class Scheme(string name, bool hidesIdentity)
{
    /// <summary>Gets the name, as it stands in proposals and addresses.</summary>
    public string Name => name;

    /// <summary>Gets a value indicating whether neither identity shows to others than the two.</summary>
    public bool HidesIdentity => hidesIdentity;

    /// <summary>Gets the size of the header of its transport packets in bytes: one more than others where a letter stands before it.</summary>
    public virtual int HeaderSize => SpecLimits.HeaderSize;

    /// <summary>Gets a value indicating whether its packets begin with letters.</summary>
    public bool HasLetters => HeaderSize == Letters.HeaderSize;

    /// <summary>Gets a value indicating whether a peer in direct mode may be another implementation, which confirms nothing and acknowledges nothing.</summary>
    public virtual bool HasReference => false;

    /// <summary>Gets a value indicating whether an initiator that has verified the answer may send data before it is confirmed.</summary>
    public virtual bool SendsEarly => true;

    /// <summary>Gets a value indicating whether the answer proves the responder. Where it does not, others are taken beside it until one is confirmed.</summary>
    public virtual bool AnswerProves => true;

    /// <summary>Gets a value indicating whether the answer is all the proof that an initiator needs before it sends data.</summary>
    public virtual bool AnswerConfirms => false;

    /// <summary>
    /// Gets a value indicating whether an initiator's finish does not yet say that it knows the responder: then the responder counts the session as
    /// confirmed with the first packet that authenticates on it.
    /// </summary>
    public virtual bool FinishLeavesOpen => false;

    /// <summary>Gets a value indicating whether the application is asked about an initiator before it is answered.</summary>
    public virtual bool AsksBeforeAnswer => false;

    /// <summary>Gets a value indicating whether a dial needs a ticket or a name by which the other side knows this one.</summary>
    public virtual bool NeedsIntroduction => false;

    /// <summary>Gets a value indicating whether whoever is refused hears nothing.</summary>
    public virtual bool RefusesInSilence => HidesIdentity;

    /// <summary>Gets a value indicating whether first messages carry the tag of what they are bound to; otherwise all that it may be is tried.</summary>
    public virtual bool TagsFirst => true;

    /// <summary>Tells which message of the scheme a datagram is, by its first bytes.</summary>
    public abstract HandshakeStep StepOf(ReadOnlySpan<byte> datagram);

    /// <summary>Tells whether a counter below those of data is one of the scheme's.</summary>
    public abstract bool OwnsCounter(uint counter);

    /// <summary>Checks the length of a message.</summary>
    public abstract DropReason CheckLength(HandshakeStep step, int length);

    /// <summary>Reads the tag of the transcript that a first message is bound to; empty where it carries none.</summary>
    public abstract ReadOnlySpan<byte> ReadTag(ReadOnlySpan<byte> first);

    /// <summary>Returns the tag of a first message in direct mode; empty where such a message carries none.</summary>
    public abstract ReadOnlySpan<byte> DirectTag(ICryptoProvider crypto);

    /// <summary>Tells whether messages of another scheme look and are checked as this one's: such schemes differ in name and promises only.</summary>
    public bool SharesFormWith(Scheme other) => GetType() == other.GetType();

    /// <summary>Tells whether a first message says that it belongs to direct mode.</summary>
    public bool IsDirect(ICryptoProvider crypto, ReadOnlySpan<byte> first) => TagsFirst && ReadTag(first).SequenceEqual(DirectTag(crypto));

    /// <summary>Reads what a first message claims in clear about its sender, without verifying it.</summary>
    /// <param name="context">The endpoint's context.</param>
    /// <param name="first">The message.</param>
    /// <param name="claimed">The key; null where the scheme shows none.</param>
    public virtual DropReason ReadClaim(SchemeContext context, ReadOnlySpan<byte> first, out PublicKey? claimed)
    {
        claimed = null;
        return DropReason.None;
    }

    /// <summary>Tells whether a first message is of a kind that only renews a session of a channel.</summary>
    public virtual bool IsRenewal(ReadOnlySpan<byte> first) => false;

    /// <summary>Tells whether, of two handshakes that two peers begin at once, the own one is sent on rather than the other's.</summary>
    public virtual bool PrefersOwn(SchemeContext context, PublicKey remote) => false;

    /// <summary>Returns why an identity cannot be called by this scheme, or null.</summary>
    public virtual string? WhyNotTo(PeerId peer) => null;

    /// <summary>Begins to make a first message.</summary>
    public abstract FirstMessageWork BeginFirst(SchemeContext context, FirstMessageRequest request);

    /// <summary>Checks of an answer what costs little, and whether it may be for a first message.</summary>
    /// <param name="context">The context.</param>
    /// <param name="first">The first message.</param>
    /// <param name="answer">The answer; its length is checked.</param>
    public virtual DropReason CheckAnswer(SchemeContext context, ReadOnlySpan<byte> first, ReadOnlySpan<byte> answer) => DropReason.None;

    /// <summary>Returns the part of an answer that makes it another one: with the same part it would lead to the same keys.</summary>
    public virtual ReadOnlySpan<byte> IdentityOf(ReadOnlySpan<byte> answer) => answer;

    /// <summary>Begins to check an answer, and to make the finish.</summary>
    /// <param name="context">The context.</param>
    /// <param name="candidates">The first messages that it may answer; the work owns them.</param>
    /// <param name="answer">The message.</param>
    /// <param name="path">The path it came on.</param>
    /// <param name="expected">The identity called.</param>
    public abstract AnswerCheckWork BeginCheck(
        SchemeContext context, IReadOnlyList<AnswerCandidate> candidates, byte[] answer, PathAddress path, PeerId expected);

    /// <summary>Begins to check a first message, and to make the answer. Not for schemes whose responder keeps no state.</summary>
    /// <param name="context">The context.</param>
    /// <param name="request">The message and what it may be bound to.</param>
    public abstract AnswerWork BeginAnswer(SchemeContext context, AnswerRequest request);

    /// <summary>Begins to check a finish. Not for schemes whose responder keeps no state.</summary>
    /// <param name="context">The context.</param>
    /// <param name="path">The path it came on.</param>
    /// <param name="finish">The message.</param>
    /// <param name="candidates">The handshakes it may finish; the work owns the copies of their keys.</param>
    /// <param name="attemptId">Where it belongs.</param>
    /// <param name="workClass">Whose place it takes.</param>
    public abstract FinishWork BeginFinish(
        SchemeContext context, PathAddress path, byte[] finish, IReadOnlyList<(long Id, PendingKeys Keys)> candidates, long attemptId, WorkClass workClass);

    /// <summary>Creates the responder of an endpoint, where the scheme keeps no state for each handshake; null where it does.</summary>
    public virtual StatelessResponder? CreateStatelessResponder(SchemeContext context) => null;
}

/// <summary>What a first message is to be made of.</summary>
/// <param name="AttemptId">The attempt it belongs to.</param>
/// <param name="Agreement">What it is bound to; null in direct mode.</param>
/// <param name="Remote">The identity called.</param>
/// <param name="Time">The time since the Unix epoch.</param>
internal sealed record FirstMessageRequest(long AttemptId, Agreement? Agreement, PeerId Remote, TimeSpan Time)
{
    /// <summary>Gets what is shown of a ticket, for the work to own; null without one.</summary>
    public TicketPass? Pass { get; init; }

    /// <summary>Gets a value indicating whether the message renews a session of a channel that both sides have.</summary>
    public bool IsRenewal { get; init; }
}

/// <summary>What an answer is to be made for.</summary>
/// <param name="AttemptId">The handshake it belongs to.</param>
/// <param name="First">The message.</param>
/// <param name="Agreements">What it may be bound to; null is direct mode. More than one where the message carries no tag.</param>
/// <param name="WorkClass">Whose place it takes.</param>
internal sealed record AnswerRequest(long AttemptId, byte[] First, IReadOnlyList<Agreement?> Agreements, WorkClass WorkClass)
{
    /// <summary>Gets the identities that have a live session at the address.</summary>
    public IReadOnlyList<PublicKey> Known { get; init; } = [];
}
