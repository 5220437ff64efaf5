using PacketSec.Protocol;

namespace PacketSec.Tests.Api;

[Collection(SocketsCollection.Name)]
public class ChannelTests
{
    [Theory]
    [InlineData(DatagramPath.Automatic)]
    [InlineData(DatagramPath.Portable)]
    public async Task Datagrams_go_both_ways(DatagramPath path)
    {
        await using var pair = EndpointPair.Bind(o => o with { DatagramPath = path }, o => o with { DatagramPath = path });
        var (dialled, accepted) = await pair.OpenAsync();

        Assert.Equal(SendResult.Sent, dialled.TrySend([1, 2, 3]));
        Assert.Equal([1, 2, 3], await accepted.ReceiveOneAsync());
        Assert.NotEqual(SendResult.Closed, accepted.TrySend([4]));
        Assert.Equal([4], await dialled.ReceiveOneAsync());
        Assert.Equal(pair.Listener.PeerId, dialled.RemotePeerId);
        Assert.Equal(pair.Dialler.PeerId, accepted.RemotePeerId);
        Assert.Equal(pair.Listener.LocalEndPoint, dialled.RemoteAddress);
        Assert.Equal(pair.Dialler.LocalEndPoint, accepted.RemoteAddress);
        Assert.Equal("p2pke-1", dialled.Scheme);
        Assert.Equal(1212, dialled.MaxDatagramSize);
    }

    [Theory]
    [InlineData(256)]
    [InlineData(1232)]
    [InlineData(65_507)]
    public async Task The_longest_datagram_goes_and_one_byte_more_is_too_large(int maxUdpPayload)
    {
        await using var pair = EndpointPair.Bind(o => o with { MaxUdpPayload = maxUdpPayload });
        var (dialled, accepted) = await pair.OpenAsync();
        var longest = new byte[dialled.MaxDatagramSize + 1];
        new Random(1).NextBytes(longest);

        Assert.Equal(maxUdpPayload - 20, dialled.MaxDatagramSize);
        Assert.Equal(SendResult.TooLarge, dialled.TrySend(longest));
        Assert.Equal(SendResult.Sent, dialled.TrySend(longest.AsSpan(1)));
        Assert.Equal(longest[1..], await accepted.ReceiveOneAsync());
    }

