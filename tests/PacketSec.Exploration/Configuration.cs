using PacketSec.Protocol.Negotiation;

namespace PacketSec.Exploration;

/// <summary>What a stranger on the path makes once, and the receiver gets at once: a forged packet in flight differs only in when.</summary>
internal enum Forgery
{
    /// <summary>An accept of the first scheme that the receiver lists.</summary>
    AcceptFirst,

    /// <summary>An accept of the last one.</summary>
    AcceptLast,

    Reject,

    /// <summary>A proposal of the peer's from an attempt that is over: its ID, its schemes, other random bytes.</summary>
    StaleProposal,

    /// <summary>One with the peer's ID, and the schemes in the opposite order.</summary>
    ProposalAsPeer,

    /// <summary>One with an ID below all others, which so leads.</summary>
    ProposalBelow,

    /// <summary>One with an ID above all others, which the receiver so leads.</summary>
    ProposalAbove,

    /// <summary>The receiver's own proposal, sent back.</summary>
    Reflection,

    /// <summary>A first packet under a transcript that the receiver serves, with a key of the stranger's.</summary>
    First,
}

/// <summary>A rule that is left out or turned around, so that the exploration can show that it would notice.</summary>
internal enum Weakness
{
    None,

    /// <summary>Side A takes the larger ID for the leader's.</summary>
    TieBreakInverted,

    /// <summary>An accept ends the simultaneous hypotheses of its receiver.</summary>
    AcceptDecides,

    /// <summary>A dial that joined sends no proposal of its own, however long nothing happens.</summary>
    JoinForGood,

    /// <summary>The random string of all attempts is the same.</summary>
    SameAttemptString,

    /// <summary>The proposal is sent once.</summary>
    ProposalOnce,

    /// <summary>Copies of an accepted proposal draw no accept.</summary>
    AcceptOnce,

    /// <summary>The first packet is sent once.</summary>
    FirstOnce,

    /// <summary>An accept or a copy of a proposal never draws the first packet again.</summary>
    NoRepeat,

    /// <summary>Copies of a first packet draw no answer.</summary>
    AnswerOnce,

    /// <summary>The finish is sent once.</summary>
    FinishOnce,

    /// <summary>Copies of a finish draw no confirmation.</summary>
    ConfirmOnce,

    /// <summary>A win wipes the sessions whose finish was sent, too.</summary>
    FinishTakenBack,

    /// <summary>A second answer to a first packet is not taken.</summary>
    OneAnswer,

    /// <summary>The transcript is left out of the keys.</summary>
    NoTranscript,
}

/// <summary>One side of a configuration.</summary>
internal sealed record Party
{
    /// <summary>Gets the schemes that it serves, and proposes in this order.</summary>
    public IReadOnlyList<string> Schemes { get; init; } = ["x"];

    public bool Hidden { get; init; }

    public bool Embeds { get; init; }

    /// <summary>Gets a value indicating whether it is past its bounds, so that a stranger's proposal needs a cookie.</summary>
    public bool IsBusy { get; init; }

    /// <summary>Gets a value indicating whether it serves the scheme <c>x</c> in direct mode.</summary>
    public bool ServesDirect { get; init; }

    /// <summary>Gets a value indicating whether its dials are in direct mode.</summary>
    public bool DialsDirect { get; init; }

    /// <summary>Gets how often its application connects.</summary>
    public int Connects { get; init; } = 1;

    public int Cancels { get; init; }

    public int Restarts { get; init; }

    /// <summary>Gets what a stranger can send it.</summary>
    public IReadOnlyList<Forgery> Forgeries { get; init; } = [];

    public ProposalOptions ToOptions() => new() { Schemes = Schemes, HidePeerId = Hidden, EmbedFirstPacket = Embeds };
}

/// <summary>One exploration: who may do what, how often.</summary>
internal sealed record Configuration
{
    public required string Name { get; init; }

    public required string What { get; init; }

    public Party A { get; init; } = new();

    public Party B { get; init; } = new();

    public bool Drops { get; init; } = true;

    /// <summary>Gets how many packets may be duplicated in a run; never more than two copies are alive.</summary>
    public int Duplicates { get; init; }

    /// <summary>Gets how many of the forgeries may happen in one run.</summary>
    public int Forgeries { get; init; } = 1;

    /// <summary>Gets the packets in flight in one direction; what is sent beyond it is lost.</summary>
    public int InFlight { get; init; } = 3;

    /// <summary>Gets the length of an attempt in intervals of repetition.</summary>
    public int Attempt { get; init; } = 3;

    /// <summary>
    /// Gets the intervals that an attempt must have left for it to have to succeed once packets get through: after that only one that the
    /// application begins again must.
    /// </summary>
    public int Grace { get; init; } = 2;

    /// <summary>
    /// Gets a value indicating whether what is in flight together arrives in the opposite order where packets get through: a first packet before
    /// the proposal that it belongs to. That costs one repetition more.
    /// </summary>
    public bool IsReordered { get; init; }

    /// <summary>Gets a value indicating whether attempts can lead to a session: the lists have a scheme in common.</summary>
    public bool CanAgree => A.Schemes.Intersect(B.Schemes).Any();

    /// <summary>Gets a value indicating whether what was proposed, and begun as responder, is forgotten after the length of an attempt.</summary>
    public bool Forgets { get; init; }

    public Weakness Weakness { get; init; }
}
