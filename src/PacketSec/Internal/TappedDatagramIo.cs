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
                var sent = Math.Min(group.Sent * group.SegmentSize, group.Length);
                ShowEach(TapDirection.Sent, now, group.Local, group.Remote, batch.BytesOf(group)[..sent], group.SegmentSize);
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
                    ShowEach(TapDirection.Received, now, piece.Local, piece.Remote, batch.BytesOf(piece), piece.SegmentSize);
                }
            }
        }

        return status;
    }

    public void Wake() => io.Wake();

    public void Dispose() => io.Dispose();

    private void ShowEach(
        TapDirection direction, DateTimeOffset now, in UdpAddress local, in UdpAddress remote, ReadOnlySpan<byte> datagrams, int size)
    {
        if (datagrams.IsEmpty && direction == TapDirection.Received)
        {
            Show(direction, now, local, remote, datagrams);
        }

        while (!datagrams.IsEmpty)
        {
            var datagram = datagrams[..Math.Min(datagrams.Length, size)];
            datagrams = datagrams[datagram.Length..];
            Show(direction, now, local, remote, datagram);
        }
    }

    private void Show(TapDirection direction, DateTimeOffset now, in UdpAddress local, in UdpAddress remote, ReadOnlySpan<byte> datagram)
    {
        // What was sent without a wish for an address names no port either.
        var own = local.IsUnspecified ? io.LocalAddress : local.WithPort(io.LocalAddress.Port);
        tap.OnDatagram(direction, now, own.ToEndPoint(), remote.ToEndPoint(), datagram);
    }
}
