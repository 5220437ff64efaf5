using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Transports;

namespace PacketSec.Libp2p.Tests.Conformance;

/// <summary>What section 3 of <c>spec/libp2p.md</c> asks of every transport. A class for a transport says how to make one.</summary>
public abstract class TransportSuite : IAsyncLifetime, IDisposable
{
    private readonly CancellationTokenSource _ceiling = new(TimeSpan.FromSeconds(30));
    private readonly List<IAsyncDisposable> _owned = [];

    private CancellationToken Ceiling => _ceiling.Token;

    /// <summary>Makes a transport with an identity of its own.</summary>
    protected abstract ITransport CreateTransport();

    /// <summary>Returns an address to listen on.</summary>
    protected abstract Multiaddress NewListenAddress();

    /// <summary>Returns an address where nothing answers.</summary>
    protected abstract Multiaddress SilentAddress();

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => Task.WhenAll(_owned.Select(owned => owned.DisposeAsync().AsTask()));

    public void Dispose()
    {
        _ceiling.Dispose();
        CloseNetwork();
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes what the transports needed beside themselves.</summary>
    protected abstract void CloseNetwork();

    [Fact]
    public async Task A_dial_reaches_the_peer_and_both_sides_know_each_other()
    {
        var pair = await ConnectAsync();

        Assert.Equal(pair.Acceptor.LocalPeerId, pair.Dialled.RemotePeerId);
        Assert.Equal(pair.Dialler.LocalPeerId, pair.Accepted.RemotePeerId);
        Assert.Equal(pair.Listener.LocalAddress, pair.Dialled.RemoteAddress);
        Assert.Equal(pair.Dialler.LocalPeerId, pair.Accepted.RemoteAddress.PeerId);
        Assert.Equal(pair.Acceptor.LocalPeerId, pair.Listener.LocalAddress.PeerId);
    }

    //= spec/libp2p.md#transport-cancel
    [Fact]
    public async Task A_dial_that_is_given_up_leaves_nothing_and_a_later_one_works()
    {
        var dialler = Own(CreateTransport());
        var (acceptor, listener) = await ListenAsync();
        using var giveUp = new CancellationTokenSource();
        var dial = dialler.DialAsync(SilentAddress().WithPeer(acceptor.LocalPeerId), giveUp.Token);
        Assert.False(dial.IsCompleted);
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dial);

        var connection = await dialler.DialAsync(listener.LocalAddress, Ceiling);
        Assert.Equal(dialler.LocalPeerId, (await listener.AcceptAsync(Ceiling)).RemotePeerId);
        Assert.False(connection.Closed.IsCompleted);
    }

