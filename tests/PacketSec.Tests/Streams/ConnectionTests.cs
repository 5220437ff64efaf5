using PacketSec.Tests.Api;
using static PacketSec.Tests.Streams.StreamExtensions;

namespace PacketSec.Tests.Streams;

/// <summary>A connection's datagrams, its beginning and its end.</summary>
[Collection(SocketsCollection.Name)]
public sealed class ConnectionTests
{
    [Fact]
    public async Task Datagrams_go_both_ways_and_an_empty_one_is_one()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        Assert.True(pair.Dialled.TrySendDatagram(Pattern(1100)));
        Assert.Equal(Pattern(1100), await ReceiveAsync(pair.Accepted));
        Assert.True(pair.Accepted.TrySendDatagram([]));
        Assert.Empty(await ReceiveAsync(pair.Dialled));
    }

    //= spec/streams.md#datagram-size
    [Fact]
    public async Task A_datagram_that_is_too_large_says_what_is_possible()
    {
        await using var pair = await ConnectionPair.OpenAsync(listener: new() { MaxDatagramSize = 2000 });
        Assert.InRange(pair.Dialled.MaxDatagramPayload, 1100, 1200);
        await pair.OpenStreamAsync();
        await Until.TrueAsync(() => pair.Dialled.MaxDatagramPayload == 2000);

        var error = Assert.Throws<PacketSecConnectionException>(() => pair.Dialled.TrySendDatagram(new byte[2001]));
        Assert.Equal((PacketSecConnectionError.DatagramTooLarge, 2000), (error.Error, error.Size));
        Assert.Contains("2000", error.Message, StringComparison.Ordinal);
        Assert.True(pair.Dialled.TrySendDatagram(new byte[2000]));

        var small = await Assert.ThrowsAsync<PacketSecConnectionException>(() => pair.Accepted.ReceiveDatagramAsync(new byte[1999]).AsTask().WithinCeiling());
        Assert.Equal((PacketSecConnectionError.DatagramTooLarge, 2000), (small.Error, small.Size));
        Assert.Equal(2000, (await ReceiveAsync(pair.Accepted)).Length);
    }

    [Fact]
    public async Task One_call_receives_datagrams_at_a_time_and_a_cancelled_one_takes_none()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        using var cancelling = new CancellationTokenSource();
        var waiting = pair.Accepted.ReceiveDatagramAsync(new byte[10], cancelling.Token).AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(() => pair.Accepted.ReceiveDatagramAsync(new byte[10]).AsTask());
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WithinCeiling());
        pair.Dialled.TrySendDatagram([1]);
        Assert.Equal([1], await ReceiveAsync(pair.Accepted));
    }

    [Fact]
    public async Task The_words_of_a_close_move_no_cursor_and_begin_no_line()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        await pair.OpenStreamAsync();
        await pair.Dialled.CloseAsync(1, "für\e[2J\n\u2028\u202E\U0001F600");
        Assert.Equal("für\uFFFD[2J\uFFFD\uFFFD\uFFFD\U0001F600", (await pair.Accepted.Closed.WithinCeiling()).Reason);
    }

    [Fact]
    public async Task A_close_is_told_with_code_and_words_and_what_came_before_can_be_read()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        var (opened, accepted) = await pair.OpenStreamAsync();
        await opened.WriteAsync("before"u8.ToArray());
        opened.CompleteWrites();
        await Until.TrueAsync(() => accepted.State.Receive!.IsComplete);
        var waiting = pair.Accepted.AcceptStreamAsync().AsTask();
        var receiving = pair.Accepted.ReceiveDatagramAsync(new byte[1]).AsTask();
        await pair.Dialled.CloseAsync(77, "that is all");

        var end = await pair.Accepted.Closed.WithinCeiling();
        Assert.Equal(new(PacketSecConnectionError.ClosedByPeer, 77, "that is all"), end);
        Assert.Equal(new(null, 77, "that is all"), await pair.Dialled.Closed.WithinCeiling());
        foreach (var call in (Task[])[waiting, receiving, pair.Accepted.OpenStreamAsync().AsTask(), accepted.WriteAsync(new byte[1]).AsTask()])
        {
            var error = await call.FailsAsync();
            Assert.Equal((PacketSecConnectionError.ClosedByPeer, 77L), (error.Error, error.Code));
            Assert.Contains("that is all", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal("before"u8.ToArray(), await accepted.ReadAllAsync());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pair.Dialled.OpenStreamAsync().AsTask());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => opened.ReadAsync(new byte[1]).AsTask());
        Assert.Throws<ObjectDisposedException>(() => pair.Dialled.TrySendDatagram([1]));
        Assert.Null(await pair.Dialled.Channel.Closed.WithinCeiling());
        Assert.Equal(PacketSecError.PeerClosed, await pair.Accepted.Channel.Closed.WithinCeiling());
    }

    //= spec/streams.md#close-when-done
    [Fact]
    public async Task A_shutdown_waits_for_what_is_under_way()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        var (opened, accepted) = await pair.OpenStreamAsync();
        var bytes = Pattern(3_000_000);
        await opened.WriteAsync(bytes);
        var shutdown = pair.Dialled.ShutdownAsync().AsTask();
        using var cancelling = new CancellationTokenSource();
        var cancelled = pair.Dialled.ShutdownAsync(cancelling.Token).AsTask();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WithinCeiling());
        Assert.False(shutdown.IsCompleted);
        var reading = accepted.ReadAllAsync();
        opened.CompleteWrites();

        await shutdown.WithinCeiling();
        Assert.Equal(bytes, await reading);
        Assert.Equal(new(PacketSecConnectionError.ClosedByPeer, 0, string.Empty), await pair.Accepted.Closed.WithinCeiling());
    }

    [Fact]
    public async Task Streams_are_accepted_one_after_the_other_until_the_end()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        var ids = new List<long>();
        var accepting = Task.Run(async () =>
        {
            await foreach (var stream in pair.Accepted.AcceptAllStreamsAsync())
            {
                ids.Add(stream.Id);
                await stream.WriteAsync(new byte[] { 1 });
            }
        });
        var opened = new List<long>();
        for (var i = 0; i < 3; i++)
        {
            var stream = await pair.Dialled.OpenStreamAsync();
            await stream.WriteAsync(new byte[] { 2 });
            Assert.Equal(1, await stream.ReadAsync(new byte[1]).AsTask().WithinCeiling());
            opened.Add(stream.Id);
        }

        await pair.Dialled.DisposeAsync();
        await accepting.WithinCeiling();
        Assert.Equal(opened, ids);
    }

    [Fact]
    public async Task A_channel_has_one_connection_and_no_other_reader()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        var waiting = accepted.ReceiveAsync(new byte[1]).AsTask();
        Assert.Throws<InvalidOperationException>(() => PacketSecConnection.Open(accepted));
        dialled.TrySend([1]);
        await waiting.WithinCeiling();

        await using var connection = PacketSecConnection.Open(accepted);
        Assert.Throws<InvalidOperationException>(() => PacketSecConnection.Open(accepted));
        Assert.Throws<InvalidOperationException>(() => accepted.OnDatagram(_ => { }));
        await Assert.ThrowsAsync<InvalidOperationException>(() => accepted.ReceiveAsync(new byte[1]).AsTask());
        Assert.Throws<ArgumentNullException>(() => PacketSecConnection.Open(null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => PacketSecConnection.Open(dialled, new() { StreamWindow = 65_535 }));
        await using var other = PacketSecConnection.Open(dialled, new() { StreamWindow = 65_536 });
    }

    [Fact]
    public async Task The_connection_of_a_channel_that_is_over_has_ended()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        await dialled.DisposeAsync();
        await accepted.Closed.WithinCeiling();
        await using var connection = PacketSecConnection.Open(accepted);

        Assert.Equal(PacketSecConnectionError.ClosedByPeer, (await connection.Closed.WithinCeiling()).Error);
        Assert.Equal(PacketSecConnectionError.ClosedByPeer, (await connection.OpenStreamAsync().AsTask().FailsAsync()).Error);
    }

    //= spec/streams.md#peer-without-streams
    [Fact]
    public async Task A_peer_that_sends_plain_datagrams_is_named_as_such()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        await using var connection = PacketSecConnection.Open(accepted);
        dialled.TrySend("\u00ffplain words"u8);

        Assert.Equal(PacketSecConnectionError.PeerWithoutStreams, (await connection.Closed.WithinCeiling()).Error);
        var error = await connection.AcceptStreamAsync().AsTask().FailsAsync();
        Assert.Contains("plain datagrams", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_comes_before_the_connection_is_opened_waits_for_it()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        await using var one = PacketSecConnection.Open(dialled);
        var stream = await one.OpenStreamAsync();
        await stream.WriteAsync("early"u8.ToArray());
        stream.CompleteWrites();
        await Until.TrueAsync(() => accepted.GetStatistics().DatagramsReceived >= 2);

        await using var other = PacketSecConnection.Open(accepted);
        Assert.Equal("early"u8.ToArray(), await (await other.AcceptStreamAsync().AsTask().WithinCeiling()).ReadAllAsync());

        // The session that they came on is one whose HELLO was seen: what follows needs none.
        await Until.TrueAsync(() => one.GetStatistics().BytesInFlight == 0);
        var later = await one.OpenStreamAsync();
        await later.WriteAsync("late"u8.ToArray());
        later.CompleteWrites();
        Assert.Equal("late"u8.ToArray(), await (await other.AcceptStreamAsync().AsTask().WithinCeiling()).ReadAllAsync());
        Assert.Equal((0, 0), (one.GetStatistics().PacketsLost, other.GetStatistics().PacketsIgnored));
    }

    //= spec/streams.md#idle-timeout
    [Fact]
    public async Task Silence_ends_a_connection_by_the_smaller_timeout()
    {
        var time = new ManualTimeProvider();
        using var ceiling = EndpointPair.Ceiling();
        await using var pair = await ConnectionPair.OpenAsync(
            new() { IdleTimeout = TimeSpan.FromSeconds(20) }, new() { IdleTimeout = TimeSpan.FromSeconds(10) }, o => o with { TimeProvider = time });
        await pair.OpenStreamAsync();
        while (pair.Dialled.GetStatistics().BytesInFlight > 0)
        {
            // What is delayed by 25 ms, the acknowledgement, waits for this clock.
            time.Advance(TimeSpan.FromMilliseconds(5));
            await Task.Delay(5, ceiling.Token);
        }

        time.Advance(TimeSpan.FromSeconds(8));
        var stream = await pair.Dialled.OpenStreamAsync();
        await stream.WriteAsync(new byte[] { 1 });
        var accepting = pair.Accepted.AcceptStreamAsync().AsTask();
        while (!accepting.IsCompleted)
        {
            // On a busy machine a packet may be dropped, and is sent again by this clock.
            time.Advance(TimeSpan.FromMilliseconds(5));
            await Task.WhenAny(accepting, Task.Delay(5));
            ceiling.Token.ThrowIfCancellationRequested();
        }

        Assert.False(pair.Accepted.Closed.IsCompleted);

        while (!pair.Accepted.Closed.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(pair.Accepted.Closed, Task.Delay(20));
            ceiling.Token.ThrowIfCancellationRequested();
        }

        Assert.Equal(PacketSecConnectionError.IdleTimeout, (await pair.Accepted.Closed).Error);
    }

    //= spec/streams.md#incarnation-changed
    //= spec/streams.md#incarnation-shown
    [Fact]
    public async Task A_peer_that_started_anew_ends_the_connection_and_begins_another_on_the_channel()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        var (opened, _) = await pair.OpenStreamAsync();

        // Only who knows the one before can tell that another has begun.
        await Until.TrueAsync(() => pair.Dialled.GetStatistics() is { BytesInFlight: 0, PacketsReceived: > 0 });
        var address = pair.Endpoints.Listener.LocalEndPoint;
        await pair.Endpoints.Listener.AbortAsync();
        await using var back = PacketSecEndpoint.Bind(pair.Endpoints.ListenerOptions with { LocalEndPoint = address });
        await opened.WriteAsync("lost"u8.ToArray());
        using var ceiling = EndpointPair.Ceiling();
        var channel = await back.AcceptAsync(ceiling.Token);
        await using var restarted = PacketSecConnection.Open(channel);

        Assert.Equal(PacketSecConnectionError.PeerRestarted, (await pair.Dialled.Closed.WithinCeiling()).Error);
        Assert.Equal(PacketSecConnectionError.PeerRestarted, (await opened.ReadAsync(new byte[1]).AsTask().FailsAsync()).Error);
        await using var next = PacketSecConnection.Open(pair.Dialled.Channel);
        await pair.Dialled.DisposeAsync();
        var stream = await next.OpenStreamAsync(ceiling.Token);
        await stream.WriteAsync("anew"u8.ToArray(), ceiling.Token);
        stream.CompleteWrites();
        Assert.Equal("anew"u8.ToArray(), await (await restarted.AcceptStreamAsync(ceiling.Token)).ReadAllAsync());

        // The packet that told of the restart was the first of the new connection.
        await Until.TrueAsync(() => restarted.GetStatistics().BytesInFlight == 0);
        Assert.Equal(0, restarted.GetStatistics().PacketsLost);
    }

    private static async Task<byte[]> ReceiveAsync(PacketSecConnection connection)
    {
        using var ceiling = EndpointPair.Ceiling();
        var buffer = new byte[65_535];
        return buffer[..await connection.ReceiveDatagramAsync(buffer, ceiling.Token)];
    }
}
