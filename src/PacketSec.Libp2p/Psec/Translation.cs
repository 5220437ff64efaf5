using PacketSec.Libp2p.Transports;

namespace PacketSec.Libp2p.Psec;

/// <summary>The errors of channels, connections and streams, as a transport tells them.</summary>
internal static class Translation
{
    public static Libp2pException OfDial(PacketSecException e) => new(
        e.Error switch
        {
            PacketSecError.Refused => Libp2pError.Refused,
            PacketSecError.WrongIdentity => Libp2pError.WrongPeer,
            PacketSecError.TimedOut => Libp2pError.TimedOut,
            PacketSecError.EndpointClosed => Libp2pError.Closed,
            _ => Libp2pError.DialFailed,
        },
        e.Message,
        e);

    /// <summary>Says whether an exception is one of a connection or a stream.</summary>
    public static bool Takes(Exception e) => e is PacketSecConnectionException or ObjectDisposedException;

    /// <summary>Translates what <see cref="Takes"/> takes.</summary>
    public static Libp2pException Of(Exception e) => e is PacketSecConnectionException connection
        ? connection.Error switch
        {
            PacketSecConnectionError.StreamReset => new(Libp2pError.StreamReset, e.Message, e) { Code = connection.Code },
            PacketSecConnectionError.DatagramTooLarge => new(Libp2pError.TooLarge, e.Message, e),
            _ => new(Libp2pError.Closed, e.Message, e),
        }
        : new(Libp2pError.Closed, "This side has closed the connection or the stream.", e);

    public static ConnectionEnd Of(PacketSecConnectionClosed end) => new(
        end.Error switch
        {
            null => ConnectionEndCause.Local,
            PacketSecConnectionError.ClosedByPeer => ConnectionEndCause.Peer,
            PacketSecConnectionError.IdleTimeout or PacketSecConnectionError.ChannelClosed => ConnectionEndCause.Lost,
            PacketSecConnectionError.PeerRestarted => ConnectionEndCause.PeerRestarted,
            _ => ConnectionEndCause.Violation,
        },
        end.Code,
        end.Reason);
}