    [Fact]
    public async Task A_dial_that_is_cancelled_beforehand_does_nothing()
    {
        var dialler = Own(CreateTransport());
        var (_, listener) = await ListenAsync();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dialler.DialAsync(listener.LocalAddress, cancelled.Token));
    }

    //= spec/libp2p.md#dialled-peer
    [Fact]
    public async Task Another_peer_than_the_dialled_one_is_refused()
    {
        var dialler = Own(CreateTransport());
        var other = Own(CreateTransport());
        var (_, listener) = await ListenAsync();

        var error = await Assert.ThrowsAsync<Libp2pException>(() => dialler.DialAsync(listener.LocalAddress.WithPeer(other.LocalPeerId), Ceiling));
        Assert.Equal(Libp2pError.WrongPeer, error.Error);

        var connection = await dialler.DialAsync(listener.LocalAddress, Ceiling);
        Assert.Equal(listener.LocalAddress.PeerId, connection.RemotePeerId);
    }

    [Fact]
    public async Task An_address_without_a_peer_is_not_dialled()
    {
        var dialler = Own(CreateTransport());
        var error = await Assert.ThrowsAsync<Libp2pException>(() => dialler.DialAsync(SilentAddress(), Ceiling));
        Assert.Equal(Libp2pError.UnsupportedAddress, error.Error);
    }

    //= spec/libp2p.md#transport-streams
    [Fact]
    public async Task Either_side_opens_streams_and_sends_first()
    {
        var pair = await ConnectAsync();
        foreach (var (opener, other) in new[] { (pair.Dialled, pair.Accepted), (pair.Accepted, pair.Dialled) })
        {
            var mine = await opener.OpenStreamAsync(Ceiling);
            await mine.WriteAsync("ping"u8.ToArray(), Ceiling);
            var theirs = await other.AcceptStreamAsync(Ceiling);
            Assert.Equal("ping"u8.ToArray(), await theirs.ReadExactlyAsync(4, Ceiling));
            await theirs.WriteAsync("pong"u8.ToArray(), Ceiling);
            Assert.Equal("pong"u8.ToArray(), await mine.ReadExactlyAsync(4, Ceiling));
            Assert.Equal(mine.Id, theirs.Id);
        }
    }

    //= spec/libp2p.md#transport-half-close
    [Fact]
    public async Task One_direction_ends_and_the_other_goes_on()
    {
        var (mine, theirs) = await OpenAsync(await ConnectAsync());
        mine.CompleteWrites();
        Assert.Equal("!"u8.ToArray(), await theirs.ReadToEndAsync(Ceiling));

        await theirs.WriteAsync("still here"u8.ToArray(), Ceiling);
        Assert.Equal("still here"u8.ToArray(), await mine.ReadExactlyAsync(10, Ceiling));
        theirs.CompleteWrites();
        Assert.Empty(await mine.ReadToEndAsync(Ceiling));
    }

    //= spec/libp2p.md#transport-reset
    [Fact]
    public async Task A_reset_is_read_with_its_code_and_other_streams_go_on()
    {
        var pair = await ConnectAsync();
        var (mine, theirs) = await OpenAsync(pair);
        var (otherMine, otherTheirs) = await OpenAsync(pair);
        await theirs.ReadExactlyAsync(1, Ceiling);
        mine.Reset(4711);

        var error = await Assert.ThrowsAsync<Libp2pException>(() => theirs.ReadExactlyAsync(1, Ceiling));
        Assert.Equal(Libp2pError.StreamReset, error.Error);
        Assert.Equal(4711, error.Code);
        otherMine.CompleteWrites();
        Assert.Equal("!"u8.ToArray(), await otherTheirs.ReadToEndAsync(Ceiling));
    }

    [Fact]
    public async Task A_writer_learns_that_its_reader_wants_no_more()
    {
        var (mine, theirs) = await OpenAsync(await ConnectAsync());
        theirs.StopSending(7);

        while (!(await mine.Output.WriteAsync(new byte[1024], Ceiling)).IsCompleted)
        {
            await Task.Delay(1, Ceiling);
        }
    }

    [Fact]
    public async Task A_thousand_streams_at_once_echo()
    {
        var pair = await ConnectAsync();
        var serving = Task.Run(async () =>
        {
            for (var i = 0; i < 1000; i++)
            {
                _ = (await pair.Accepted.AcceptStreamAsync(Ceiling)).EchoAsync(Ceiling);
            }
        });
        var answers = await Task.WhenAll(Enumerable.Range(0, 1000).Select(async number =>
        {
            var stream = await pair.Dialled.OpenStreamAsync(Ceiling);
            await using (stream)
            {
                await stream.WriteAsync(BitConverter.GetBytes(number), Ceiling);
                stream.CompleteWrites();
                return BitConverter.ToInt32(await stream.ReadToEndAsync(Ceiling));
            }
        }));

        await serving;
        Assert.Equal(Enumerable.Range(0, 1000), answers);
    }

    //= spec/libp2p.md#transport-stalled
    [Fact]
    public async Task A_stalled_reader_holds_up_its_writer_and_nobody_else()
    {
        var pair = await ConnectAsync();
        var (stalledMine, stalledTheirs) = await OpenAsync(pair);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ceiling);
        var piece = new byte[64 * 1024];
        var written = 0L;
        var writing = Task.Run(async () =>
        {
            while (true)
            {
                await stalledMine.WriteAsync(piece, stop.Token);
                Interlocked.Add(ref written, piece.Length);
            }
        });

        // Another stream gets through twice, and the writer comes to rest in between.
        for (var i = 0; i < 2; i++)
        {
            var (mine, theirs) = await OpenAsync(pair);
            var content = Pattern(100_000);
            var sending = mine.WriteAsync(content, Ceiling);
            Assert.Equal("!"u8.ToArray(), await theirs.ReadExactlyAsync(1, Ceiling));
            Assert.Equal(content, await theirs.ReadExactlyAsync(content.Length, Ceiling));
            await sending;
            await UntilRestAsync(() => Interlocked.Read(ref written));
        }

        Assert.False(writing.IsCompleted);
        Assert.True(written < 64 << 20, $"{written} bytes were taken for a reader that stalls");
        var ahead = await stalledTheirs.ReadExactlyAsync(1, Ceiling);
        Assert.Equal("!"u8.ToArray(), ahead);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
    }

    [Fact]
    public async Task Four_mebibytes_arrive_as_they_were_sent()
    {
        var (mine, theirs) = await OpenAsync(await ConnectAsync());
        var content = Pattern(4 << 20);
        var sending = Task.Run(async () =>
        {
            await mine.WriteAsync(content, Ceiling);
            mine.CompleteWrites();
        });

        var received = await theirs.ReadToEndAsync(Ceiling);
        await sending;
        Assert.True(received.AsSpan(1).SequenceEqual(content), $"{received.Length - 1} bytes came that differ from the {content.Length} sent");
    }

    [Fact]
    public async Task Datagrams_come_whole_and_too_long_ones_are_refused()
    {
        var pair = await ConnectAsync();
        var size = pair.Dialled.MaxDatagramPayload;
        Assert.True(size >= 1100);
        var error = Assert.Throws<Libp2pException>(() => pair.Dialled.TrySendDatagram(new byte[ushort.MaxValue + 1]));
        Assert.Equal(Libp2pError.TooLarge, error.Error);

        // The network may lose any of them.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ceiling);
        var content = Pattern(1100);
        var sending = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                pair.Dialled.TrySendDatagram(content);
                await Task.Delay(5);
            }
        });
        var buffer = new byte[ushort.MaxValue];
        var length = await pair.Accepted.ReceiveDatagramAsync(buffer, Ceiling);
        await stop.CancelAsync();
        await sending;
        Assert.Equal(content, buffer[..length]);
    }

    //= spec/libp2p.md#transport-listener
    [Fact]
    public async Task A_closed_listener_accepts_nothing_and_its_connections_live_on()
    {
        var pair = await ConnectAsync();
        var waiting = pair.Listener.AcceptAsync(Ceiling).AsTask();
        await pair.Listener.DisposeAsync();

        Assert.Equal(Libp2pError.Closed, (await Assert.ThrowsAsync<Libp2pException>(() => waiting)).Error);
        var late = Own(CreateTransport());
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ceiling);
        patience.CancelAfter(TimeSpan.FromSeconds(1));
        await AssertComesToNothingAsync(late.DialAsync(pair.Listener.LocalAddress, patience.Token));
        var (mine, theirs) = await OpenAsync(pair);
        mine.CompleteWrites();
        Assert.Equal("!"u8.ToArray(), await theirs.ReadToEndAsync(Ceiling));

        var again = await pair.Acceptor.ListenAsync(pair.Listener.LocalAddress.WithoutPeer(), Ceiling);
        await late.DialAsync(again.LocalAddress, Ceiling);
        Assert.Equal(late.LocalPeerId, (await again.AcceptAsync(Ceiling)).RemotePeerId);
    }

    //= spec/libp2p.md#transport-end
    [Fact]
    public async Task The_end_of_a_connection_is_told_to_all_that_wait_for_it_and_a_new_dial_works()
    {
        var pair = await ConnectAsync();
        var (mine, theirs) = await OpenAsync(pair);
        await theirs.ReadExactlyAsync(1, Ceiling);
        Task[] waiting =
        [
            theirs.ReadExactlyAsync(1, Ceiling),
            pair.Accepted.AcceptStreamAsync(Ceiling).AsTask(),
            pair.Accepted.ReceiveDatagramAsync(new byte[2000], Ceiling).AsTask(),
            mine.ReadExactlyAsync(1, Ceiling),
            pair.Dialled.AcceptStreamAsync(Ceiling).AsTask(),
        ];
        await pair.Dialled.CloseAsync(42, "enough");

        Assert.Equal(ConnectionEndCause.Local, (await pair.Dialled.Closed.WaitAsync(Ceiling)).Cause);
        var end = await UntilToldAsync(pair.Accepted);
        foreach (var wait in waiting)
        {
            Assert.Equal(Libp2pError.Closed, (await Assert.ThrowsAsync<Libp2pException>(() => wait)).Error);
        }

        // The words of a close may be lost, and its end not.
        Assert.Equal(end.Cause == ConnectionEndCause.Lost ? new(ConnectionEndCause.Lost) : new(ConnectionEndCause.Peer, 42, "enough"), end);
        await Assert.ThrowsAsync<Libp2pException>(() => pair.Accepted.OpenStreamAsync(Ceiling).AsTask());
        Assert.Throws<Libp2pException>(() => pair.Accepted.TrySendDatagram("late"u8));
        mine.Reset(1);
        theirs.StopSending(1);
        await mine.DisposeAsync();

        var next = await pair.Dialler.DialAsync(pair.Listener.LocalAddress, Ceiling);
        var accepted = await pair.Listener.AcceptAsync(Ceiling);
        var (again, there) = await OpenAsync(next, accepted);
        again.CompleteWrites();
        Assert.Equal("!"u8.ToArray(), await there.ReadToEndAsync(Ceiling));
    }

    private static byte[] Pattern(int length)
    {
        var bytes = new byte[length];
        new PacketSec.Simulation.DeterministicRandom((ulong)length).Fill(bytes);
        return bytes;
    }

    private static async Task AssertComesToNothingAsync(Task dial)
        => Assert.True(await Record.ExceptionAsync(() => dial) is Libp2pException or OperationCanceledException, "a closed listener was dialled");

    private T Own<T>(T owned)
        where T : IAsyncDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    private async Task<(ITransport Acceptor, IListener Listener)> ListenAsync()
    {
        var acceptor = Own(CreateTransport());
        return (acceptor, await acceptor.ListenAsync(NewListenAddress(), Ceiling));
    }

    private async Task<Pair> ConnectAsync()
    {
        var dialler = Own(CreateTransport());
        var (acceptor, listener) = await ListenAsync();
        var dialled = await dialler.DialAsync(listener.LocalAddress, Ceiling);
        return new(dialler, acceptor, listener, dialled, await listener.AcceptAsync(Ceiling));
    }

    private Task<(IStream Mine, IStream Theirs)> OpenAsync(Pair pair) => OpenAsync(pair.Dialled, pair.Accepted);

    /// <summary>Opens a stream, and writes one character that shows it.</summary>
    private async Task<(IStream Mine, IStream Theirs)> OpenAsync(IConnection opener, IConnection other)
    {
        var mine = await opener.OpenStreamAsync(Ceiling);
        await mine.WriteAsync("!"u8.ToArray(), Ceiling);
        return (mine, await other.AcceptStreamAsync(Ceiling));
    }

    /// <summary>Waits for the end that the peer brought about. A close that the network loses is said again to whatever is sent.</summary>
    private async Task<ConnectionEnd> UntilToldAsync(IConnection connection)
    {
        while (!connection.Closed.IsCompleted)
        {
            await Task.WhenAny(connection.Closed, Task.Delay(20, Ceiling));
            Ceiling.ThrowIfCancellationRequested();
            Record.Exception(() => connection.TrySendDatagram("?"u8));
        }

        return await connection.Closed;
    }

    /// <summary>Waits until a count does not move any more.</summary>
    private async Task UntilRestAsync(Func<long> count)
    {
        var before = -1L;
        while (before != count())
        {
            before = count();
            await Task.Delay(50, Ceiling);
        }
    }
}