    //= spec/sessions.md#empty-send
    [Fact]
    public async Task An_empty_datagram_is_the_callers_mistake()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, _) = await pair.OpenAsync();

        Assert.Throws<ArgumentException>(() => dialled.TrySend([]));
    }

    [Fact]
    public async Task A_cancelled_receive_takes_no_datagram()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        var buffer = new byte[2000];
        var random = new Random(7);
        for (byte i = 0; i < 200; i++)
        {
            using var cancellation = new CancellationTokenSource();
            var receive = accepted.ReceiveAsync(buffer, cancellation.Token).AsTask();
            dialled.TrySend([1, i]);
            Thread.SpinWait(random.Next(3000));
            await cancellation.CancelAsync();
            byte[] received;
            try
            {
                received = buffer[..await receive];
            }
            catch (OperationCanceledException error)
            {
                Assert.Equal(cancellation.Token, error.CancellationToken);
                received = await accepted.ReceiveOneAsync();
            }

            Assert.Equal([1, i], received);
        }
    }

    [Fact]
    public async Task A_receive_with_a_cancelled_token_leaves_what_waits()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        dialled.TrySend([1]);
        await Until.TrueAsync(() => accepted.GetStatistics().DatagramsReceived == 1);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accepted.ReceiveAsync(new byte[10], new(canceled: true)).AsTask());

        Assert.Equal([1], await accepted.ReceiveOneAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_datagram_longer_than_the_buffer_waits_for_a_larger_one(bool waiting)
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        var early = waiting ? accepted.ReceiveAsync(new byte[2]).AsTask() : null;
        dialled.TrySend([1, 2, 3]);
        await Until.TrueAsync(() => accepted.GetStatistics().DatagramsReceived == 1);

        var error = await Assert.ThrowsAsync<PacketSecException>(() => early ?? accepted.ReceiveAsync(new byte[2]).AsTask());

        Assert.Equal(PacketSecError.TooLarge, error.Error);
        Assert.Equal(3, error.RequiredSize);
        Assert.Equal([1, 2, 3], await accepted.ReceiveOneAsync());
    }

    [Fact]
    public async Task Two_receives_at_once_are_the_callers_mistake()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        var first = accepted.ReceiveOneAsync();

        await Assert.ThrowsAsync<InvalidOperationException>(() => accepted.ReceiveAsync(new byte[10]).AsTask());
        Assert.Throws<InvalidOperationException>(() => accepted.OnDatagram(_ => { }));

        dialled.TrySend([1]);
        Assert.Equal([1], await first);
    }

    //= spec/sessions.md#admission
    [Fact]
    public async Task One_datagram_more_than_the_receive_queue_holds_is_dropped_and_counted()
    {
        await using var pair = EndpointPair.Bind(listener: o => o with { ReceiveQueueDatagrams = 8 });
        var (dialled, accepted) = await pair.OpenAsync();
        for (byte i = 1; i <= 9; i++)
        {
            dialled.TrySend([i]);
        }

        await Until.TrueAsync(() => accepted.GetStatistics().DatagramsReceived == 9);
        await Until.TrueAsync(() => accepted.GetStatistics().Drops.GetValueOrDefault(DropReason.ReceiveQueueFull) == 1);
        for (byte i = 1; i <= 8; i++)
        {
            Assert.Equal([i], await accepted.ReceiveOneAsync());
        }

        dialled.TrySend([10]);
        Assert.Equal([10], await accepted.ReceiveOneAsync());
    }

    [Fact]
    public async Task A_handler_gets_what_waits_and_then_what_comes()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        for (byte i = 1; i <= 5; i++)
        {
            dialled.TrySend([i]);
        }

        await Until.TrueAsync(() => accepted.GetStatistics().DatagramsReceived == 5);
        var received = new List<byte>();
        var complete = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        accepted.OnDatagram(payload =>
        {
            received.AddRange(payload);
            if (received.Count == 10)
            {
                complete.SetResult();
            }
        });
        for (byte i = 6; i <= 10; i++)
        {
            dialled.TrySend([i]);
        }

        await complete.Task.WithinCeiling();
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], received);
        await Assert.ThrowsAsync<InvalidOperationException>(() => accepted.ReceiveAsync(new byte[10]).AsTask());
    }

    [Fact]
    public async Task A_handler_may_send_and_its_exceptions_are_counted_and_logged_once()
    {
        using var logs = new LogRecorder();
        await using var pair = EndpointPair.Bind(listener: o => o with { LoggerFactory = logs });
        var (dialled, accepted) = await pair.OpenAsync();
        accepted.OnDatagram(payload =>
        {
            accepted.TrySend(payload);
            throw new InvalidOperationException("the application's fault");
        });
        for (byte i = 1; i <= 3; i++)
        {
            dialled.TrySend([i]);
            Assert.Equal([i], await dialled.ReceiveOneAsync());
        }

        await Until.TrueAsync(() => accepted.GetStatistics().HandlerFailures == 3);
        Assert.Single(logs.Entries, entry => entry.Id == 11);
    }

    [Fact]
    public async Task Threads_may_send_and_receive_at_once()
    {
        const int PerThread = 500;
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        var seen = new int[4 * PerThread];
        var credit = new SemaphoreSlim(64);
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var count = 0;
        accepted.OnDatagram(payload =>
        {
            seen[BitConverter.ToInt32(payload)]++;
            credit.Release();
            if (++count == seen.Length)
            {
                all.SetResult();
            }
        });

        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(async () =>
        {
            for (var i = 0; i < PerThread; i++)
            {
                await credit.WaitAsync();
                Assert.Equal(SendResult.Sent, dialled.TrySend(BitConverter.GetBytes((thread * PerThread) + i)));
            }
        }))).WithinCeiling();

        await all.Task.WithinCeiling();
        Assert.All(seen, times => Assert.Equal(1, times));
    }
}
