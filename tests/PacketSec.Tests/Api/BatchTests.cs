using System.Net;
using PacketSec.Protocol;

namespace PacketSec.Tests.Api;

/// <summary>Sending many datagrams with one call, and the ways to receive them.</summary>
[Collection(SocketsCollection.Name)]
public class BatchTests
{
    [Theory]
    [InlineData(DatagramPath.Automatic)]
    [InlineData(DatagramPath.Portable)]
    public async Task A_batch_arrives_as_its_datagrams_in_order(DatagramPath path)
    {
        await using var pair = EndpointPair.Bind(o => o with { DatagramPath = path }, o => o with { DatagramPath = path });
        var (dialled, accepted) = await pair.OpenAsync();
        var sizes = Enumerable.Repeat(1000, 70).Concat([999, 1000, 1, 1, dialled.MaxDatagramSize, 5, 1000]).ToArray();
        var datagrams = sizes.Select((size, i) => (ReadOnlyMemory<byte>)Enumerable.Repeat((byte)i, size).ToArray()).ToArray();
        var results = Enumerable.Repeat(SendResult.Closed, datagrams.Length).ToArray();

        Assert.Equal(datagrams.Length, dialled.TrySend(datagrams, results));
        Assert.All(results, result => Assert.Equal(SendResult.Sent, result));
        foreach (var datagram in datagrams)
        {
            using var ceiling = EndpointPair.Ceiling();
            Assert.Equal(datagram.ToArray(), (await accepted.ReadAsync(ceiling.Token)).ToArray());
        }

        Assert.Equal(0, dialled.TrySend(ReadOnlySpan<ReadOnlyMemory<byte>>.Empty));
    }

    [Fact]
    public async Task Each_datagram_has_its_own_result()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        var tooLarge = new byte[dialled.MaxDatagramSize + 1];
        ReadOnlyMemory<byte>[] datagrams = [new byte[] { 1 }, tooLarge, new byte[] { 2 }];
        var results = new SendResult[4];
        results[3] = SendResult.Closed;

        Assert.Equal(2, dialled.TrySend(datagrams, results));
        Assert.Equal([SendResult.Sent, SendResult.TooLarge, SendResult.Sent, SendResult.Closed], results);
        Assert.Equal(2, dialled.TrySend(datagrams));
        foreach (var expected in (byte[])[1, 2, 1, 2])
        {
            Assert.Equal([expected], await accepted.ReceiveOneAsync());
        }

