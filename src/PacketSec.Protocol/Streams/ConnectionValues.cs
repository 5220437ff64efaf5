namespace PacketSec.Protocol.Streams;

/// <summary>A session that can seal at once, and the way that its packets go.</summary>
/// <param name="Session">Its number; a newer session has a larger one.</param>
/// <param name="Remote">Where its packets go.</param>
/// <param name="MaxDatagram">The largest UDP payload that the interface takes.</param>
internal readonly record struct StreamCarrier(long Session, NetworkAddress Remote, int MaxDatagram);

/// <summary>A packet to be sealed now.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Length">The bytes written.</param>
/// <param name="AckEliciting">Whether it counts as data: whether the peer will answer.</param>
internal readonly record struct BuiltPacket(long Number, int Length, bool AckEliciting);

/// <summary>What became of a packet received.</summary>
internal enum PacketVerdict
{
    /// <summary>It was taken.</summary>
    Processed,

    /// <summary>Its number was seen before.</summary>
    Duplicate,

    /// <summary>It came on a session on which no HELLO has come.</summary>
    NoHello,

    /// <summary>It is meant for another incarnation of this side, or comes from an older one of the peer.</summary>
    OtherIncarnation,

    /// <summary>The peer has begun anew. The connection is over; a new one takes this packet.</summary>
    PeerRestarted,

    /// <summary>It leaves more gaps in a stream than are remembered; the peer will repeat it.</summary>
    TooManyGaps,

    /// <summary>It broke the protocol, and the connection closes.</summary>
    Violation,

    /// <summary>The connection has ended.</summary>
    Over,
}

/// <summary>The states of a connection.</summary>
internal enum ConnectionState
{
    /// <summary>The peer's HELLO has not come; little may be sent.</summary>
    Opening,

    /// <summary>Both ways are open.</summary>
    Open,

    /// <summary>This side has closed, and says so again to whatever comes.</summary>
    Closing,

    /// <summary>The peer has closed; nothing is sent.</summary>
    Draining,

    /// <summary>Nothing is left.</summary>
    Over,
}

/// <summary>What a datagram given to a connection met.</summary>
internal enum DatagramResult
{
    /// <summary>It waits to be sent.</summary>
    Queued,

    /// <summary>It is longer than the peer, or the path, takes.</summary>
    TooLarge,

    /// <summary>Too many bytes wait.</summary>
    Full,

    /// <summary>The connection has ended.</summary>
    Over,
}

/// <summary>The deadlines of a connection, each with its reason to wake up.</summary>
internal enum StreamTimer
{
    /// <summary>There is no deadline.</summary>
    None,

    /// <summary>An acknowledgement has waited for long enough.</summary>
    Acknowledge,

    /// <summary>A packet counts as lost, or the peer is to be probed.</summary>
    Recovery,

    /// <summary>The next packet may go.</summary>
    Pace,

    /// <summary>An expected stream has been silent for too long.</summary>
    Silence,

    /// <summary>A larger datagram is tried again.</summary>
    RaiseMtu,

    /// <summary>The peer is to be asked for a sign of life.</summary>
    KeepAlive,

    /// <summary>Nothing has been heard for too long.</summary>
    Idle,

    /// <summary>The time for late packets of a closed connection is over.</summary>
    Close,
}
