namespace PacketSec.Protocol.Streams;

/// <summary>What a connection has to say to its owner.</summary>
internal enum StreamEventKind
{
    /// <summary>The peer's HELLO came: what it permits is known.</summary>
    Opened,

    /// <summary>The peer opened a stream.</summary>
    StreamOpened,

    /// <summary>
    /// A stream has bytes to read, or its end, or was given up by the peer. It is said once until it is polled, and then again when more comes: read
    /// until nothing is left.
    /// </summary>
    Readable,

    /// <summary>A stream takes bytes again.</summary>
    Writable,

    /// <summary>The peer wants no more of a stream; this side has given it up with the same code.</summary>
    Stopped,

    /// <summary>Both directions of a stream are over, and everything sent on it is acknowledged.</summary>
    StreamOver,

    /// <summary>The peer permits more streams.</summary>
    StreamsAvailable,

    /// <summary>A datagram can be taken.</summary>
    Datagram,

    /// <summary>The connection has ended, and with it all its streams.</summary>
    Closed,
}

/// <summary>Why a connection ended.</summary>
internal enum CloseCause
{
    /// <summary>It has not.</summary>
    None,

    /// <summary>This side's application closed it.</summary>
    Local,

    /// <summary>The peer closed it.</summary>
    Peer,

    /// <summary>The peer broke the protocol; the code is a <see cref="StreamError"/>.</summary>
    Violation,

    /// <summary>Nothing was heard for the idle timeout.</summary>
    Idle,

    /// <summary>The peer has begun anew and knows nothing of this connection.</summary>
    PeerRestarted,

    /// <summary>The peer sends datagrams that are no packets of streams.</summary>
    PeerWithoutStreams,

    /// <summary>The peer speaks another version of streams.</summary>
    PeerOfAnotherVersion,

    /// <summary>The channel that carried it has ended.</summary>
    NoChannel,
}

/// <summary>An event.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Stream">The stream that it is about.</param>
/// <param name="Code">The code that came with it.</param>
internal readonly record struct StreamEvent(StreamEventKind Kind, StreamState? Stream = null, long Code = 0);
