using PacketSec.Protocol;
using PacketSec.Udp;

namespace PacketSec.Internal;

/// <content>The way out, on the application's own threads.</content>
internal sealed partial class EndpointDriver
{
    /// <summary>The most datagrams sealed under one hold of a peer's gate, which its received datagrams wait for.</summary>
    private const int SealRun = 64;

    /// <summary>Seals and sends datagrams, with one system call for as many as fit in a batch.</summary>
    /// <param name="datagrams">The datagrams, none of them empty.</param>
    /// <param name="results">What became of each, or empty.</param>
    /// <returns>How many were sent or queued.</returns>
    public int Send<TDatagrams>(TDatagrams datagrams, Span<SendResult> results)
        where TDatagrams : IOutgoingDatagrams, allows ref struct
    {
        if (datagrams.Count == 0)
        {
            return 0;
        }

        var taken = 0;
        var context = SendContexts.Rent();
        try
        {
            var batch = context.Batch;
            batch.Clear();
            var sealedCount = 0;
            Shard? shard = null;

            // Once for what leaves together: with a peer for each datagram, the clock would cost as much as a gate.
            var now = Clock.Now;
            for (var i = 0; i < datagrams.Count;)
            {
                datagrams.LookAhead(i);
                var peer = datagrams.PeerOf(i);
                if (batch.IsFull || (shard is not null && peer.Shard != shard))
                {
                    taken += Flush(shard!, context, sealedCount, results);
                    sealedCount = 0;
                    now = Clock.Now;
                }

                shard = peer.Shard;
                i = SealFor(now, peer, datagrams, i, context, results, ref sealedCount, ref taken, out var flush);
                if (flush)
                {
                    taken += Flush(shard, context, sealedCount, results);
                    sealedCount = 0;
                    now = Clock.Now;
                }
            }

            taken += Flush(shard!, context, sealedCount, results);
        }
        finally
        {
            SendContexts.Return(context);
        }

        return taken;
    }

    /// <summary>Seals the datagrams of one peer that stand together, as far as the batch has room.</summary>
    private int SealFor<TDatagrams>(
        Instant now, PeerDriver peer, TDatagrams datagrams, int first, SendContext context, Span<SendResult> results, ref int sealedCount, ref int taken,
        out bool flush)
        where TDatagrams : IOutgoingDatagrams, allows ref struct
    {
        var batch = context.Batch;
        var i = first;
        var end = Math.Min(datagrams.Count, first + SealRun);
        var notify = false;
        PathAddress lastPath = default;
        UdpAddress local = default, remote = default;
        flush = false;
        lock (peer.Gate)
        {
            for (; i < end && datagrams.PeerOf(i) == peer; i++)
            {
                var payload = datagrams.PayloadOf(i);
                if (batch.Free.Length < Math.Min(payload.Length, peer.Machine.MaxPayload) + peer.Machine.DatagramOverhead || batch.IsFull)
                {
                    flush = true;
                    break;
                }

                var length = 0;
                PathAddress path = default;
                var sealing = peer.IsOver ? SealResult.Closed : peer.Machine.TrySeal(now, context.Aead, payload, batch.Free, out length, out path);
                if (sealing == SealResult.Sealed)
                {
                    if (path != lastPath)
                    {
                        (lastPath, local, remote) = (path, path.Local.ToUdpAddress(), path.Remote.ToUdpAddress());
                    }

                    context.Origins[sealedCount++] = i;
                    batch.Append(local, remote, length);
                    continue;
                }

                notify |= sealing == SealResult.Queued;
                taken += sealing == SealResult.Queued ? 1 : 0;
                if (!results.IsEmpty)
                {
                    results[i] = ToSendResult(sealing);
                }
            }

            notify |= !peer.IsOver && peer.IsTooLateFor(peer.Machine.NextDeadline);
        }

        if (notify)
        {
            Notify(peer);
        }

        return i;
    }

    /// <summary>Sends what is in the batch, and empties it.</summary>
    /// <returns>How many datagrams the system took.</returns>
    private int Flush(Shard shard, SendContext context, int count, Span<SendResult> results)
    {
        var batch = context.Batch;
        if (count == 0)
        {
            return 0;
        }

        shard.Io.Send(batch);
        var taken = 0;
        var next = 0;
        foreach (ref readonly var group in batch.Groups)
        {
            var segments = group.Segments;
            for (var i = 0; i < segments; i++)
            {
                var result = group.WasSent(i) ? SendResult.Sent : ToSendResult(group.Status);
                taken += result == SendResult.Sent ? 1 : 0;
                if (!results.IsEmpty)
                {
                    results[context.Origins[next]] = result;
                }

                next++;
            }

            if (group.Sent < segments)
            {
                CountSendFailures(segments - group.Sent);
            }
        }

        batch.Clear();
        return taken;
    }

    /// <summary>Tells what became of a datagram: what the network may lose is "sent"; that this machine cannot is told.</summary>
    public static SendResult ToSendResult(SendStatus status) => status switch
    {
        SendStatus.Sent => SendResult.Sent,
        SendStatus.WouldBlock => SendResult.QueueFull,
        SendStatus.TooLarge => SendResult.TooLarge,
        SendStatus.Closed => SendResult.Closed,
        SendStatus.Unreachable or SendStatus.Failed => SendResult.Sent,
    };

    public static SendResult ToSendResult(SealResult result) => result switch
    {
        SealResult.Sealed => SendResult.Sent,
        SealResult.Queued => SendResult.Queued,
        SealResult.QueueFull => SendResult.QueueFull,
        SealResult.TooLarge => SendResult.TooLarge,
        SealResult.Closed => SendResult.Closed,
    };
}
