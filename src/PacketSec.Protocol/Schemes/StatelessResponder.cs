using PacketSec.Protocol.Negotiation;

namespace PacketSec.Protocol.Schemes;

/// <summary>
/// The responder of a scheme that keeps nothing for a handshake until its finish has verified: what it needs comes back in a cookie. One for each
/// endpoint; its owner excludes.
/// </summary>
internal abstract class StatelessResponder : IDisposable
{
    /// <summary>Gets when <see cref="HandleTimeout"/> is to be called next, or null.</summary>
    public abstract Instant? NextDeadline { get; }

    /// <summary>Does what is due by time, such as the change of keys.</summary>
    public abstract void HandleTimeout(Instant now);

    /// <summary>Checks of a first message what costs little, before it counts.</summary>
    public abstract DropReason CheckFirst(scoped ReadOnlySpan<byte> first);

    /// <summary>Begins the answer to a first message.</summary>
    /// <param name="now">The time.</param>
    /// <param name="path">Where it came from and to.</param>
    /// <param name="first">The message, which was checked.</param>
    /// <param name="agreement">What it is bound to; null in direct mode.</param>
    /// <param name="workClass">Whose place the work takes.</param>
    /// <returns>The work, which makes the answer.</returns>
    public abstract StatelessAnswerWork BeginAnswer(
        Instant now, scoped in PathAddress path, scoped ReadOnlySpan<byte> first, Agreement? agreement, WorkClass workClass);

    /// <summary>Begins to check a finish, after its cookie proved that it is one.</summary>
    /// <param name="now">The time.</param>
    /// <param name="path">Where it came from and to.</param>
    /// <param name="finish">The message; its length is checked.</param>
    /// <param name="agreements">What it may be bound to; null is direct mode.</param>
    /// <param name="workClass">Whose place the work takes.</param>
    /// <param name="work">The work, which proves the initiator.</param>
    public abstract DropReason TryBeginFinish(
        Instant now, scoped in PathAddress path, scoped ReadOnlySpan<byte> finish, IReadOnlyList<Agreement?> agreements, WorkClass workClass,
        out StatelessFinishWork? work);

    /// <summary>Takes note of a finish that verified, before anybody is asked about it: copies of it are asked about no more.</summary>
    /// <returns>Why not, or <see cref="DropReason.None"/>.</returns>
    public abstract DropReason TryReserve(Instant now, in StatelessTicket ticket);

    /// <summary>Takes a finish that was allowed, once; called before any of its keys is used on the wire.</summary>
    /// <returns>Why not, or <see cref="DropReason.None"/>.</returns>
    public abstract DropReason TryAccept(Instant now, in StatelessTicket ticket);

    /// <summary>Adds what a datagram could change.</summary>
    public abstract void AddTo(StateDigestBuilder digest);

    /// <summary>Wipes all keys.</summary>
    public abstract void Dispose();
}

/// <summary>What makes a finish the one and only.</summary>
/// <param name="Era">The keys that made its cookie.</param>
/// <param name="Nonce">The cookie's nonce.</param>
/// <param name="MadeAt">When the cookie was made.</param>
internal readonly record struct StatelessTicket(long Era, UInt128 Nonce, Instant MadeAt);

/// <summary>Makes an answer that nothing is kept for.</summary>
internal abstract class StatelessAnswerWork(PathAddress path, Agreement? agreement) : HandshakeWork
{
    /// <summary>Gets where the answer goes.</summary>
    public PathAddress Path => path;

    /// <summary>Gets what it is bound to; null in direct mode.</summary>
    public Agreement? Agreement => agreement;

    /// <summary>Gets the datagram of the answer.</summary>
    public byte[] Answer { get; private protected set; } = [];
}

/// <summary>Checks a finish that brings all with it.</summary>
internal abstract class StatelessFinishWork(Scheme scheme, PathAddress path, byte[] finish, StatelessTicket ticket) : FinishWork(path, finish)
{
    private PendingKeys? _keys;

    /// <summary>Gets the scheme.</summary>
    public Scheme Scheme => scheme;

    /// <summary>Gets what the handshake is bound to; null in direct mode.</summary>
    public Agreement? Agreement { get; private protected set; }

    /// <summary>Gets what its cookie says.</summary>
    public StatelessTicket Ticket => ticket;

    /// <summary>Hands over the keys.</summary>
    public PendingKeys TakePendingKeys()
    {
        var keys = _keys ?? throw new InvalidOperationException("The work has not succeeded.");
        _keys = null;
        return keys;
    }

    public override void Dispose()
    {
        base.Dispose();
        _keys?.Dispose();
    }

    private protected void Succeed(PendingKeys keys) => _keys = keys;
}
