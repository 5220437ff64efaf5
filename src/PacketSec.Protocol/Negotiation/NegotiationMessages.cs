namespace PacketSec.Protocol.Negotiation;

/// <summary>What a dial proposes.</summary>
public sealed record ProposalOptions
{
    /// <summary>Gets the schemes in order of preference, the first choice first: 1 to 16, each of 1 to 64 bytes of UTF-8.</summary>
    public required IReadOnlyList<string> Schemes { get; init; }

    /// <summary>Gets a value indicating whether a random ID stands in the place of the own one. All schemes must hide identities.</summary>
    public bool HidePeerId { get; init; }

    /// <summary>Gets a value indicating whether the proposal carries the first packet of the first scheme, which saves a round trip.</summary>
    public bool EmbedFirstPacket { get; init; } = true;

    /// <summary>Gets a value indicating whether schemes that hide identities may stand beside others, which give them away.</summary>
    public bool AllowMixture { get; init; }
}

/// <summary>How an own attempt ended.</summary>
internal enum NegotiationOutcome
{
    /// <summary>A handshake of the peer's at this address proved itself.</summary>
    WonByPeer,

    /// <summary>Nothing came of it within its time.</summary>
    TimedOut,

    /// <summary>The peer rejected it, or proposed nothing in common.</summary>
    NoCommonScheme,
}

/// <summary>What the machine of a peer wants of the endpoint's: a value that the driver carries, and need not look into.</summary>
public abstract record NegotiationRequest
{
    private NegotiationRequest(NetworkAddress remote) => Remote = remote;

    internal NetworkAddress Remote { get; }

    /// <summary>Begin an attempt.</summary>
    internal sealed record Propose(PathAddress Path, ProposalOptions Options) : NegotiationRequest(Path.Remote);

    /// <summary>The first packet that goes into the proposal; empty when there is none.</summary>
    internal sealed record FirstPacketMade(NetworkAddress At, Agreement Agreement, byte[] Packet) : NegotiationRequest(At);

    /// <summary>A first packet of ours was answered by the peer that it was for.</summary>
    internal sealed record Answered(NetworkAddress At, Agreement Agreement) : NegotiationRequest(At);

    /// <summary>A packet authenticated on a session that this agreement led to.</summary>
    internal sealed record Won(NetworkAddress At, Agreement Agreement) : NegotiationRequest(At);

    /// <summary>Give the attempt up.</summary>
    internal sealed record Withdraw(NetworkAddress At) : NegotiationRequest(At);
}

/// <summary>What the endpoint's machine tells the machine of a peer about its attempt: a value that the driver carries.</summary>
public abstract record NegotiationReport
{
    private NegotiationReport()
    {
    }

    /// <summary>Run a handshake as initiator; one of the same case that waits for its answer ends.</summary>
    /// <param name="Agreement">What it is bound to.</param>
    /// <param name="Embed">Whether its first packet is wanted for the proposal, and not to be sent by itself.</param>
    internal sealed record Begin(Agreement Agreement, bool Embed) : NegotiationReport;

    /// <summary>Send the first packet once more: the other side may not know it.</summary>
    /// <param name="Agreement">What it is bound to.</param>
    /// <param name="LeftOut">Whether the proposal went without the first packet that was made for it.</param>
    internal sealed record Repeat(Agreement Agreement, bool LeftOut = false) : NegotiationReport;

    /// <summary>The attempt is over.</summary>
    internal sealed record Over(NegotiationOutcome Outcome) : NegotiationReport;
}
