using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using PacketSec.Internal;
using PacketSec.Protocol.Streams;

namespace PacketSec;

/// <summary>
/// A reliable, ordered byte stream of a connection, of one direction or both (RFC 9000 section 2): a <see cref="Stream"/>, and a pair of pipes
/// (<see cref="Input"/>, <see cref="Output"/>) over the stream's own buffers, which copy nothing in between. Use one or the other for a direction.
/// </summary>
/// <remarks>
/// One call that reads and one that writes at a time; all else may be called from any thread at any time. Written bytes are sent at once, as far as
/// windows allow, and held until the peer has acknowledged them.
/// </remarks>
public sealed class PacketSecStream : Stream, IDuplexPipe
{
    private readonly ConnectionDriver _connection;
    private readonly StreamState _state;
    private StreamPipeReader? _input;
    private StreamPipeWriter? _output;
    private bool _disposed;

    internal PacketSecStream(ConnectionDriver connection, StreamState state)
    {
        _connection = connection;
        _state = state;
        Readable = new(connection.Gate, "One call that reads a stream at a time: await the one before first.");
        Writable = new(connection.Gate, "One call that writes a stream at a time: await the one before first.");
    }

    /// <summary>Gets the number of the stream, which is the same at both ends (RFC 9000 section 2.1).</summary>
    public long Id => _state.Id;

    /// <summary>Gets whether this side can ever read: false where only it sends.</summary>
    public override bool CanRead => _state.Receive is not null && !Volatile.Read(ref _disposed);

    /// <summary>Gets whether this side can ever write: false where only the peer sends.</summary>
    public override bool CanWrite => _state.Send is not null && !Volatile.Read(ref _disposed);

    /// <summary>Gets false: a stream goes forward.</summary>
    public override bool CanSeek => false;

    /// <summary>Is not supported.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public override long Length => throw NoSeeking();

    /// <summary>Is not supported.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public override long Position
    {
        get => throw NoSeeking();
        set => throw NoSeeking();
    }

    /// <summary>
    /// Gets the reader of what the peer sends. It lends the stream's own buffer; what was examined and not consumed stays there, within
    /// <see cref="PacketSecConnectionOptions.MaxStreamWindow"/>. Completing it gives up what is left, as <see cref="StopSending"/> does with code 0.
    /// </summary>
    /// <exception cref="NotSupportedException">Only this side sends.</exception>
    public PipeReader Input
    {
        get
        {
            RequireReceive();
            return LazyInitializer.EnsureInitialized(ref _input, () => new(this));
        }
    }

    /// <summary>
    /// Gets the writer of what this side sends. Flushing sends, and waits while less than a quarter of <see cref="PacketSecConnectionOptions.SendBuffer"/>
    /// is free. Completing it ends the sending direction; completing it with an exception gives it up, as <see cref="Reset"/> does with code 0.
    /// </summary>
    /// <exception cref="NotSupportedException">Only the peer sends.</exception>
    public PipeWriter Output
    {
        get
        {
            RequireSend();
            return LazyInitializer.EnsureInitialized(ref _output, () => new(this));
        }
    }

    internal Signal Readable { get; }

    internal Signal Writable { get; }

    internal ConnectionDriver Connection => _connection;

    internal StreamState State => _state;

    /// <summary>Reads what is there, or waits for it. Allocates nothing for bytes that wait already. A call that is cancelled takes none.</summary>
    /// <param name="buffer">Where it goes; empty to wait until there is something.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The bytes read; 0 at the end.</returns>
    /// <exception cref="PacketSecConnectionException">
    /// The peer has given the stream up (<see cref="PacketSecConnectionError.StreamReset"/>), or the connection has ended before the stream.
    /// </exception>
    /// <exception cref="InvalidOperationException">Another call reads, or reading was given up.</exception>
    /// <exception cref="NotSupportedException">Only this side sends.</exception>
    /// <exception cref="ObjectDisposedException">This side disposed the stream or the connection.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        RequireReceive();
        cancellationToken.ThrowIfCancellationRequested();
        int count;
        while (!_connection.TryRead(this, _state, buffer.Span, out count, cancellationToken, out var wait))
        {
            await wait.ConfigureAwait(false);
        }

