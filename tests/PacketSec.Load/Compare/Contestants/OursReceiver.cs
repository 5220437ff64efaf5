using System.Net;

namespace PacketSec.Load.Compare.Contestants;

/// <summary>An endpoint whose channels give all datagrams to one handler, which counts and checks them.</summary>
internal static class OursReceiver
{
    private const int QuietMilliseconds = 300;
    private const int GivenUpMilliseconds = 2000;
    private const int PollMilliseconds = 50;

    public static async Task<int> RunAsync(int payload, int seconds, DatagramPath path, int peers, TextWriter output, CancellationToken cancellationToken)
    {
        await WarmUp.RunAsync(payload, path, OursSender.SendBatches, cancellationToken);
        using var identity = PacketSecIdentity.Generate();
        await using var endpoint = PacketSecEndpoint.Bind(new()
        {
            Identity = identity,
            LocalEndPoint = new(IPAddress.Loopback, 0),
            DatagramPath = path,
            DirectScheme = OursSender.Scheme,
            AcceptBacklog = Math.Max(peers, 256),
        });
        var meter = new FloodMeter(payload, seconds);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var accepting = AcceptAsync(endpoint, meter, stop.Token);
        FloodJson.Print(output, new FloodReady(true, endpoint.LocalEndPoint.Port, endpoint.PeerId.ToString()));
        await Task.Factory.StartNew(() => Wait(meter, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await stop.CancelAsync();
        await accepting;
        FloodJson.Print(output, meter.ToReceived());
        return 0;
    }

    public static async Task AcceptAsync(PacketSecEndpoint endpoint, FloodMeter meter, CancellationToken cancellationToken)
    {
        DatagramHandler handler = meter.Delivered;
        try
        {
            while (true)
            {
                var channel = await endpoint.AcceptAsync(cancellationToken);
                channel.OnDatagram(handler);
            }
        }
        catch (OperationCanceledException)
        {
            // The endpoint closes the channels.
        }
    }

    /// <summary>
    /// Waits until nothing comes any more after the window, or for so long that nothing will. In a thread of its own: those of the pool
    /// spin before they sleep, and would take a processor from what is measured.
    /// </summary>
    private static void Wait(FloodMeter meter, CancellationToken cancellationToken)
    {
        long last = 0;
        for (var quiet = 0; last == 0 || quiet < (meter.IsMeasured ? QuietMilliseconds : GivenUpMilliseconds); quiet += PollMilliseconds)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Thread.Sleep(PollMilliseconds);
            var total = meter.Total;
            quiet = total == last ? quiet : 0;
            last = total;
        }
    }
}
