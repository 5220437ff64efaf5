using PacketSec.Cli;
using PacketSec.Cli.Transfer;
using PacketSec.Tests.Api;
using PacketSec.Tests.Streams;

namespace PacketSec.Tests.Cli;

/// <summary>How long a receiver of files waits for a sender that does nothing.</summary>
[Collection(SocketsCollection.Name)]
public sealed class PatienceTests : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    private readonly ManualTimeProvider _time = new();
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task It_ends_after_two_minutes_and_not_before()
    {
        using var patience = new Patience(_time, CancellationToken.None);
        var waiting = patience.WaitAsync(Never);
        _time.Advance(Longest - TimeSpan.FromTicks(1));
        Assert.False(waiting.IsCompleted);
        _time.Advance(TimeSpan.FromTicks(1));
        await Assert.ThrowsAsync<TransferProtocolException>(() => waiting.WithinCeiling());
    }

    [Fact]
    public async Task Who_has_to_compare_what_was_sent_before_has_the_time_to_read_it()
    {
        using var patience = new Patience(_time, CancellationToken.None);
        var waiting = patience.WaitAsync(Never, toRead: 100_000_000);
        _time.Advance(Longest + TimeSpan.FromSeconds(9));
        Assert.False(waiting.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<TransferProtocolException>(() => waiting.WithinCeiling());
        using var again = new Patience(TimeProvider.System, CancellationToken.None);
        Assert.Equal(1, await again.WaitAsync(_ => ValueTask.FromResult(1), toRead: long.MaxValue));
    }

    [Fact]
    public async Task Time_between_steps_does_not_count()
    {
        using var patience = new Patience(_time, CancellationToken.None);
        Assert.Equal(1, await patience.WaitAsync(_ => ValueTask.FromResult(1)));
        _time.Advance(10 * Longest);
        Assert.Equal(2, await patience.WaitAsync(token => token.IsCancellationRequested ? Never(token) : ValueTask.FromResult(2)).WithinCeiling());
    }

    [Fact]
    public async Task Who_ends_the_command_ends_the_wait()
    {
        using var over = new CancellationTokenSource();
        using var patience = new Patience(_time, over.Token);
        var waiting = patience.WaitAsync(Never);
        await over.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WithinCeiling());
    }

    [Fact(Timeout = SocketsCollection.CeilingMilliseconds)]
    public async Task A_sender_that_stops_in_the_middle_gives_its_place_back_and_what_came_is_kept()
    {
        var folder = ReceiveFolder.Open(_folder["."], overwrites: false);
        var receiver = new FileReceiver(folder, new Reporter(new(TextReader.Null, TextWriter.Null, TextWriter.Null), json: false), _time);
        await using var pair = await ConnectionPair.OpenAsync();
        using var ceiling = EndpointPair.Ceiling();
        await using var opened = await pair.Dialled.OpenStreamAsync(ceiling.Token);
        await opened.WriteAsync((byte[])[.. new FileOffer("file", 3, false).ToBytes(), .. new byte[sizeof(long)], 1, 2], ceiling.Token);
        await using var accepted = await pair.Accepted.AcceptStreamAsync(ceiling.Token);
        var receiving = receiver.ReceiveAsync(pair.Accepted, accepted, ceiling.Token);
        await opened.ReadExactlyAsync(new byte[41], ceiling.Token);
        Assert.False(folder.TryEnter("file"));

        await _time.AdvanceUntilEndAsync(receiving, Longest);
        await Assert.ThrowsAsync<TransferProtocolException>(() => receiving);
        Assert.Equal([1, 2], await File.ReadAllBytesAsync(folder.PartOf("file"), ceiling.Token));
        Assert.True(folder.TryEnter("file"));
    }

    private static async ValueTask<int> Never(CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.Infinite, cancellationToken);
        return 0;
    }
}
