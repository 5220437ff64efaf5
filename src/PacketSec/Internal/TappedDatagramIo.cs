using PacketSec.Udp;

namespace PacketSec.Internal;

/// <summary>
/// A socket whose datagrams a tap sees. It stands around the socket, so that an endpoint without a tap pays nothing for the possibility.
/// </summary>
/// <param name="io">The socket.</param>
/// <param name="tap">What sees its datagrams.</param>
/// <param name="time">The clock.</param>
/// <param name="gate">Held while a datagram is sent, so that its answer is never seen before it; the same for all sockets of an endpoint.</param>
internal sealed class TappedDatagramIo(IDatagramIo io, IDatagramTap tap, TimeProvider time, Lock gate) : IDatagramIo
{
    public static IDatagramIo[] Around(IDatagramIo[] sockets, IDatagramTap tap, TimeProvider time)
    {
        var gate = new Lock();
        return [.. sockets.Select(io => new TappedDatagramIo(io, tap, time, gate))];
    }

    public UdpAddress LocalAddress => io.LocalAddress;

    public string PathName => io.PathName;

    public bool ChoosesSource => io.ChoosesSource;

    public IReadOnlyList<UdpWarning> Warnings => io.Warnings;

    public DatagramIoCounters Counters => io.Counters;

    public SendStatus Send(in UdpAddress local, in UdpAddress remote, ReadOnlySpan<byte> datagram)
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            var status = io.Send(local, remote, datagram);
            if (status == SendStatus.Sent)
            {
                Show(TapDirection.Sent, now, local, remote, datagram);
            }

            return status;
        }
    }

    public void Send(SendBatch batch)
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            io.Send(batch);
            foreach (ref readonly var group in batch.Groups)
            {
                for (var i = 0; i < group.Segments; i++)
                {
                    if (group.WasSent(i))
                    {
                        var datagram = batch.BytesOf(group)[(i * group.SegmentSize)..];
                        Show(TapDirection.Sent, now, group.Local, group.Remote, datagram[..Math.Min(datagram.Length, group.SegmentSize)]);
                    }
                }
            }
        }
    }

    public ReceiveBatch CreateReceiveBatch() => io.CreateReceiveBatch();

    public ReceiveStatus Receive(ReceiveBatch batch, int timeoutMilliseconds)
    {
        var status = io.Receive(batch, timeoutMilliseconds);
        if (batch.Count > 0)
        {
            lock (gate)
            {
                var now = time.GetUtcNow();
                for (var i = 0; i < batch.Count; i++)
                {
                    ref readonly var piece = ref batch[i];
                    ShowReceived(now, piece, batch.BytesOf(piece));
                }
            }
        }

        return status;
    }

    public void Wake() => io.Wake();

    public void Dispose() => io.Dispose();

    private void ShowReceived(DateTimeOffset now, in ReceivedSegments piece, ReadOnlySpan<byte> datagrams)
    {
        // An empty datagram is one, too.
        do
        {
            var datagram = datagrams[..Math.Min(datagrams.Length, piece.SegmentSize)];
            datagrams = datagrams[datagram.Length..];
            Show(TapDirection.Received, now, piece.Local, piece.Remote, datagram);
        }
        while (!datagrams.IsEmpty);
    }

    private void Show(TapDirection direction, DateTimeOffset now, in UdpAddress local, in UdpAddress remote, ReadOnlySpan<byte> datagram)
    {
        // What was sent without a wish for an address names no port either.
        var own = local.IsUnspecified ? io.LocalAddress : local.WithPort(io.LocalAddress.Port);
        tap.OnDatagram(direction, now, own.ToEndPoint(), remote.ToEndPoint(), datagram);
    }
}
