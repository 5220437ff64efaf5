using PacketSec.Tests.Api;
using static PacketSec.Tests.Streams.StreamExtensions;

namespace PacketSec.Tests.Streams;

/// <summary>Streams as an application sees them.</summary>
[Collection(SocketsCollection.Name)]
public sealed class StreamTests
{
    [Fact]
    public async Task Both_sides_write_and_each_ends_for_itself()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        var (opened, accepted) = await pair.OpenStreamAsync();
        Assert.Equal(opened.Id, accepted.Id);

        await opened.WriteAsync("there"u8.ToArray());
        opened.CompleteWrites();
        opened.CompleteWrites();
        Assert.Equal("there"u8.ToArray(), await accepted.ReadAllAsync());

        await accepted.WriteAsync("and back"u8.ToArray());
        accepted.CompleteWrites();
        Assert.Equal("and back"u8.ToArray(), await opened.ReadAllAsync());
        await Assert.ThrowsAsync<InvalidOperationException>(() => opened.WriteAsync(new byte[1]).AsTask());
        await Until.TrueAsync(() => pair.Dialled.GetStatistics().Streams == 0);
        await Until.TrueAsync(() => pair.Accepted.GetStatistics().Streams == 0);
    }

    [Fact]
    public async Task The_listener_may_write_first_and_ids_tell_who_opened()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        using var ceiling = EndpointPair.Ceiling();
        var fromListener = await pair.Accepted.OpenStreamAsync(ceiling.Token);
        await fromListener.WriteAsync(new byte[] { 7 }, ceiling.Token);
        var fromDialler = await pair.Dialled.OpenStreamAsync(ceiling.Token);
        await fromDialler.WriteAsync(new byte[] { 8 }, ceiling.Token);

        var atDialler = await pair.Dialled.AcceptStreamAsync(ceiling.Token);
        var atListener = await pair.Accepted.AcceptStreamAsync(ceiling.Token);
        Assert.Equal((fromListener.Id, fromDialler.Id), (atDialler.Id, atListener.Id));
        Assert.NotEqual(fromListener.Id % 2, fromDialler.Id % 2);
        Assert.Equal(7, await ReadByteAsync(atDialler));
        Assert.Equal(8, await ReadByteAsync(atListener));
    }

    [Fact]
    public async Task A_stream_of_one_direction_has_one()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        using var ceiling = EndpointPair.Ceiling();
        var opened = await pair.Dialled.OpenUnidirectionalStreamAsync(ceiling.Token);
        await opened.WriteAsync(new byte[] { 9 }, ceiling.Token);
        opened.CompleteWrites();
        var accepted = await pair.Accepted.AcceptStreamAsync(ceiling.Token);

        Assert.Equal((false, true), (opened.CanRead, opened.CanWrite));
        Assert.Equal((true, false), (accepted.CanRead, accepted.CanWrite));
        await Assert.ThrowsAsync<NotSupportedException>(() => opened.ReadAsync(new byte[1]).AsTask());
        await Assert.ThrowsAsync<NotSupportedException>(() => accepted.WriteAsync(new byte[1]).AsTask());
        Assert.Throws<NotSupportedException>(() => opened.Input);
        Assert.Throws<NotSupportedException>(() => accepted.Output);
        Assert.Throws<NotSupportedException>(() => opened.StopSending(0));
        Assert.Throws<NotSupportedException>(() => accepted.Reset(0));
        Assert.Throws<NotSupportedException>(accepted.CompleteWrites);
        Assert.Equal([9], await accepted.ReadAllAsync());
    }

    [Fact]
    public async Task A_reset_tells_the_reader_its_code()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        var (opened, accepted) = await pair.OpenStreamAsync();
        var reading = accepted.ReadAsync(new byte[10]).AsTask();
        opened.Reset(42);

        var error = await reading.FailsAsync();
        Assert.Equal((PacketSecConnectionError.StreamReset, 42L), (error.Error, error.Code));
        Assert.Equal(PacketSecConnectionError.StreamReset, (await accepted.ReadAsync(new byte[10]).AsTask().FailsAsync()).Error);
        await Assert.ThrowsAsync<InvalidOperationException>(() => opened.WriteAsync(new byte[1]).AsTask());

        // The other direction goes on.
        await accepted.WriteAsync(new byte[] { 5 });
        Assert.Equal(5, await ReadByteAsync(opened));
        Assert.Throws<ArgumentOutOfRangeException>(() => accepted.Reset(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => accepted.Reset(1L << 62));
    }

    [Fact]
    public async Task A_stop_tells_the_writer_its_code()
    {
        await using var pair = await ConnectionPair.OpenAsync(dialler: new() { SendBuffer = 64 * 1024 });
        var (opened, accepted) = await pair.OpenStreamAsync();
        var writing = WriteForEverAsync(opened);
        accepted.StopSending(43);

        var error = await writing.FailsAsync();
        Assert.Equal((PacketSecConnectionError.StreamStopped, 43L), (error.Error, error.Code));
        await Assert.ThrowsAsync<InvalidOperationException>(() => accepted.ReadAsync(new byte[1]).AsTask());
        await accepted.WriteAsync(new byte[] { 6 });
        Assert.Equal(6, await ReadByteAsync(opened));
    }

    [Fact]
    public async Task A_cancelled_read_takes_nothing()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        var (opened, accepted) = await pair.OpenStreamAsync();
        using var cancelling = new CancellationTokenSource();
        var reading = accepted.ReadAsync(new byte[10], cancelling.Token).AsTask();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WithinCeiling());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accepted.ReadAsync(new byte[10], cancelling.Token).AsTask());

        await opened.WriteAsync(new byte[] { 3 });
        Assert.Equal(3, await ReadByteAsync(accepted));
    }

    [Fact]
    public async Task One_call_reads_at_a_time_and_an_empty_one_waits_for_bytes()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        var (opened, accepted) = await pair.OpenStreamAsync();
        var waiting = accepted.ReadAsync(Memory<byte>.Empty).AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(() => accepted.ReadAsync(new byte[1]).AsTask());
        Assert.False(waiting.IsCompleted);

        await opened.WriteAsync(new byte[] { 4 });
        Assert.Equal(0, await waiting.WithinCeiling());
        Assert.Equal(4, await ReadByteAsync(accepted));
    }

    [Fact]
    public async Task A_cancelled_write_leaves_what_it_took()
    {
        await using var pair = await ConnectionPair.OpenAsync(
            dialler: new() { SendBuffer = 64 * 1024 }, listener: new() { StreamWindow = 65_536, MaxStreamWindow = 65_536 });
        var (opened, accepted) = await pair.OpenStreamAsync();
        using var cancelling = new CancellationTokenSource();
        var bytes = Pattern(1024 * 1024);
        var writing = opened.WriteAsync(bytes, cancelling.Token).AsTask();
        await Until.TrueAsync(() => pair.Accepted.GetStatistics().StreamBytesReceived >= 65_536);
        await Assert.ThrowsAsync<InvalidOperationException>(() => opened.WriteAsync(new byte[1]).AsTask());
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing.WithinCeiling());

        opened.CompleteWrites();
        var read = await accepted.ReadAllAsync();
        Assert.InRange(read.Length, 65_535, 200_000);
        Assert.Equal(bytes.AsSpan(0, read.Length).ToArray(), read);
    }

    [Fact]
    public async Task Disposal_ends_both_directions_and_pending_calls()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        var (opened, accepted) = await pair.OpenStreamAsync();
        await opened.WriteAsync("last"u8.ToArray());
        var reading = opened.ReadAsync(new byte[1]).AsTask();
        await opened.DisposeAsync();
        await opened.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading.WithinCeiling());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => opened.WriteAsync(new byte[1]).AsTask());
        Assert.Equal((false, false), (opened.CanRead, opened.CanWrite));
        Assert.Equal("last"u8.ToArray(), await accepted.ReadAllAsync());
        Assert.Equal(PacketSecConnectionError.StreamStopped, (await WriteForEverAsync(accepted).FailsAsync()).Error);
    }

    [Fact]
    public async Task A_thousand_streams_at_once_come_back_whole()
    {
        const int Streams = 1000;
        await using var pair = await ConnectionPair.OpenAsync();
        using var ceiling = EndpointPair.Ceiling();
        var echoes = EchoAsync(pair.Accepted, Streams, ceiling.Token);
        var calls = Enumerable.Range(0, Streams).Select(async i =>
        {
            var bytes = Pattern(1000 + i, i);
            await using var stream = await pair.Dialled.OpenStreamAsync(ceiling.Token);
            await stream.WriteAsync(bytes, ceiling.Token);
            stream.CompleteWrites();
            using var all = new MemoryStream();
            await stream.CopyToAsync(all, ceiling.Token);
            Assert.Equal(bytes, all.ToArray());
        });

        await Task.WhenAll(calls).WithinCeiling();
        await echoes.WithinCeiling();
        await Until.TrueAsync(() => pair.Dialled.GetStatistics().Streams == 0);
    }

    [Fact]
    public async Task More_streams_than_permitted_wait_until_others_are_over()
    {
        await using var pair = await ConnectionPair.OpenAsync(listener: new() { MaxStreams = 2 });
        var (first, acceptedFirst) = await pair.OpenStreamAsync();
        await pair.OpenStreamAsync();
        using var cancelling = new CancellationTokenSource();
        var cancelled = pair.Dialled.OpenStreamAsync(cancelling.Token).AsTask();
        var third = pair.Dialled.OpenStreamAsync().AsTask();
        Assert.False(third.IsCompleted);
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WithinCeiling());

        await first.DisposeAsync();
        await acceptedFirst.DisposeAsync();
        Assert.Equal(first.Id + 8, (await third.WithinCeiling()).Id);
    }

    [Fact]
    public async Task A_reader_that_stalls_holds_its_window_and_no_other_stream_up()
    {
        const int Window = 128 * 1024;
        await using var pair = await ConnectionPair.OpenAsync(
            dialler: new() { SendBuffer = 64 * 1024 },
            listener: new() { StreamWindow = Window, MaxStreamWindow = Window, ConnectionWindow = 4 * Window, MaxConnectionWindow = 4 * Window });
        var (stalled, unread) = await pair.OpenStreamAsync();
        var writing = WriteForEverAsync(stalled);
        await Until.TrueAsync(() => pair.Accepted.GetStatistics().StreamBytesReceived >= Window);

        var (opened, accepted) = await pair.OpenStreamAsync();
        var bytes = Pattern(2 * 1024 * 1024);
        var sending = opened.WriteAsync(bytes).AsTask();
        var received = new byte[bytes.Length];
        using var ceiling = EndpointPair.Ceiling();
        await accepted.ReadExactlyAsync(received, ceiling.Token);
        await sending.WithinCeiling();
        Assert.Equal(bytes, received);
        Assert.False(writing.IsCompleted);

        Assert.Equal(Window + 1 + bytes.Length, pair.Accepted.GetStatistics().StreamBytesReceived);
        Assert.InRange(unread.State.Receive!.BufferedCapacity, 1, Window);
        unread.StopSending(0);
        await writing.FailsAsync();
    }

    private static async Task EchoAsync(PacketSecConnection connection, int streams, CancellationToken cancellationToken)
    {
        var echoes = new List<Task>();
        for (var i = 0; i < streams; i++)
        {
            var stream = await connection.AcceptStreamAsync(cancellationToken);
            echoes.Add(Task.Run(
                async () =>
                {
                    await stream.CopyToAsync(stream, cancellationToken);
                    await stream.DisposeAsync();
                },
                cancellationToken));
        }

        await Task.WhenAll(echoes);
    }

    private static async Task WriteForEverAsync(PacketSecStream stream)
    {
        using var ceiling = EndpointPair.Ceiling();
        var bytes = new byte[16 * 1024];
        while (true)
        {
            await stream.WriteAsync(bytes, ceiling.Token);
        }
    }

    private static async Task<int> ReadByteAsync(PacketSecStream stream)
    {
        using var ceiling = EndpointPair.Ceiling();
        var one = new byte[1];
        await stream.ReadExactlyAsync(one, ceiling.Token);
        return one[0];
    }
}
