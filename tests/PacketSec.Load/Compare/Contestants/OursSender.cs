using System.Net;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;

namespace PacketSec.Load.Compare.Contestants;

/// <summary>Sends through the public API as fast as it takes datagrams, in batches or one by one.</summary>
internal static class OursSender
{
    public const string Scheme = "p2pke-1";

    private const int LargestSend = 65_507;

    /// <summary>As many datagrams as one system call takes, which is what the program in C sends, too.</summary>
    public static int BatchOf(int payload) => Math.Min(LargestSend / (payload + SpecLimits.DatagramOverhead), 64);

    public static async Task<int> RunAsync(
        int payload, int seconds, DatagramPath path, bool batches, int port, string peer, TextWriter output, CancellationToken cancellationToken)
    {
        var send = batches ? new Action<PacketSecChannel, FloodMeter, int>(SendBatches) : SendSingle;
        await WarmUp.RunAsync(payload, path, send, cancellationToken);
        using var identity = PacketSecIdentity.Generate();
        await using var endpoint = PacketSecEndpoint.Bind(WarmUp.OptionsFor(identity, payload, path));
        await using var channel = await endpoint.ConnectAsync(new(IPAddress.Loopback, port), PeerId.Parse(peer), cancellationToken);
        var meter = new FloodMeter(payload, seconds);
        await Task.Factory.StartNew(
            () => send(channel, meter, payload), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        FloodJson.Print(output, meter.ToSent());
        return 0;
    }

    public static void SendBatches(PacketSecChannel channel, FloodMeter meter, int payload)
    {
        var count = BatchOf(payload);
        var payloads = new byte[count][];
        var batch = new ReadOnlyMemory<byte>[count];
        var results = new SendResult[count];
        for (var i = 0; i < count; i++)
        {
            batch[i] = payloads[i] = FloodPayload.Create(payload);
        }

        for (long index = 0; !meter.SenderIsDone;)
        {
            for (var i = 0; i < count; i++)
            {
                FloodPayload.SetIndex(payloads[i], index++);
            }

            if (channel.TrySend(batch, results) < count)
            {
                Repeat(channel, batch, results);
            }

            meter.Sent(count);
        }
    }

    /// <summary>Sends again what found the system's buffer full.</summary>
    private static void Repeat(PacketSecChannel channel, ReadOnlyMemory<byte>[] batch, SendResult[] results)
    {
        for (var i = 0; i < batch.Length; i++)
        {
            while (results[i] is not (SendResult.Sent or SendResult.Queued))
            {
                Wait(results[i]);
                results[i] = channel.TrySend(batch[i].Span);
            }
        }
    }

    private static void SendSingle(PacketSecChannel channel, FloodMeter meter, int payload)
    {
        var datagram = FloodPayload.Create(payload);
        for (long index = 0; !meter.SenderIsDone;)
        {
            for (var i = 0; i < FloodMeter.LookEvery; i++)
            {
                FloodPayload.SetIndex(datagram, index++);
                while (channel.TrySend(datagram) is var result && result is not (SendResult.Sent or SendResult.Queued))
                {
                    Wait(result);
                }

                meter.Sent(1);
            }
        }
    }

    private static void Wait(SendResult result)
    {
        if (result != SendResult.QueueFull)
        {
            throw new InvalidOperationException($"A datagram was refused: {result}.");
        }

        Thread.Yield();
    }
}
