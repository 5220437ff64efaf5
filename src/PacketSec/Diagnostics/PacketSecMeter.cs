using System.Diagnostics.Metrics;
using PacketSec.Internal;

namespace PacketSec.Diagnostics;

/// <summary>The meter <c>PacketSec</c>: sums over all endpoints of the process, read when somebody looks. Thread-safe.</summary>
internal static class PacketSecMeter
{
    private static readonly Meter Meter = new("PacketSec");
    private static readonly Lock Gate = new();
    private static readonly HashSet<EndpointDriver> Live = [];
    private static readonly EndpointTotals Past = new();

    static PacketSecMeter()
    {
        Meter.CreateObservableCounter("packetsec.datagrams.sent", () => Collect().DatagramsSent, "{datagram}", "Datagrams of applications sent");
        Meter.CreateObservableCounter("packetsec.bytes.sent", () => Collect().BytesSent, "By", "Their payload");
        Meter.CreateObservableCounter("packetsec.datagrams.received", () => Collect().DatagramsReceived, "{datagram}", "Authentic datagrams received");
        Meter.CreateObservableCounter("packetsec.bytes.received", () => Collect().BytesReceived, "By", "Their payload");
        Meter.CreateObservableCounter("packetsec.sessions", () => Collect().Sessions, "{session}", "Sessions confirmed");
        Meter.CreateObservableCounter("packetsec.handshakes.begun", () => Collect().HandshakesBegun, "{handshake}", "First messages of others answered");
        Meter.CreateObservableCounter("packetsec.handshakes.finished", () => Collect().HandshakesFinished, "{handshake}", "Handshakes of others completed");
        Meter.CreateObservableCounter("packetsec.drops", CollectDrops, "{datagram}", "Datagrams dropped, by reason");
    }

    public static void Add(EndpointDriver endpoint)
    {
        lock (Gate)
        {
            Live.Add(endpoint);
        }
    }

    /// <summary>Removes an endpoint; its counts stay.</summary>
    public static void Remove(EndpointDriver endpoint)
    {
        lock (Gate)
        {
            if (Live.Remove(endpoint))
            {
                Past.Add(endpoint.CollectTotals());
            }
        }
    }

    private static EndpointTotals Collect()
    {
        var totals = new EndpointTotals();
        lock (Gate)
        {
            totals.Add(Past);
            foreach (var endpoint in Live)
            {
                totals.Add(endpoint.CollectTotals());
            }
        }

        return totals;
    }

    private static IEnumerable<Measurement<long>> CollectDrops()
        => Collect().Drops.Select(drop => new Measurement<long>(drop.Value, new KeyValuePair<string, object?>("reason", drop.Key.ToString())));
}
