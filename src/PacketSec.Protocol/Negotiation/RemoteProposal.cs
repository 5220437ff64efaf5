using System.Text;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Negotiation;

/// <summary>A proposal of another peer that led to a hypothesis.</summary>
internal sealed class RemoteProposal(byte[] digest, Agreement agreement, RemoteProposalState state, bool weLead, Instant forgetAt)
{
    public byte[] Digest => digest;

    public Agreement Agreement => agreement;

    /// <summary>Gets a value indicating whether this side initiates its handshake.</summary>
    public bool WeLead => weLead;

    public RemoteProposalState State { get; private set; } = state;

    public Instant ForgetAt { get; set; } = forgetAt;

    public bool IsAccepted => State is RemoteProposalState.Accepted or RemoteProposalState.AcceptedServing;

    public bool IsSimultaneous => State is RemoteProposalState.Simultaneous or RemoteProposalState.SimultaneousServing;

    /// <summary>Gets a value indicating whether first packets are answered under it.</summary>
    public bool IsResponder => IsAccepted || (IsSimultaneous && !weLead);

    public bool Apply(RemoteProposalEvent what)
    {
        if (!NegotiationTransitions.TryNext(State, what, out var next))
        {
            return false;
        }

        State = next;
        return true;
    }

    public RemoteProposal Clone() => (RemoteProposal)MemberwiseClone();

    public void AddTo(StateDigestBuilder builder)
    {
        builder.Add(digest);
        builder.Add((long)State);
        builder.Add(agreement.Transcript);
        builder.Add(weLead);
        builder.Add(ForgetAt);
    }
}

/// <summary>What a proposal is at an address.</summary>
internal enum ProposalKind
{
    /// <summary>Our own, sent back.</summary>
    Reflected,

    /// <summary>Seen before.</summary>
    Copy,

    /// <summary>It may be accepted, or rejected where nothing is common.</summary>
    Standard,

    /// <summary>It came while ours was outstanding.</summary>
    Simultaneous,
}

/// <summary>A proposal as it was looked at; nothing has changed yet.</summary>
internal sealed class ReceivedProposal
{
    public required ProposalKind Kind { get; init; }

    public byte[] NormalForm { get; init; } = [];

    public byte[] Digest { get; init; } = [];

    /// <summary>Gets the schemes listed, without what is no scheme.</summary>
    public IReadOnlyList<string> Schemes { get; init; } = [];

    /// <summary>Gets the scheme that it leads to, or null when none is common.</summary>
    public string? Scheme { get; init; }

    public bool WeLead { get; init; }

    /// <summary>Gets the identity that it names; null when that is hidden.</summary>
    public PeerId? ClaimedPeer { get; init; }

    /// <summary>Gets a value indicating whether the proposer takes a retry.</summary>
    public bool TakesRetry { get; init; }

    /// <summary>Gets the bytes of the cookie's text; empty when there is none.</summary>
    public byte[] Cookie { get; init; } = [];

    /// <summary>Gets the record of what was seen before.</summary>
    public RemoteProposal? Known { get; init; }

    /// <summary>Reads what does not depend on the address.</summary>
    public static (List<string> Schemes, bool TakesRetry, byte[] Cookie) ReadStrings(in ProposalFrame frame)
    {
        var schemes = new List<string>();
        var takesRetry = false;
        byte[] cookie = [];
        foreach (var text in frame)
        {
            if (PsecFrame.IsScheme(text))
            {
                schemes.Add(Encoding.UTF8.GetString(text));
            }
            else if (PsecFrame.IsRetry(text))
            {
                takesRetry = true;
                cookie = cookie.Length == 0 && text.Length > PsecFrame.RetryPrefix.Length ? text[PsecFrame.RetryPrefix.Length..].ToArray() : cookie;
            }
        }

        return (schemes, takesRetry, cookie);
    }

    public static byte[] HashOf(ICryptoProvider crypto, ReadOnlySpan<byte> normalForm)
    {
        var digest = new byte[32];
        crypto.Hash(HashAlgorithm.Sha256, normalForm, default, digest);
        return digest;
    }
}
