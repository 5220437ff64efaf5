using System.Diagnostics;
using PacketSec.Internal;
using PacketSec.Protocol.Streams;

namespace PacketSec.Diagnostics;

/// <summary>
/// The activity source <c>PacketSec</c>: an activity for each connection, from its beginning to its end. Listeners are called on the thread pool and never
/// where packets are handled; where there are none, nothing is done.
/// </summary>
internal static class PacketSecActivities
{
    public const string ConnectionName = "packetsec.connection";

    private static readonly ActivitySource Source = new("PacketSec");

    /// <summary>Follows a connection that begins now. The caller's activity is its parent.</summary>
    public static void Follow(ConnectionDriver connection, StreamSide side)
    {
        if (Source.HasListeners())
        {
            var begun = DateTimeOffset.UtcNow;
            _ = Task.Run(() => FollowAsync(connection, side, begun));
        }
    }

    private static async Task FollowAsync(ConnectionDriver connection, StreamSide side, DateTimeOffset begun)
    {
        var channel = connection.Channel;
        using var activity = Source.StartActivity(ActivityKind.Internal, startTime: begun, name: ConnectionName, tags:
        [
            new("packetsec.peer", channel.RemotePeerId.ToString()),
            new("packetsec.scheme", channel.Scheme),
            new("packetsec.side", side == StreamSide.Even ? "even" : "odd"),
        ]);
        if (activity is null)
        {
            return;
        }

        var end = await connection.Closed.ConfigureAwait(false);
        var statistics = connection.GetStatistics();
        activity.SetTag("packetsec.stream_bytes.sent", statistics.StreamBytesSent);
        activity.SetTag("packetsec.stream_bytes.received", statistics.StreamBytesReceived);
        activity.SetTag("packetsec.packets.lost", statistics.PacketsLost);
        activity.SetTag("packetsec.close.code", end.Code);
        activity.SetTag("packetsec.close.error", end.Error?.ToString());

        // The words of a close are the peer's and stay out of it.
        activity.SetStatus(
            end is { Error: null } or { Error: PacketSecConnectionError.ClosedByPeer, Code: 0 } ? ActivityStatusCode.Ok : ActivityStatusCode.Error,
            end.Error?.ToString());
    }
}