        return count;
    }

    /// <inheritdoc cref="ReadAsync(Memory{byte}, CancellationToken)"/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Reads as <see cref="ReadAsync(Memory{byte}, CancellationToken)"/> does, and blocks the thread meanwhile.</summary>
    /// <param name="buffer">Where it goes.</param>
    /// <param name="offset">Where in it.</param>
    /// <param name="count">How many bytes at most.</param>
    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    /// <summary>Sends bytes: takes them, and waits for room where <see cref="PacketSecConnectionOptions.SendBuffer"/> has none.</summary>
    /// <param name="buffer">The bytes. A call that is cancelled may have taken some of them.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="PacketSecConnectionException">
    /// The peer wants no more (<see cref="PacketSecConnectionError.StreamStopped"/>), or the connection has ended.
    /// </exception>
    /// <exception cref="InvalidOperationException">Another call writes, or the sending direction is completed or given up.</exception>
    /// <exception cref="NotSupportedException">Only the peer sends.</exception>
    /// <exception cref="ObjectDisposedException">This side disposed the stream or the connection.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        RequireSend();
        cancellationToken.ThrowIfCancellationRequested();
        while (!buffer.IsEmpty)
        {
            buffer = buffer[_connection.Write(this, _state, buffer.Span, cancellationToken, out var wait)..];
            if (!buffer.IsEmpty)
            {
                await wait.ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc cref="WriteAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Writes as <see cref="WriteAsync(ReadOnlyMemory{byte}, CancellationToken)"/> does, and blocks the thread meanwhile.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <param name="offset">Where they begin.</param>
    /// <param name="count">How many there are.</param>
    public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    /// <summary>Does nothing: what is written is sent at once.</summary>
    public override void Flush()
    {
        // Nothing is held back.
    }

    /// <summary>Does nothing: what is written is sent at once.</summary>
    /// <param name="cancellationToken">Is not looked at.</param>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Ends the sending direction behind what was written (FIN); the peer reads to the end. The other direction goes on. Idempotent.
    /// </summary>
    /// <exception cref="NotSupportedException">Only the peer sends.</exception>
    public void CompleteWrites()
    {
        RequireSend();
        _connection.Finish(_state);
    }

    /// <summary>
    /// Gives the sending direction up: what has not arrived is not sent again, and the peer is told the code. Nothing happens where all has arrived.
    /// </summary>
    /// <param name="code">A code of the application's choice, 0 to 2^62-1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code is out of its bounds.</exception>
    /// <exception cref="NotSupportedException">Only the peer sends.</exception>
    public void Reset(long code)
    {
        RequireSend();
        _connection.Reset(_state, code);
    }

    /// <summary>Asks the peer to send no more; what comes is given up, and reading fails from here on.</summary>
    /// <param name="code">A code of the application's choice, 0 to 2^62-1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code is out of its bounds.</exception>
    /// <exception cref="NotSupportedException">Only this side sends.</exception>
    public void StopSending(long code)
    {
        RequireReceive();
        _connection.StopSending(_state, code);
    }

    /// <summary>Is not supported.</summary>
    /// <param name="offset">Is not looked at.</param>
    /// <param name="origin">Is not looked at.</param>
    /// <exception cref="NotSupportedException">Always.</exception>
    public override long Seek(long offset, SeekOrigin origin) => throw NoSeeking();

    /// <summary>Is not supported.</summary>
    /// <param name="value">Is not looked at.</param>
    /// <exception cref="NotSupportedException">Always.</exception>
    public override void SetLength(long value) => throw NoSeeking();

    /// <summary>
    /// Ends the sending direction as <see cref="CompleteWrites"/> does, and gives up what has not been read as <see cref="StopSending"/> does with code 0.
    /// What was written still goes out. Pending calls fail. Idempotent; waits for nothing.
    /// </summary>
    /// <param name="disposing">Whether it is not a finalizer that calls.</param>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !Interlocked.Exchange(ref _disposed, true))
        {
            _connection.Release(this, _state);
        }

        base.Dispose(disposing);
    }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), this);

    internal void RequireReceive()
    {
        if (_state.Receive is null)
        {
            throw new NotSupportedException("Only this side sends on this stream.");
        }
    }

    internal void RequireSend()
    {
        if (_state.Send is null)
        {
            throw new NotSupportedException("Only the peer sends on this stream.");
        }
    }

    private static NotSupportedException NoSeeking() => new("A stream of a connection has no length and no position.");
}
