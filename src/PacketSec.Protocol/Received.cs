namespace PacketSec.Protocol;

/// <summary>What became of a datagram.</summary>
public enum ReceivedKind
{
    /// <summary>It carried a payload for the application.</summary>
    Payload,

    /// <summary>It was authentic and served the protocol: nothing is delivered.</summary>
    Control,

    /// <summary>It was a handshake message that is being worked on; the verdict is counted when the work completes.</summary>
    Handshake,

    /// <summary>It was known already and drew the answer it drew before.</summary>
    CachedAnswer,

    /// <summary>It was a frame of the negotiation that was taken, or answered without leaving state.</summary>
    Negotiation,

    /// <summary>It waits for the handshake that will tell whether it is authentic.</summary>
    EarlyData,

    /// <summary>It was dropped; nothing changed but a counter.</summary>
    Dropped,

    /// <summary>
    /// It is nothing of this peer's, for the reason that comes with it; nothing is counted yet. Another peer at its address, or the endpoint
    /// machine, may know it; otherwise the last peer asked counts it.
    /// </summary>
    Unclaimed,
}

/// <summary>The outcome of one received datagram.</summary>
public readonly ref struct Received
{
    private Received(ReceivedKind kind, DropReason reason, ReadOnlySpan<byte> payload, bool nothingPending, bool deadlineMoved)
    {
        Kind = kind;
        DropReason = reason;
        Payload = payload;
        NothingPending = nothingPending;
        DeadlineMoved = deadlineMoved;
    }

    /// <summary>Gets what became of the datagram.</summary>
    public ReceivedKind Kind { get; }

    /// <summary>Gets why it was dropped, or <see cref="DropReason.None"/>.</summary>
    public DropReason DropReason { get; }

    /// <summary>Gets the payload, in the buffer the caller gave; valid until that buffer is used again.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>Gets a value indicating whether the call changed nothing that has to be polled for.</summary>
    public bool NothingPending { get; }

    /// <summary>Gets a value indicating whether the machine's next deadline may be nearer than before the call.</summary>
    public bool DeadlineMoved { get; }

    internal static Received Deliver(ReadOnlySpan<byte> payload, bool nothingPending, bool deadlineMoved)
        => new(ReceivedKind.Payload, DropReason.None, payload, nothingPending, deadlineMoved || !nothingPending);

    internal static Received Of(ReceivedKind kind) => new(kind, DropReason.None, default, false, true);

    internal static Received Nothing(ReceivedKind kind) => new(kind, DropReason.None, default, true, false);

    internal static Received NotMine(DropReason reason) => new(ReceivedKind.Unclaimed, reason, default, true, false);

    internal static Received Drop(DropReason reason, bool nothingPending = true) => new(ReceivedKind.Dropped, reason, default, nothingPending, !nothingPending);
}

/// <summary>What became of a datagram that was to be sealed.</summary>
public enum SealResult
{
    /// <summary>It is sealed into the caller's buffer and goes out on the path given.</summary>
    Sealed,

    /// <summary>It waits in the queue until a session may send.</summary>
    Queued,

    /// <summary>The queue is full: it was refused, and what is queued stays.</summary>
    QueueFull,

    /// <summary>It is larger than the path takes.</summary>
    TooLarge,

    /// <summary>The channel is closed.</summary>
    Closed,
}
