using PacketSec.Internal;
using PacketSec.Protocol;

namespace PacketSec.Tests.Internal;

public class ReceiveQueueTests
{
    [Fact]
    public async Task The_queue_agrees_with_a_list_of_copies()
    {
        const int MaxDatagrams = 100;
        const int MaxBytes = 70_000;
        var random = new Random(5);
        var queue = new ReceiveQueue(MaxDatagrams, MaxBytes);
        var model = new Queue<byte[]>();
        var buffer = new byte[3000];
        for (var step = 0; step < 20_000; step++)
        {
            if (random.Next(100) < 52)
            {
                var datagram = new byte[random.Next(1, 2000)];
                random.NextBytes(datagram);
                var fits = model.Count < MaxDatagrams && model.Sum(waiting => waiting.Length) + datagram.Length <= MaxBytes;
                Assert.Equal(fits ? DropReason.None : DropReason.ReceiveQueueFull, queue.Add(datagram));
                if (fits)
                {
                    model.Enqueue(datagram);
                }
            }
            else if (model.TryDequeue(out var expected))
            {
                Assert.Equal(expected, buffer[..await queue.ReceiveAsync(buffer, default)]);
            }
        }
    }

    [Fact]
    public async Task Bytes_are_bounded_to_the_last_one()
    {
        var queue = new ReceiveQueue(10, 100);

        Assert.Equal(DropReason.None, queue.Add(new byte[60]));
        Assert.Equal(DropReason.ReceiveQueueFull, queue.Add(new byte[41]));
        Assert.Equal(DropReason.None, queue.Add(new byte[40]));
        Assert.Equal(DropReason.ReceiveQueueFull, queue.Add(new byte[1]));
        Assert.Equal(60, await queue.ReceiveAsync(new byte[60], default));
        Assert.Equal(DropReason.None, queue.Add(new byte[60]));
    }

    [Fact]
    public async Task A_task_awaited_twice_fails_and_leaves_the_next_call_alone()
    {
        var queue = new ReceiveQueue(10, 100);
        var first = queue.ReceiveAsync(new byte[10], default);
        queue.Add([1]);
        Assert.Equal(1, await first);

        var second = queue.ReceiveAsync(new byte[10], default);
#pragma warning disable CA2012 // The mistake is what is tested.
        Assert.Throws<InvalidOperationException>(() => first.GetAwaiter().GetResult());
#pragma warning restore CA2012
        await Assert.ThrowsAsync<InvalidOperationException>(() => queue.ReceiveAsync(new byte[10], default).AsTask());
        queue.Add([2, 3]);
        Assert.Equal(2, await second);
    }

    [Fact]
    public async Task After_the_end_what_waits_is_received_first_unless_it_is_given_up()
    {
        var kept = new ReceiveQueue(10, 100);
        var discarded = new ReceiveQueue(10, 100);
        kept.Add([1]);
        discarded.Add([1]);

        kept.End(() => new InvalidDataException(), discard: false);
        discarded.End(() => new InvalidDataException(), discard: true);

        Assert.Equal(1, await kept.ReceiveAsync(new byte[10], default));
        await Assert.ThrowsAsync<InvalidDataException>(() => kept.ReceiveAsync(new byte[10], default).AsTask());
        await Assert.ThrowsAsync<InvalidDataException>(() => discarded.ReceiveAsync(new byte[10], default).AsTask());
        Assert.Equal(DropReason.ChannelClosed, kept.Add([2]));
    }
}
