using System.Net;

namespace PacketSec.Interop.Peers;

/// <summary>How peers come to a scheme.</summary>
internal enum PeerMode
{
    /// <summary>By negotiation; nothing else is served.</summary>
    Psec,

    /// <summary>Both know it. Who is dialled so serves negotiations too.</summary>
    Direct,
}

/// <summary>How a listener is started.</summary>
/// <param name="Identity">Who it is.</param>
/// <param name="Address">Where; port 0 lets the system choose.</param>
/// <param name="Lifetime">How long its sessions receive; 60 s is the specification's figure.</param>
/// <param name="Mode">What it serves.</param>
/// <param name="Speech">By which schemes.</param>
internal sealed record ListenPlan(PeerKey Identity, IPEndPoint Address, TimeSpan Lifetime, PeerMode Mode, Speech Speech);

/// <summary>What a dialler does.</summary>
internal sealed record DialPlan
{
    public required PeerKey Identity { get; init; }

    public required PeerKey Expected { get; init; }

    public required IPEndPoint Address { get; init; }

    public required PeerMode Mode { get; init; }

    public Speech Speech { get; init; } = Speech.P2pke;

    /// <summary>Gets a value indicating whether the proposal carries the first packet. Only PacketSec can leave it out.</summary>
    public bool FirstPacketInside { get; init; } = true;

    /// <summary>Gets how many datagrams are sent; 0 is without end, until stopped.</summary>
    public required int Count { get; init; }

    /// <summary>Gets the bytes of each: 8 or more, for the number that it begins with.</summary>
    public int Size { get; init; } = 600;

    /// <summary>
    /// Gets how many may be without echo at once. Below the 32 packets that a listener holds while a handshake is not complete, with room for copies:
    /// an initiator that repeated its finish three times may send before it arrived.
    /// </summary>
    public int Window { get; init; } = 24;

    /// <summary>Gets the time over which the datagrams are spread; zero sends as fast as the window allows.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>Gets how long the Go peer waits for a connection: under 30 % loss a handshake takes a dozen copies at worst, and machines are busy. PacketSec has its 10 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(9);

    /// <summary>Gets how long an echo is waited for before it counts as lost.</summary>
    public required TimeSpan EchoTimeout { get; init; }

    public TimeSpan Lifetime { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>What a peer does that listens and dials at once.</summary>
internal sealed record BothPlan
{
    public required PeerKey Identity { get; init; }

    public required PeerKey Expected { get; init; }

    public required Speech Speech { get; init; }

    /// <summary>Gets how many datagrams each side sends; it echoes those of the other side besides.</summary>
    public required int Count { get; init; }

    /// <summary>Gets the bytes of each: 16 or more, for its number and a mark of the side that made it.</summary>
    public int Size { get; init; } = 100;

    public int Window { get; init; } = 8;

    /// <summary>Gets how long the connection, and an echo, is waited for: more than the 10 s that an attempt has.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Gets how long it stays up when all is done: longer than until the next copy of a proposal, which must not lead to a second session.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>What became of a peer that listened and dialled at once.</summary>
internal sealed record BothOutcome(DialOutcome Dial, int Channels);

/// <summary>Why a channel or a dial ended, in words that both implementations share.</summary>
internal enum EndReason
{
    /// <summary>It did what it was to do and closed.</summary>
    Finished,

    PeerClosed,

    WrongIdentity,

    TimedOut,

    Refused,

    IdleTimeout,

    /// <summary>Anything else: a failure of the cell.</summary>
    Failed,
}

/// <summary>What became of a dial.</summary>
internal sealed record DialOutcome(EndReason Reason, long Sent = 0, long Echoed = 0, long Duplicated = 0, string? Detail = null)
{
    public IReadOnlyList<SessionFact> Sessions { get; init; } = [];

    public long Lost => Sent - Echoed;
}
