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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_came_beside_a_reservation_before_the_end_is_received_after_it(bool calledAfterTheEnd)
    {
        var queue = new ReceiveQueue(10, 100);
        Assert.True(queue.TryReserve(1, 10, out _));
        var call = calledAfterTheEnd ? default : queue.ReceiveAsync(new byte[10], default);
        Assert.Equal(DropReason.None, queue.Add([1, 2]));
        queue.End(() => new IOException("over"), discard: false);
        call = calledAfterTheEnd ? queue.ReceiveAsync(new byte[10], default) : call;
        Assert.Equal(DropReason.ChannelClosed, queue.Commit([3]));

        Assert.Equal(2, await call);
        await Assert.ThrowsAsync<IOException>(() => queue.ReceiveAsync(new byte[10], default).AsTask());
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

    [Fact]
    public void Reservations_loans_and_copies_agree_with_a_list_of_copies()
    {
        const int MaxDatagrams = 60;
        const int MaxBytes = 50_000;
        var random = new Random(6);
        var queue = new ReceiveQueue(MaxDatagrams, MaxBytes);
        var model = new Queue<byte[]>();
        byte[]? lent = null;
        ReadOnlyMemory<byte> loan = default;
        for (var step = 0; step < 30_000; step++)
        {
            var what = random.Next(100);
            if (what < 30)
            {
                var datagrams = MakeAll(random.Next(1, 8));
                var most = datagrams.Sum(datagram => datagram.Length) + random.Next(100);
                var fits = model.Count + datagrams.Length <= MaxDatagrams && model.Sum(one => one.Length) + most <= MaxBytes;
                Assert.Equal(fits, queue.TryReserve(datagrams.Length, most, out var room));
                if (!fits)
                {
                    continue;
                }

                Assert.Equal(most, room.Length);
                Assert.False(queue.TryReserve(1, 1, out _));
                var late = random.Next(4) == 0 ? MakeAll(1)[0] : null;
                if (late is not null && queue.Add(late) != DropReason.None)
                {
                    late = null;
                }

                var kept = random.Next(datagrams.Length + 1);
                foreach (var datagram in datagrams[..kept])
                {
                    datagram.CopyTo(room);
                    room = room[datagram.Length..];
                    model.Enqueue(datagram);
                }

                Assert.Equal(DropReason.None, queue.Commit(datagrams[..kept].Select(datagram => datagram.Length).ToArray()));
                if (late is not null)
                {
                    model.Enqueue(late);
                }
            }
            else if (what < 45)
            {
                var datagram = MakeAll(1)[0];
                var fits = model.Count < MaxDatagrams && model.Sum(one => one.Length) + datagram.Length <= MaxBytes;
                Assert.Equal(fits ? DropReason.None : DropReason.ReceiveQueueFull, queue.Add(datagram));
                if (fits)
                {
                    model.Enqueue(datagram);
                }
            }
            else
            {
                // What was lent before is intact until now, whatever came meanwhile.
                Assert.True(lent is null || loan.Span.SequenceEqual(lent));
                Assert.Equal(model.TryDequeue(out lent), queue.TryRead(out loan));
                Assert.Equal(lent ?? [], loan.ToArray());
            }

            Assert.Equal(model.Count, queue.Count);
        }

        byte[][] MakeAll(int count) => [.. Enumerable.Range(0, count).Select(_ =>
        {
            var datagram = new byte[random.Next(1, 1500)];
            random.NextBytes(datagram);
            return datagram;
        })];
    }

    [Fact]
    public void What_is_lent_stays_as_it_is_when_nothing_else_waits()
    {
        var queue = new ReceiveQueue(10, 10_000);
        queue.Add(Enumerable.Repeat((byte)1, 100).ToArray());
        Assert.True(queue.TryRead(out var first));

        Assert.True(queue.TryReserve(1, 200, out var room));
        room.Fill(2);
        Assert.Equal(DropReason.None, queue.Commit([150]));
        Assert.Equal(Enumerable.Repeat((byte)1, 100), first.ToArray());
        Assert.True(queue.TryRead(out var second));
        queue.Add(Enumerable.Repeat((byte)3, 100).ToArray());
        Assert.Equal(Enumerable.Repeat((byte)2, 150), second.ToArray());
        Assert.True(queue.TryRead(out var third));
        Assert.Equal(Enumerable.Repeat((byte)3, 100), third.ToArray());
    }

    [Fact]
    public async Task A_call_that_waits_gets_what_is_committed()
    {
        var queue = new ReceiveQueue(10, 1000);
        var reading = queue.ReadAsync(default);
        Assert.True(queue.TryReserve(2, 20, out var room));
        Assert.Equal(DropReason.None, queue.Add([7]));
        Assert.False(reading.IsCompleted);
        room[..3].Fill(5);
        Assert.Equal(DropReason.None, queue.Commit([2, 1]));
        Assert.Equal([5, 5], (await reading).ToArray());
        Assert.True(queue.TryRead(out var next));
        Assert.Equal([5], next.ToArray());
        Assert.Equal(1, await queue.ReceiveAsync(new byte[1], default));

        // A reservation that came to nothing completes nothing, but for what was added meanwhile.
        var receiving = queue.ReceiveAsync(new byte[10], default);
        Assert.True(queue.TryReserve(1, 10, out _));
        Assert.Equal(DropReason.None, queue.Commit([]));
        Assert.False(receiving.IsCompleted);
        Assert.True(queue.TryReserve(1, 10, out _));
        queue.Add([1, 2, 3]);
        queue.Commit([]);
        Assert.Equal(3, await receiving);
    }

    [Fact]
    public async Task A_datagram_that_a_waiting_call_has_no_room_for_stays()
    {
        var queue = new ReceiveQueue(10, 100);
        var receiving = queue.ReceiveAsync(new byte[2], default);
        queue.Add([1, 2, 3]);
        var error = await Assert.ThrowsAsync<PacketSecException>(receiving.AsTask);
        Assert.Equal((PacketSecError.TooLarge, 3), (error.Error, error.RequiredSize));
        Assert.Equal([1, 2, 3], (await queue.ReadAsync(default)).ToArray());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_end_during_a_reservation_drops_what_is_committed(bool discard)
    {
        var queue = new ReceiveQueue(10, 100);
        queue.Add([1]);
        Assert.True(queue.TryReserve(1, 10, out var room));
        room.Fill(9);
        queue.End(() => new InvalidDataException(), discard);

        Assert.Equal(DropReason.ChannelClosed, queue.Commit([4]));
        Assert.Equal(-1, room.IndexOfAnyExcept((byte)0));
        Assert.False(queue.TryReserve(1, 10, out _));
        if (!discard)
        {
            Assert.Equal([1], (await queue.ReadAsync(default)).ToArray());
        }

        await Assert.ThrowsAsync<InvalidDataException>(() => queue.ReadAsync(default).AsTask());
        Assert.False(queue.TryRead(out _));
    }

    [Fact]
    public async Task A_read_that_is_cancelled_takes_nothing()
    {
        var queue = new ReceiveQueue(10, 100);
        using var source = new CancellationTokenSource();
        var reading = queue.ReadAsync(source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(reading.AsTask);
        queue.Add([1]);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => queue.ReadAsync(source.Token).AsTask());
        Assert.Equal([1], (await queue.ReadAsync(default)).ToArray());
    }

    [Fact]
    public async Task A_handler_takes_the_place_of_calls()
    {
        var queue = new ReceiveQueue(10, 100);
        var waiting = queue.ReadAsync(default);
        Assert.Throws<InvalidOperationException>(queue.TakeForHandler);
        Assert.Throws<InvalidOperationException>(() => queue.TryRead(out _));
        queue.Add([1]);
        Assert.Equal([1], (await waiting).ToArray());

        queue.TakeForHandler();
        Assert.False(queue.TryReserve(1, 1, out _));
        Assert.Throws<InvalidOperationException>(() => queue.TryRead(out _));
        await Assert.ThrowsAsync<InvalidOperationException>(() => queue.ReadAsync(default).AsTask());
        Assert.Equal(DropReason.None, queue.Add([2]));
        Assert.Equal([2], Take());
        Assert.Empty(Take());

        byte[] Take() => queue.TryTake(out var datagram) ? datagram.ToArray() : [];
    }
}
