using PacketSec.Udp;

namespace PacketSec.Tests.Udp;

/// <summary>A datagram that a test received.</summary>
internal sealed record Arrived(byte[] Bytes, UdpAddress Remote, UdpAddress Local);

/// <summary>Takes datagrams from a socket one by one, however they arrive.</summary>
internal sealed class Inbox(IDatagramIo io)
{
    private readonly ReceiveBatch _batch = io.CreateReceiveBatch();
    private readonly Queue<Arrived> _arrived = [];

    /// <summary>Waits for the next datagram.</summary>
    public Arrived Receive()
    {
        while (_arrived.Count == 0)
        {
            // A wait may end early by itself, for instance by the rest of a wake-up.
            ReceiveStatus status = Wait(SocketsCollection.CeilingMilliseconds);
            Assert.True(status is ReceiveStatus.Received or ReceiveStatus.Woken, $"The wait ended with {status}.");
        }

        return _arrived.Dequeue();
    }

    /// <summary>Waits for so many datagrams at several sockets, and tells which came to which.</summary>
    public static List<List<Arrived>> ReceiveAll(IEnumerable<IDatagramIo> sockets, int datagrams)
    {
        List<Inbox> inboxes = [.. sockets.Select(s => new Inbox(s))];
        bool enough = SpinWait.SpinUntil(
            () =>
            {
                inboxes.ForEach(i => i.Wait(0));
                return inboxes.Sum(i => i._arrived.Count) >= datagrams;
            },
            SocketsCollection.CeilingMilliseconds);
        Assert.True(enough, "Datagrams are missing.");
        // One that arrived twice would be there by now.
        inboxes.ForEach(i => i.Wait(0));
        return [.. inboxes.Select(i => i._arrived.ToList())];
    }

    /// <summary>Receives once.</summary>
    public ReceiveStatus Wait(int timeoutMilliseconds)
    {
        ReceiveStatus status = io.Receive(_batch, timeoutMilliseconds);
        Assert.Equal(status == ReceiveStatus.Received, _batch.Count > 0);
        for (int i = 0; i < _batch.Count; i++)
        {
            ref readonly ReceivedSegments piece = ref _batch[i];
            ReadOnlySpan<byte> left = _batch.BytesOf(piece);
            Assert.InRange(piece.SegmentSize, Math.Min(1, left.Length), left.Length);
            do
            {
                int length = Math.Min(piece.SegmentSize, left.Length);
                _arrived.Enqueue(new(left[..length].ToArray(), piece.Remote, piece.Local));
                left = left[length..];
            }
            while (!left.IsEmpty);
        }

        return status;
    }
}
