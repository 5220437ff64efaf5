namespace PacketSec.Libp2p.Transports;

/// <summary>How a connection ended.</summary>
/// <param name="Cause">Why, as seen from this side.</param>
/// <param name="Code">The code of whoever closed it; 0 for the other causes.</param>
/// <param name="Reason">A sentence for people, of whoever closed it; may be empty.</param>
public sealed record ConnectionEnd(ConnectionEndCause Cause, long Code = 0, string Reason = "");

/// <summary>Why a connection ended, as seen from this side.</summary>
public enum ConnectionEndCause
{
    /// <summary>This side closed it.</summary>
    Local,

    /// <summary>The peer closed it.</summary>
    Peer,

    /// <summary>Nothing was heard of the peer for the idle timeout, or the path is gone.</summary>
    Lost,

    /// <summary>The peer has begun anew, and knows nothing of this connection.</summary>
    PeerRestarted,

    /// <summary>The peer broke the transport's protocol, or does not speak it.</summary>
    Violation,
}
