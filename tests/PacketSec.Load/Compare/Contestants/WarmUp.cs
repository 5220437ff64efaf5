using System.Net;
using PacketSec.Protocol;

namespace PacketSec.Load.Compare.Contestants;

/// <summary>
/// Has this process send to itself until the runtime has compiled what the contest runs, so that the contest measures a program that serves and not a
/// compiler that works beside it on the same processors. The programs in C are compiled before.
/// </summary>
internal static class WarmUp
{
    private const int Peers = 64;

    // The compiler takes up what has come in calls of the last 100 ms, method by method.
    private static readonly TimeSpan CompilerRest = TimeSpan.FromMilliseconds(500);

    /// <summary>The options of an endpoint that sends payloads of a size, which may be more than goes everywhere.</summary>
    public static PacketSecEndpointOptions OptionsFor(PacketSecIdentity identity, int payload, DatagramPath path) => new()
    {
        Identity = identity,
        LocalEndPoint = new(IPAddress.Loopback, 0),
        DatagramPath = path,
        MaxUdpPayload = Math.Max(payload + SpecLimits.DatagramOverhead, ImplementationLimits.DatagramSize),
    };

    /// <summary>The same for many peers that send in turn.</summary>
    public static async Task RunPeersAsync(int payload, int burst, CancellationToken cancellationToken)
    {
        using var identity = PacketSecIdentity.Generate();
        await using var endpoint = PacketSecEndpoint.Bind(OptionsFor(identity, payload, DatagramPath.Automatic) with { DirectScheme = OursSender.Scheme });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var accepting = OursReceiver.AcceptAsync(endpoint, new FloodMeter(payload, 1), stop.Token);
        await Task.Factory.StartNew(
            () =>
            {
                using var flood = new PeersFlood(payload, Peers, burst, endpoint.LocalEndPoint.Port, endpoint.PeerId);
                flood.Run(1);
            },
            cancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        await stop.CancelAsync();
        await accepting;
        await Task.Delay(CompilerRest, cancellationToken);
    }

    public static async Task RunAsync(int payload, DatagramPath path, Action<PacketSecChannel, FloodMeter, int> send, CancellationToken cancellationToken)
    {
        using var identity = PacketSecIdentity.Generate();
        using var senderIdentity = PacketSecIdentity.Generate();
        await using var endpoint = PacketSecEndpoint.Bind(OptionsFor(identity, payload, path));
        await using var sender = PacketSecEndpoint.Bind(OptionsFor(senderIdentity, payload, path));
        await using var channel = await sender.ConnectAsync(endpoint.LocalEndPoint, endpoint.PeerId, cancellationToken);
        await using var accepted = await endpoint.AcceptAsync(cancellationToken);
        accepted.OnDatagram(new FloodMeter(payload, 1).Delivered);
        await Task.Factory.StartNew(
            () => send(channel, new FloodMeter(payload, 1), payload), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await Task.Delay(CompilerRest, cancellationToken);
    }
}
