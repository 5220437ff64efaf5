using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using PacketSec.Load.Compare.Contestants;
using PacketSec.Protocol.Identity;

namespace PacketSec.Load.Storm;

/// <summary>An established flow: datagrams that carry the time of their sending, which both processes read from the same clock.</summary>
internal static class StormFlow
{
    public const int Payload = 1200;

    /// <summary>Sends until the standard input ends.</summary>
    /// <param name="port">The listener's port.</param>
    /// <param name="peer">Its identity.</param>
    /// <param name="rate">Datagrams per second; 0 is as many as go.</param>
    /// <param name="input">The standard input.</param>
    /// <param name="cancellationToken">Ends the dial.</param>
    public static async Task<int> RunAsync(int port, string peer, int rate, TextReader input, CancellationToken cancellationToken)
    {
        await WarmUp.RunAsync(Payload, DatagramPath.Automatic, OursSender.SendBatches, cancellationToken);
        using var identity = PacketSecIdentity.Generate();
        await using var endpoint = PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = new(IPAddress.Loopback, 0) });
        await using var channel = await endpoint.ConnectAsync(new(IPAddress.Loopback, port), PeerId.Parse(peer), cancellationToken);
        var over = false;
        var sender = new Thread(() => Send(channel, rate, ref over));
        sender.Start();
        await input.ReadToEndAsync(cancellationToken);
        Volatile.Write(ref over, true);
        sender.Join();
        return 0;
    }

    private static void Send(PacketSecChannel channel, int rate, ref bool over)
    {
        var count = rate == 0 ? OursSender.BatchOf(Payload) : rate / 1000;
        var payload = FloodPayload.Create(Payload);
        var batch = new ReadOnlyMemory<byte>[count];
        Array.Fill(batch, payload);
        var due = Stopwatch.GetTimestamp();
        while (!Volatile.Read(ref over))
        {
            BinaryPrimitives.WriteInt64LittleEndian(payload, Stopwatch.GetTimestamp());
            if (channel.TrySend(batch) < count)
            {
                Thread.Yield();
            }

            // Asleep and not in a loop, which would take a processor from what is measured. What was missed meanwhile is made up for.
            for (due += Stopwatch.Frequency / 1000; rate > 0 && Stopwatch.GetTimestamp() < due;)
            {
                Thread.Sleep(1);
            }
        }
    }
}
