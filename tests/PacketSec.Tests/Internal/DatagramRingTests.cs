using PacketSec.Internal;
using PacketSec.Protocol;

namespace PacketSec.Tests.Internal;

public class DatagramRingTests
{
    private static readonly PathAddress Path = new(default, new(0xFFFF_7F00_0001, 9));

    [Fact]
    public void The_ring_agrees_with_a_queue_of_copies()
    {
        const int Bytes = 4_000;
        const int Datagrams = 12;
        var random = new Random(4);
        var ring = new DatagramRing(Bytes, Datagrams);
        var model = new Queue<byte[]>();
        var refusedByBytes = 0;
        for (var step = 0; step < 50_000; step++)
        {
            if (random.Next(100) < 55)
            {
                var datagram = new byte[random.Next(0, 900)];
                random.NextBytes(datagram);
                var waiting = model.Sum(one => one.Length);
                var added = ring.TryAdd(Path, datagram);
                if (added)
                {
                    model.Enqueue(datagram);
                }

                // A gap at the end, and one byte, may be lost; a datagram over the bounds is never taken.
                Assert.True(added || model.Count == Datagrams || waiting + (2 * datagram.Length) >= Bytes - 1 || waiting + 900 + datagram.Length >= Bytes - 1);
                Assert.True(!added || (model.Count <= Datagrams && waiting + datagram.Length <= Bytes));
                refusedByBytes += added || model.Count == Datagrams ? 0 : 1;
            }
            else if (ring.TryPeek(out var path, out var first))
            {
                Assert.Equal(Path, path);
                Assert.Equal(model.Dequeue(), first);
                ring.Remove();
            }
            else
            {
                Assert.Empty(model);
            }

            Assert.Equal(model.Count, ring.Count);
        }

        Assert.InRange(refusedByBytes, 100, int.MaxValue);
    }

    [Fact]
    public void Its_bounds_are_exact()
    {
        var ring = new DatagramRing(100, 3);

        Assert.False(ring.TryAdd(Path, new byte[101]));
        Assert.True(ring.TryAdd(Path, new byte[100]));
        Assert.False(ring.TryAdd(Path, new byte[1]));
        Assert.True(ring.TryAdd(Path, default));
        Assert.True(ring.TryAdd(Path, default));
        Assert.False(ring.TryAdd(Path, default));
        ring.Clear();
        Assert.False(ring.TryPeek(out _, out _));
        Assert.True(ring.TryAdd(Path, new byte[100]));
    }

    [Fact]
    public void One_thread_adds_and_another_takes()
    {
        const int Count = 200_000;
        var ring = new DatagramRing(10_000, 50);
        var failures = 0;
        var taker = new Thread(() =>
        {
            for (var next = 0; next < Count;)
            {
                if (ring.TryPeek(out _, out var datagram))
                {
                    failures += datagram.Length == next % 700 && datagram.IndexOfAnyExcept(unchecked((byte)next)) < 0 ? 0 : 1;
                    ring.Remove();
                    next++;
                }
                else
                {
                    Thread.Yield();
                }
            }
        });
        taker.Start();
        var buffer = new byte[700];
        for (var i = 0; i < Count; i++)
        {
            var datagram = buffer.AsSpan(0, i % 700);
            datagram.Fill(unchecked((byte)i));
            while (!ring.TryAdd(Path, datagram))
            {
                Thread.Yield();
            }
        }

        taker.Join();
        Assert.Equal(0, failures);
    }
}
