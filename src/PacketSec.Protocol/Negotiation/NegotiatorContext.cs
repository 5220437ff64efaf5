using PacketSec.Crypto;
using PacketSec.Protocol.Identity;

namespace PacketSec.Protocol.Negotiation;

/// <summary>What the negotiations of an endpoint share. Immutable.</summary>
internal sealed class NegotiatorContext
{
    public required ICryptoProvider Crypto { get; init; }

    public required IRandomSource Random { get; init; }

    public required PeerId Self { get; init; }

    /// <summary>Gets the schemes that are served, all of them or none hiding.</summary>
    public required IReadOnlyList<string> Served { get; init; }

    /// <summary>Gets a value indicating whether the schemes served hide identities: then nobody is told that there is no common one, and a stranger's proposal needs a cookie.</summary>
    public bool Hides { get; init; }

    public NegotiationTimes Times { get; init; } = NegotiationTimes.Default;
}

/// <summary>The times of a negotiation, which an exploration shortens.</summary>
internal sealed record NegotiationTimes
{
    public static NegotiationTimes Default { get; } = new();

    //= spec/psec.md#proposal-resend
    public TimeSpan FirstResend { get; init; } = TimeSpan.FromMilliseconds(333);

    public TimeSpan Resend { get; init; } = TimeSpan.FromMilliseconds(500);

    //= spec/psec.md#attempt-deadline
    public TimeSpan Attempt { get; init; } = SpecLimits.DialDeadline;

    //= spec/psec.md#join
    public TimeSpan JoinPatience { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Gets how long a dial joins at most: what counts as progress can be forged.</summary>
    public TimeSpan JoinLongest { get; init; } = TimeSpan.FromSeconds(2);

    //= spec/psec.md#reject-schedule
    public TimeSpan RejectPatience { get; init; } = TimeSpan.FromSeconds(3);

    public int RejectCopies { get; init; } = 2;

    //= spec/psec.md#copy-after-win
    public TimeSpan Memory { get; init; } = SpecLimits.SessionLifetime;
}
