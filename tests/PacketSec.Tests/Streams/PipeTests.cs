using System.Buffers;
using System.IO.Pipelines;
using PacketSec.Tests.Api;
using static PacketSec.Tests.Streams.StreamExtensions;

namespace PacketSec.Tests.Streams;

/// <summary>The pipes of a stream, which lie over its own buffers.</summary>
[Collection(SocketsCollection.Name)]
public sealed class PipeTests
{
    [Fact]
    public async Task What_is_flushed_arrives_whatever_the_sizes_of_the_pieces()
    {
        await using var pair = await ConnectionPair.OpenAsync(dialler: new() { SendBuffer = 64 * 1024 });
        var (opened, accepted) = await pair.OpenStreamAsync();
        var bytes = Pattern(1_000_000);
        var writing = Task.Run(async () =>
        {
            var random = new Random(2);
            for (var at = 0; at < bytes.Length;)
            {
                // Some are larger than what is left before the ring's end, and some than the whole buffer.
                var piece = Math.Min(bytes.Length - at, random.Next(12) switch { 0 => random.Next(60_000, 100_000), 1 => 1, _ => random.Next(1, 9000) });
                var memory = opened.Output.GetMemory(piece);
                Assert.True(memory.Length >= piece);
                bytes.AsSpan(at, piece).CopyTo(memory.Span);
                opened.Output.Advance(piece);
                at += piece;
                if (random.Next(3) == 0)
                {
                    Assert.True(opened.Output.UnflushedBytes > 0);
                    Assert.Equal(new FlushResult(false, false), await opened.Output.FlushAsync());
                    Assert.Equal(0, opened.Output.UnflushedBytes);
                }
            }

            await opened.Output.CompleteAsync();
        });
        var read = new ArrayBufferWriter<byte>();
        using var ceiling = EndpointPair.Ceiling();
        while (true)
        {
            var result = await accepted.Input.ReadAsync(ceiling.Token);
            var piece = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, 7001));
            read.Write(piece.ToArray());
            accepted.Input.AdvanceTo(piece.End);
            if (result.IsCompleted && piece.Length == result.Buffer.Length)
            {
                break;
            }
        }

        await writing.WithinCeiling();
        Assert.Equal(bytes, read.WrittenSpan.ToArray());
        Assert.Throws<InvalidOperationException>(() => opened.Output.GetMemory());
        accepted.Dispose();
        await Until.TrueAsync(() => pair.Accepted.GetStatistics().Streams == 0);
    }

    [Fact]
    public async Task What_is_written_and_not_flushed_is_not_sent()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        var (opened, accepted) = await pair.OpenStreamAsync();
        opened.Output.Write("kept"u8);
        var (_, other) = await pair.OpenStreamAsync();
        Assert.False(accepted.Input.TryRead(out _));
        await opened.Output.FlushAsync();
        Assert.Equal("kept"u8.ToArray(), (await accepted.Input.ReadAsync().AsTask().WithinCeiling()).Buffer.ToArray());
        Assert.NotEqual(accepted.Id, other.Id);
    }

    [Fact]
    public async Task A_reader_that_has_examined_all_waits_for_more()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        var (opened, accepted) = await pair.OpenStreamAsync();
        await opened.WriteAsync("half "u8.ToArray());
        var input = accepted.Input;
        var result = await input.ReadAsync().AsTask().WithinCeiling();
        Assert.Throws<InvalidOperationException>(() => input.TryRead(out _));
        input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        Assert.Throws<InvalidOperationException>(() => input.AdvanceTo(result.Buffer.Start));
        Assert.False(input.TryRead(out _));
        var waiting = input.ReadAsync().AsTask();
        Assert.False(waiting.IsCompleted);

        await opened.WriteAsync("and half"u8.ToArray());
        result = await waiting.WithinCeiling();
        Assert.Equal("half and half"u8.ToArray(), result.Buffer.ToArray());

        // Consumed in part and examined no further: the rest is there at once.
        input.AdvanceTo(result.Buffer.GetPosition(5));
        Assert.True(input.TryRead(out result));
        Assert.Equal("and half"u8.ToArray(), result.Buffer.ToArray());
        input.AdvanceTo(result.Buffer.End);
    }

    [Fact]
    public async Task A_message_longer_than_the_window_widens_it_up_to_its_bound()
    {
        const int First = 65_536, Most = 4 * First;
        await using var pair = await ConnectionPair.OpenAsync(listener: new() { StreamWindow = First, MaxStreamWindow = Most });
        var (opened, accepted) = await pair.OpenStreamAsync();
        await opened.WriteAsync(Pattern(2 * Most)).AsTask().WithinCeiling();
        var input = accepted.Input;
        var result = await input.ReadAsync().AsTask().WithinCeiling();
        while (result.Buffer.Length < Most)
        {
            input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            result = await input.ReadAsync().AsTask().WithinCeiling();
        }

        Assert.Equal(Most, result.Buffer.Length);
        var error = Assert.Throws<InvalidOperationException>(() => input.AdvanceTo(result.Buffer.Start, result.Buffer.End));
        Assert.Contains("MaxStreamWindow", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pending_read_and_a_pending_flush_can_be_called_off()
    {
        await using var pair = await ConnectionPair.OpenAsync(
            dialler: new() { SendBuffer = 64 * 1024 }, listener: new() { StreamWindow = 65_536, MaxStreamWindow = 65_536 });
        var (opened, accepted) = await pair.OpenStreamAsync();
        var reading = accepted.Input.ReadAsync().AsTask();
        accepted.Input.CancelPendingRead();
        var result = await reading.WithinCeiling();
        Assert.Equal((true, false, 0L), (result.IsCanceled, result.IsCompleted, result.Buffer.Length));
        accepted.Input.AdvanceTo(result.Buffer.End);

        opened.Output.Write(Pattern(64 * 1024));
        await opened.Output.FlushAsync().AsTask().WithinCeiling();
        opened.Output.Write(Pattern(60 * 1024));
        var flushing = opened.Output.FlushAsync().AsTask();
        Assert.False(flushing.IsCompleted);
        opened.Output.CancelPendingFlush();
        Assert.True((await flushing.WithinCeiling()).IsCanceled);
        using var cancelling = new CancellationTokenSource();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accepted.Input.ReadAsync(cancelling.Token).AsTask());
    }

    [Fact]
    public async Task A_read_that_is_called_off_lends_what_is_there()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        var (opened, accepted) = await pair.OpenStreamAsync();
        await opened.WriteAsync("half "u8.ToArray());
        var input = accepted.Input;
        var result = await input.ReadAsync().AsTask().WithinCeiling();
        input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        var reading = input.ReadAsync().AsTask();
        input.CancelPendingRead();
        result = await reading.WithinCeiling();
        Assert.True(result.IsCanceled);
        Assert.Equal("half "u8.ToArray(), result.Buffer.ToArray());

        // It stays examined.
        input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        Assert.False(input.TryRead(out _));
        input.CancelPendingRead();
        Assert.True(input.TryRead(out result) && result.IsCanceled);
        input.AdvanceTo(result.Buffer.End);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_flush_that_was_called_off_has_taken_is_not_sent_again(bool byToken)
    {
        await using var pair = await ConnectionPair.OpenAsync(
            dialler: new() { SendBuffer = 64 * 1024 }, listener: new() { StreamWindow = 65_536, MaxStreamWindow = 65_536 });
        var (opened, accepted) = await pair.OpenStreamAsync();
        var bytes = Pattern(400 * 1024);
        var output = opened.Output;
        output.Write(bytes);
        using var cancelling = new CancellationTokenSource();
        var flushing = output.FlushAsync(cancelling.Token).AsTask();
        await Until.TrueAsync(() => output.UnflushedBytes < bytes.Length - (64 * 1024));
        if (byToken)
        {
            await cancelling.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flushing.WithinCeiling());
        }
        else
        {
            output.CancelPendingFlush();
            Assert.True((await flushing.WithinCeiling()).IsCanceled);
        }

        Assert.InRange(output.UnflushedBytes, 1, bytes.Length - (64 * 1024));
        var reading = accepted.ReadAllAsync();
        Assert.Equal(new FlushResult(false, false), await output.FlushAsync().AsTask().WithinCeiling());
        Assert.Equal(0, output.UnflushedBytes);
        await output.CompleteAsync();
        Assert.Equal(bytes, await reading);
    }

    [Fact]
    public async Task Completion_with_an_error_resets_and_a_completed_reader_stops_the_writer()
    {
        await using var pair = await ConnectionPair.OpenAsync();
        var (opened, accepted) = await pair.OpenStreamAsync();
        await opened.Output.CompleteAsync(new InvalidDataException());
        Assert.Equal(PacketSecConnectionError.StreamReset, (await accepted.Input.ReadAsync().AsTask().FailsAsync()).Error);

        opened.Input.Complete();
        opened.Input.Complete();
        await Assert.ThrowsAsync<InvalidOperationException>(() => opened.Input.ReadAsync().AsTask());
        FlushResult flushed;
        do
        {
            accepted.Output.Write(Pattern(1000));
            flushed = await accepted.Output.FlushAsync().AsTask().WithinCeiling();
        }
        while (!flushed.IsCompleted);
    }
}