        await dialled.DisposeAsync();
        Assert.Equal(0, dialled.TrySend(datagrams, results));
        Assert.Equal([SendResult.Closed, SendResult.Closed, SendResult.Closed, SendResult.Closed], results);
    }

    [Fact]
    public async Task What_cannot_be_sent_at_all_is_refused_before_anything_is_sent()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        ReadOnlyMemory<byte>[] withEmpty = [new byte[] { 1 }, default];

        Assert.Throws<ArgumentException>(() => dialled.TrySend(withEmpty));
        Assert.Throws<ArgumentException>(() => dialled.TrySend([new byte[] { 1 }, new byte[] { 2 }], new SendResult[1]));
        Assert.Throws<ArgumentException>(() => pair.Dialler.TrySend([new(dialled, new byte[] { 1 }), new(dialled, default)]));
        Assert.Throws<ArgumentException>(() => pair.Dialler.TrySend([new(dialled, new byte[] { 1 }), new(accepted, new byte[] { 1 })]));
        Assert.Throws<ArgumentException>(() => pair.Dialler.TrySend([new(dialled, new byte[] { 1 }), default]));
        Assert.Throws<ArgumentException>(() => pair.Dialler.TrySend([new(dialled, new byte[] { 1 }), new(dialled, new byte[] { 1 })], new SendResult[1]));
        Assert.Equal(0, dialled.GetStatistics().DatagramsSent);
    }

    [Fact]
    public async Task One_call_sends_on_many_channels()
    {
        const int Peers = 5;
        const int Rounds = 40;
        await using var pair = EndpointPair.Bind();
        var identities = new List<PacketSecIdentity>();
        var channels = new List<(PacketSecEndpoint Endpoint, PacketSecChannel Dialled, PacketSecChannel Accepted)>();
        for (var i = 0; i < Peers; i++)
        {
            identities.Add(PacketSecIdentity.Generate());
            var endpoint = PacketSecEndpoint.Bind(new() { Identity = identities[i], LocalEndPoint = new(IPAddress.Loopback, 0) });
            var accepting = endpoint.AcceptAsync();
            channels.Add((endpoint, await pair.Dialler.ConnectAsync(endpoint.LocalEndPoint, endpoint.PeerId), await accepting));
        }

        // One after the other, and some of one together.
        var datagrams = Enumerable.Range(0, Peers * Rounds)
            .Select(i => new OutgoingDatagram(channels[(i % 3 == 0 ? i : i / 7) % Peers].Dialled, new[] { (byte)i, (byte)(i >> 8) }))
            .ToArray();
        var results = new SendResult[datagrams.Length];

        Assert.Equal(datagrams.Length, pair.Dialler.TrySend(datagrams, results));
        Assert.All(results, result => Assert.Equal(SendResult.Sent, result));
        foreach (var (_, dialled, accepted) in channels)
        {
            foreach (var datagram in datagrams.Where(datagram => datagram.Channel == dialled))
            {
                Assert.Equal(datagram.Payload.ToArray(), await accepted.ReceiveOneAsync());
            }
        }

        foreach (var (endpoint, _, _) in channels)
        {
            await endpoint.DisposeAsync();
        }

        identities.ForEach(identity => identity.Dispose());
    }

    [Fact]
    public async Task A_batch_longer_than_one_call_takes_arrives()
    {
        const int Count = 500;
        await using var pair = EndpointPair.Bind(listener: o => o with { ReceiveQueueDatagrams = Count, ReceiveQueueBytes = 4 << 20 });
        var (dialled, accepted) = await pair.OpenAsync();
        var datagrams = Enumerable.Range(0, Count).Select(i => (ReadOnlyMemory<byte>)new byte[1 + (i * 7 % dialled.MaxDatagramSize)]).ToArray();

        Assert.Equal(Count, dialled.TrySend(datagrams));
        for (var i = 0; i < Count; i++)
        {
            Assert.Equal(datagrams[i].Length, (await accepted.ReceiveOneAsync()).Length);
        }
    }

    //= spec/performance.md#queue-place
    [Fact]
    public async Task What_the_receive_queue_does_not_hold_is_dropped_and_counted()
    {
        await using var pair = EndpointPair.Bind(listener: o => o with { ReceiveQueueDatagrams = 10 });
        var (dialled, accepted) = await pair.OpenAsync();
        var datagrams = Enumerable.Range(0, 25).Select(i => (ReadOnlyMemory<byte>)new[] { (byte)i }).ToArray();

        Assert.Equal(25, dialled.TrySend(datagrams));
        await Until.TrueAsync(() => accepted.GetStatistics() is var seen && seen.DatagramsReceived == 25
            && seen.Drops.GetValueOrDefault(DropReason.ReceiveQueueFull) == 15);
        for (var i = 0; i < 10; i++)
        {
            Assert.True(accepted.TryRead(out var datagram));
            Assert.Equal(i, datagram.Span[0]);
        }

        Assert.False(accepted.TryRead(out _));
    }

    [Fact]
    public async Task A_handler_gets_what_waits_and_then_what_comes()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        dialled.TrySend([new byte[] { 1 }, new byte[] { 2 }]);
        await Until.TrueAsync(() => accepted.GetStatistics().DatagramsReceived == 2);
        var seen = new System.Collections.Concurrent.ConcurrentQueue<byte>();
        accepted.OnDatagram(datagram => seen.Enqueue(datagram[0]));
        dialled.TrySend([new byte[] { 3 }, new byte[] { 4 }]);
        await Until.TrueAsync(() => seen.Count == 4);
        Assert.Equal([1, 2, 3, 4], seen.ToArray());
        Assert.Throws<InvalidOperationException>(() => accepted.TryRead(out _));
    }

    //= spec/performance.md#handler-stall
    [Fact]
    public async Task A_handler_that_blocks_is_counted_and_logged_once()
    {
        using var logs = new LogRecorder();
        await using var pair = EndpointPair.Bind(listener: o => o with { LoggerFactory = logs });
        var (dialled, accepted) = await pair.OpenAsync();
        var calls = 0;
        accepted.OnDatagram(_ =>
        {
            Thread.Sleep(2);
            Interlocked.Increment(ref calls);
        });
        for (var i = 1; i <= 3; i++)
        {
            dialled.TrySend([1]);
            await Until.TrueAsync(() => Volatile.Read(ref calls) == i);
        }

        await Until.TrueAsync(() => accepted.GetStatistics().HandlerStalls == 3);
        Assert.Single(logs.Entries, entry => entry.Id == 14);
    }

    //= spec/performance.md#handler-stall
    [Fact]
    public async Task A_handler_that_returns_at_once_is_not_counted()
    {
        const int Calls = 50;
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        var calls = 0;
        accepted.OnDatagram(_ => Interlocked.Increment(ref calls));
        for (var i = 1; i <= Calls; i++)
        {
            dialled.TrySend([1]);
            await Until.TrueAsync(() => Volatile.Read(ref calls) == i);
        }

        // The system may take a thread off its processor within a call, but not within most.
        Assert.InRange(accepted.GetStatistics().HandlerStalls, 0, Calls / 5);
    }

    //= spec/performance.md#handler-calls
    [Fact]
    public async Task What_comes_while_a_handler_runs_is_handled_after_it_without_a_further_datagram()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        using var entered = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        var seen = new System.Collections.Concurrent.ConcurrentQueue<byte>();
        accepted.OnDatagram(datagram =>
        {
            seen.Enqueue(datagram[0]);
            if (datagram[0] == 1)
            {
                entered.Set();
                release.Wait(SocketsCollection.CeilingMilliseconds);
            }
        });
        dialled.TrySend([1]);
        await Task.Run(() => entered.Wait(SocketsCollection.CeilingMilliseconds));

        // As a second shard would.
        Assert.Equal(0, accepted.Deliver([2, 3], [1, 1], [1, 1], out _));
        Assert.Equal([1], seen.ToArray());
        release.Set();
        await Until.TrueAsync(() => seen.Count == 3);
        Assert.Equal([1, 2, 3], seen.ToArray());
    }

    [Fact]
    public async Task A_blocked_handler_holds_up_neither_timers_nor_handshakes_nor_the_closing()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        using var entered = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        dialled.OnDatagram(_ =>
        {
            entered.Set();
            release.Wait(SocketsCollection.CeilingMilliseconds);
        });
        accepted.TrySend([1]);
        await Task.Run(() => entered.Wait(SocketsCollection.CeilingMilliseconds));

        await pair.Dialler.DisposeAsync().AsTask().WithinCeiling();
        await accepted.Closed.WithinCeiling();
        release.Set();
    }

    //= spec/performance.md#handler-calls
    [Fact]
    public async Task Calls_of_a_handler_do_not_overlap_when_datagrams_come_by_two_ways()
    {
        const int Each = 2_000;
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        var inside = 0;
        var overlaps = 0;
        var calls = 0;
        accepted.OnDatagram(_ =>
        {
            overlaps += Interlocked.Exchange(ref inside, 1);
            Thread.SpinWait(20);
            Volatile.Write(ref inside, 0);
            Volatile.Write(ref calls, calls + 1);
        });

        // As a second shard would: its thread delivers at the same time.
        var second = new Thread(() =>
        {
            for (var i = 0; i < Each; i++)
            {
                while (accepted.Deliver([1, 2, 3], [3], [1], out var reason) > 0)
                {
                    Assert.Equal(DropReason.ReceiveQueueFull, reason);
                    Thread.Yield();
                }
            }
        });
        second.Start();
        for (var i = 0; i < Each; i++)
        {
            while (dialled.TrySend([1]) != SendResult.Sent || accepted.GetStatistics().DatagramsReceived < i - 50)
            {
                Thread.Yield();
            }
        }

        second.Join();
        await Until.TrueAsync(() => Volatile.Read(ref calls) >= 2 * Each - accepted.GetStatistics().Drops.GetValueOrDefault(DropReason.ReceiveQueueFull));
        Assert.Equal(0, overlaps);
    }
}
