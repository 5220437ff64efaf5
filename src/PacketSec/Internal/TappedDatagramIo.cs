using PacketSec.Udp;

namespace PacketSec.Internal;

/// <summary>
/// A socket whose datagrams a tap sees. It stands around the socket, so that an endpoint without a tap pays nothing for the possibility.
/// </summary>
internal sealed class TappedDatagramIo(IDatagramIo io, IDatagramTap tap, TimeProvider time) : IDatagramIo
{
    // Held while a datagram is sent, so that its answer is never seen before it.
    private readonly Lock _gate = new();

    public UdpAddress LocalAddress => io.LocalAddress;

    public string PathName => io.PathName;

    public bool ChoosesSource => io.ChoosesSource;

    public IReadOnlyList<UdpWarning> Warnings => io.Warnings;

    public DatagramIoCounters Counters => io.Counters;

    public SendStatus Send(in UdpAddress local, in UdpAddress remote, ReadOnlySpan<byte> datagram)
    {
        lock (_gate)
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

    public ReceiveStatus Receive(Span<byte> buffer, out ReceivedDatagram info) => Shown(io.Receive(buffer, out info), buffer, info);

    public ReceiveStatus Receive(Span<byte> buffer, int timeoutMilliseconds, out ReceivedDatagram info)
        => Shown(io.Receive(buffer, timeoutMilliseconds, out info), buffer, info);

    public void Wake() => io.Wake();

    public void Dispose() => io.Dispose();

    private ReceiveStatus Shown(ReceiveStatus status, ReadOnlySpan<byte> buffer, in ReceivedDatagram info)
    {
        if (status == ReceiveStatus.Datagram)
        {
            lock (_gate)
            {
                Show(TapDirection.Received, time.GetUtcNow(), info.Local, info.Remote, buffer[..info.Length]);
            }
        }

        return status;
    }

    private void Show(TapDirection direction, DateTimeOffset now, in UdpAddress local, in UdpAddress remote, ReadOnlySpan<byte> datagram)
    {
        // What was sent without a wish for an address names no port either.
        var own = local.IsUnspecified ? io.LocalAddress : local.WithPort(io.LocalAddress.Port);
        tap.OnDatagram(direction, now, own.ToEndPoint(), remote.ToEndPoint(), datagram);
    }
}
