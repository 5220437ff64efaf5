using Microsoft.Extensions.Logging;
using PacketSec.Protocol.Identity;

namespace PacketSec.Libp2p.Hosting;

/// <summary>All that a host ever logs. Numbers are not used again.</summary>
internal static partial class LogMessages
{
    [LoggerMessage(101, LogLevel.Warning, "What serves a stream of {PeerId} failed; the stream is reset")]
    public static partial void HandlerFailed(this ILogger logger, Exception error, PeerId peerId);

    [LoggerMessage(102, LogLevel.Debug, "{PeerId} did not tell of itself: {Reason}")]
    public static partial void NotIdentified(this ILogger logger, PeerId peerId, string reason);

    [LoggerMessage(103, LogLevel.Debug, "A connection with {PeerId} is one too many and is closed")]
    public static partial void Duplicate(this ILogger logger, PeerId peerId);

    [LoggerMessage(104, LogLevel.Warning, "{PeerId} is refused: {Peers} peers are connected, which is the bound")]
    public static partial void TooManyPeers(this ILogger logger, PeerId peerId, int peers);

    [LoggerMessage(105, LogLevel.Debug, "{PeerId} did not take the pushed identity: {Reason}")]
    public static partial void NotPushed(this ILogger logger, PeerId peerId, string reason);

    [LoggerMessage(106, LogLevel.Error, "What listens to Connected failed")]
    public static partial void ListenerFailed(this ILogger logger, Exception error);
}
