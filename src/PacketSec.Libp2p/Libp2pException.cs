namespace PacketSec.Libp2p;

/// <summary>What went wrong.</summary>
public enum Libp2pError
{
    /// <summary>The address has a form that the transport does not speak, or lacks the peer ID that a dial needs.</summary>
    UnsupportedAddress,

    /// <summary>Another peer than the one that was dialled proved itself at the address.</summary>
    WrongPeer,

    /// <summary>The peer, or a bound on this side, does not want the connection.</summary>
    Refused,

    /// <summary>Nobody answered in time.</summary>
    TimedOut,

    /// <summary>The dial failed for another reason, which the message and the inner exception tell.</summary>
    DialFailed,

    /// <summary>The connection, the listener, the transport or the flow is closed.</summary>
    Closed,

    /// <summary>The peer gave its direction of the stream up: see <see cref="Libp2pException.Code"/>.</summary>
    StreamReset,

    /// <summary>The two sides share no protocol for the stream.</summary>
    NoCommonProtocol,

    /// <summary>The peer sent what is no message of the protocol, or one beyond its bounds.</summary>
    Malformed,

    /// <summary>A datagram does not fit: the message names what is possible now.</summary>
    TooLarge,
}

/// <summary>
/// The one exception for what the network or a peer did; <see cref="Exception.Message"/> says what to do. A caller's mistake is an
/// <see cref="ArgumentException"/> or an <see cref="InvalidOperationException"/>.
/// </summary>
public sealed class Libp2pException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="error">The reason, for programs.</param>
    /// <param name="message">A sentence for people that says what to do.</param>
    /// <param name="inner">What the transport threw; null where it threw nothing.</param>
    public Libp2pException(Libp2pError error, string message, Exception? inner = null)
        : base(message, inner) => Error = error;

    /// <summary>Gets the reason.</summary>
    public Libp2pError Error { get; }

    /// <summary>Gets the code that a stream was reset with; 0 for every other error.</summary>
    public long Code { get; init; }
}
