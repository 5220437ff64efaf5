using System.Globalization;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Streams;

namespace PacketSec;

/// <summary>Why a call on a connection or a stream failed, or a connection ended.</summary>
public enum PacketSecConnectionError
{
    /// <summary>The peer has given up sending on the stream: RESET_STREAM of RFC 9000 section 19.4. What had come and was not read is lost.</summary>
    StreamReset,

    /// <summary>The peer wants no more of the stream: STOP_SENDING of RFC 9000 section 19.5.</summary>
    StreamStopped,

    /// <summary>The peer's application closed the connection.</summary>
    ClosedByPeer,

    /// <summary>The peer closed the connection because this side broke the protocol, as it says; the code is one of RFC 9000 section 20.1.</summary>
    RefusedByPeer,

    /// <summary>The peer broke the protocol, and this side closed the connection; the code is one of RFC 9000 section 20.1.</summary>
    ProtocolViolation,

    /// <summary>Nothing was heard for the idle timeout.</summary>
    IdleTimeout,

    /// <summary>The peer's process began anew and knows nothing of the connection; it has begun another.</summary>
    PeerRestarted,

    /// <summary>The peer sends plain datagrams, and no streams, on the channel.</summary>
    PeerWithoutStreams,

    /// <summary>The peer speaks another version of streams.</summary>
    PeerOfAnotherVersion,

    /// <summary>The channel that carried the connection is over.</summary>
    ChannelClosed,

    /// <summary>The datagram is longer than the path or the peer takes now, or than the buffer given for it.</summary>
    DatagramTooLarge,
}

/// <summary>
/// What the network or the peer did to a connection or a stream. A caller's mistake is an <see cref="ArgumentException"/> or an
/// <see cref="InvalidOperationException"/>, and a call after disposal an <see cref="ObjectDisposedException"/>.
/// </summary>
public sealed class PacketSecConnectionException : IOException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="error">The reason, for programs.</param>
    /// <param name="message">A sentence for people that says what to do.</param>
    public PacketSecConnectionException(PacketSecConnectionError error, string message)
        : base(message) => Error = error;

    /// <summary>Gets the reason.</summary>
    public PacketSecConnectionError Error { get; }

    /// <summary>Gets the code that came with a reset, a stop or a close; 0 otherwise.</summary>
    public long Code { get; internal init; }

    /// <summary>
    /// Gets the largest payload that can be sent now when <see cref="PacketSecConnection.TrySendDatagram"/> fails with
    /// <see cref="PacketSecConnectionError.DatagramTooLarge"/>, and the bytes that are needed when
    /// <see cref="PacketSecConnection.ReceiveDatagramAsync"/> does; 0 otherwise.
    /// </summary>
    public int Size { get; internal init; }

    internal static PacketSecConnectionException OfReset(long code, long stream)
        => new(PacketSecConnectionError.StreamReset, $"The peer gave up sending on stream {stream} with code {code}.") { Code = code };

    internal static PacketSecConnectionException OfStop(long code, long stream)
        => new(PacketSecConnectionError.StreamStopped, $"The peer wants no more of stream {stream}, with code {code}.") { Code = code };

    internal static PacketSecConnectionException OfDatagram(int length, int most)
        => new(PacketSecConnectionError.DatagramTooLarge, $"The datagram has {length} bytes, and {most} can be sent now: see MaxDatagramPayload.")
        {
            Size = most,
        };

    internal static PacketSecConnectionException OfBuffer(int length, int room)
        => new(PacketSecConnectionError.DatagramTooLarge, $"The next datagram has {length} bytes and the buffer {room}. It waits: call again with a larger one.")
        {
            Size = length,
        };

    internal static PacketSecConnectionException Of(PacketSecConnectionClosed end, PeerId peer)
    {
        // An end without an error is one that this side brought about, and whose calls have been told of the disposal.
        var error = end.Error ?? PacketSecConnectionError.ChannelClosed;
        var reason = end.Reason.Length == 0 ? string.Empty : $" (\"{end.Reason}\")";
        return new(error, error switch
        {
            PacketSecConnectionError.ClosedByPeer => $"{peer} closed the connection with code {end.Code}{reason}.",
            PacketSecConnectionError.RefusedByPeer => $"{peer} says that this side broke the protocol, code {end.Code}{reason}: compare the versions of both.",
            PacketSecConnectionError.ProtocolViolation => $"{peer} broke the protocol, code {end.Code}{reason}: compare the versions of both sides.",
            PacketSecConnectionError.IdleTimeout => $"Nothing was heard of {peer} for the idle timeout: connect again.",
            PacketSecConnectionError.PeerRestarted => $"{peer} has started anew: open its new connection on the same channel.",
            PacketSecConnectionError.PeerWithoutStreams => $"{peer} sends plain datagrams: use the channel without a connection, or open one at the other side.",
            PacketSecConnectionError.PeerOfAnotherVersion => $"{peer} speaks another version of streams: compare the versions of both sides.",
            _ => $"The channel to {peer} is over: connect again.",
        })
        {
            Code = end.Code,
        };
    }
}

/// <summary>How a connection ended.</summary>
/// <param name="Error">Why; null when this side closed it.</param>
/// <param name="Code">The code of the close, of the application or of RFC 9000 section 20.1; 0 where none was said.</param>
/// <param name="Reason">The words that came with it, which the peer chose; U+FFFD in place of each character without a shape. Empty where none came.</param>
public sealed record PacketSecConnectionClosed(PacketSecConnectionError? Error, long Code, string Reason)
{
    internal static PacketSecConnectionClosed Of(ConnectionMachine machine, PacketSecError? channelError) => new(
        machine.Cause switch
        {
            CloseCause.Local => null,
            CloseCause.Peer => machine.ClosedByApplication ? PacketSecConnectionError.ClosedByPeer : PacketSecConnectionError.RefusedByPeer,
            CloseCause.Violation => PacketSecConnectionError.ProtocolViolation,
            CloseCause.Idle => PacketSecConnectionError.IdleTimeout,
            CloseCause.PeerRestarted => PacketSecConnectionError.PeerRestarted,
            CloseCause.PeerWithoutStreams => PacketSecConnectionError.PeerWithoutStreams,
            CloseCause.PeerOfAnotherVersion => PacketSecConnectionError.PeerOfAnotherVersion,
            _ => channelError switch
            {
                null => null,
                PacketSecError.PeerClosed => PacketSecConnectionError.ClosedByPeer,
                _ => PacketSecConnectionError.ChannelClosed,
            },
        },
        machine.CloseCode,
        Shown(machine.CloseReason));

    // A stranger's words go to logs and terminals, where what has no shape moves the cursor or begins a line.
    private static string Shown(string reason) => string.Concat(reason.Select(letter => char.GetUnicodeCategory(letter)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? '\uFFFD' : letter));
}
