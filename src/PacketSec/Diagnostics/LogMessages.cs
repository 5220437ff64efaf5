using System.Net;
using Microsoft.Extensions.Logging;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Diagnostics;

/// <summary>All that is ever logged. Numbers are not used again; no message has a payload or a key.</summary>
internal static partial class LogMessages
{
    [LoggerMessage(1, LogLevel.Information, "Serving {PeerId} on {LocalEndPoint} ({Path} sockets)")]
    public static partial void Bound(this ILogger logger, PeerId peerId, IPEndPoint localEndPoint, string path);

    [LoggerMessage(2, LogLevel.Warning, "{Warning}")]
    public static partial void SocketWarning(this ILogger logger, string warning);

    [LoggerMessage(3, LogLevel.Debug, "Dropped a datagram from {Remote}: {Reason}. Further ones of this second are only counted")]
    public static partial void Dropped(this ILogger logger, NetworkAddress remote, DropReason reason);

    [LoggerMessage(4, LogLevel.Debug, "Session {Number} with {PeerId} at {Remote} is confirmed")]
    public static partial void SessionConfirmed(this ILogger logger, long number, PeerId peerId, IPEndPoint remote);

    [LoggerMessage(5, LogLevel.Information, "{PeerId} is at {Remote} now")]
    public static partial void AddressChanged(this ILogger logger, PeerId peerId, IPEndPoint remote);

    [LoggerMessage(6, LogLevel.Warning, "Where {PeerId} was called, {Proven} answered: if the peer has a new key, connect to its new peer ID")]
    public static partial void IdentityMismatch(this ILogger logger, PeerId peerId, PeerId proven);

    [LoggerMessage(7, LogLevel.Debug, "A handshake with {PeerId} failed: {Reason}")]
    public static partial void AttemptFailed(this ILogger logger, PeerId peerId, CloseReason reason);

    [LoggerMessage(8, LogLevel.Information, "The channel with {PeerId} is closed: {Reason}")]
    public static partial void ChannelClosed(this ILogger logger, PeerId peerId, CloseReason reason);

    [LoggerMessage(9, LogLevel.Information, "{PeerId} at {Remote} is refused")]
    public static partial void Refused(this ILogger logger, PeerId peerId, NetworkAddress remote);

    [LoggerMessage(10, LogLevel.Warning, "Authorize failed for {PeerId}, which is refused")]
    public static partial void AuthorizeFailed(this ILogger logger, Exception error, PeerId peerId);

    [LoggerMessage(11, LogLevel.Error, "A handler of the channel with {PeerId} threw; further exceptions of it are only counted")]
    public static partial void HandlerFailed(this ILogger logger, Exception error, PeerId peerId);

    [LoggerMessage(12, LogLevel.Critical, "The endpoint ends because of a failure that should be impossible: please report it")]
    public static partial void EndpointFailed(this ILogger logger, Exception error);

    [LoggerMessage(13, LogLevel.Information, "{PeerId} on {LocalEndPoint} is closed")]
    public static partial void EndpointClosed(this ILogger logger, PeerId peerId, IPEndPoint localEndPoint);

    [LoggerMessage(14, LogLevel.Warning, "A handler of the channel with {PeerId} took more than 1 ms, in which nothing is received; further times are only counted")]
    public static partial void HandlerStalled(this ILogger logger, PeerId peerId);

    [LoggerMessage(15, LogLevel.Warning, "The ticket store's file {Path} cannot be read, or is none: what it stands for is not served. Restore or remove it")]
    public static partial void UnreadableTicketFile(this ILogger logger, Exception? error, string path);

    [LoggerMessage(16, LogLevel.Warning, "The ticket store failed for {PeerId}, which hears nothing")]
    public static partial void TicketStoreFailed(this ILogger logger, Exception error, PeerId peerId);

    [LoggerMessage(17, LogLevel.Information, "{PeerId} at {Remote} came with a ticket that is refused: {Outcome}")]
    public static partial void TicketRefused(this ILogger logger, PeerId peerId, NetworkAddress remote, TicketOutcome outcome);

    [LoggerMessage(18, LogLevel.Error, "The host's handler threw; its channel with {PeerId} is closed")]
    public static partial void ChannelHandlerFailed(this ILogger logger, Exception error, PeerId peerId);

    [LoggerMessage(19, LogLevel.Debug, "The host's handler ended with its channel with {PeerId}: {Reason}")]
    public static partial void ChannelHandlerEnded(this ILogger logger, PeerId peerId, PacketSecError reason);

    [LoggerMessage(20, LogLevel.Error, "The host's endpoint has ended, and nobody is served any more: restart the host")]
    public static partial void HostedEndpointEnded(this ILogger logger);

    [LoggerMessage(21, LogLevel.Warning, "{Count} handlers go on past the host's shutdown timeout; their channels are closed")]
    public static partial void HandlersGoOn(this ILogger logger, int count);
}
