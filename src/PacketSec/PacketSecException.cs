namespace PacketSec;

/// <summary>Why a dial failed or a channel ended.</summary>
public enum PacketSecError
{
    /// <summary>The peer does not want this side: its application, or a bound on its channels, said no.</summary>
    Refused,

    /// <summary>The two sides share no scheme.</summary>
    NoCommonScheme,

    /// <summary>Another identity than the one called proved itself at the address.</summary>
    WrongIdentity,

    /// <summary>Nobody answered within 10 s.</summary>
    TimedOut,

    /// <summary>The peer closed the channel.</summary>
    PeerClosed,

    /// <summary>The channel had no live session for the idle timeout: the peer has gone, or nobody sent.</summary>
    IdleTimeout,

    /// <summary>The peer broke the protocol in a way that cannot be passed over.</summary>
    ProtocolViolation,

    /// <summary>The endpoint is disposed, or ended by a failure that its log tells.</summary>
    EndpointClosed,

    /// <summary>The datagram does not fit: see <see cref="PacketSecException.RequiredSize"/>.</summary>
    TooLarge,
}

/// <summary>
/// The one exception for what the network or the peer did; <see cref="Exception.Message"/> says what to do. A caller's mistake is an
/// <see cref="ArgumentException"/> or an <see cref="InvalidOperationException"/>, and a datagram that is bad is none at all: it is dropped and counted.
/// </summary>
public sealed class PacketSecException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="error">The reason, for programs.</param>
    /// <param name="message">A sentence for people that says what to do.</param>
    public PacketSecException(PacketSecError error, string message)
        : base(message) => Error = error;

    /// <summary>Gets the reason.</summary>
    public PacketSecError Error { get; }

    /// <summary>Gets the bytes that are needed when the reason is <see cref="PacketSecError.TooLarge"/>, otherwise 0.</summary>
    public int RequiredSize { get; internal init; }
}
