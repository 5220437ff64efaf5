using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace PacketSec.Internal;

/// <summary>
/// Lends the buffer that a stream sends from. What does not fit there in one piece (where the ring's end is near, or the buffer is full) is kept aside
/// until it is flushed.
/// </summary>
internal sealed class StreamPipeWriter(PacketSecStream stream) : PipeWriter
{
    private ArrayBufferWriter<byte>? _aside;
    private int _inPlace;
    private int _asideTaken;
    private bool _lendsAside;
    private bool _completed;
    private int _cancelled;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _inPlace + (_aside?.WrittenCount ?? 0) - _asideTaken;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        ThrowIfCompleted();
        if (_aside is not { WrittenCount: > 0 } && stream.Connection.TryReserve(stream.State, _inPlace, Math.Max(sizeHint, 1), out var room))
        {
            _lendsAside = false;
            return room;
        }

        _lendsAside = true;
        return (_aside ??= new()).GetMemory(sizeHint);
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (_lendsAside)
        {
            _aside!.Advance(bytes);
        }
        else
        {
            _inPlace += bytes;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfCompleted();
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            var count = _inPlace;
            _inPlace = 0;
            if (!stream.Connection.TryCommit(stream, stream.State, count, cancellationToken, out var wait))
            {
                await wait.ConfigureAwait(false);
            }

            // Who cancels finds the rest still unflushed, and the next flush goes on behind what was taken.
            while (_aside is { } aside && _asideTaken < aside.WrittenCount && Volatile.Read(ref _cancelled) == 0)
            {
                _asideTaken += stream.Connection.Write(stream, stream.State, aside.WrittenSpan[_asideTaken..], cancellationToken, out wait);
                if (_asideTaken < aside.WrittenCount)
                {
                    await wait.ConfigureAwait(false);
                }
            }

            if (_asideTaken == _aside?.WrittenCount)
            {
                ClearAside();
            }
        }
        catch (PacketSecConnectionException error) when (error.Error == PacketSecConnectionError.StreamStopped)
        {
            ClearAside();
            return new(isCanceled: false, isCompleted: true);
        }

        return new(Interlocked.Exchange(ref _cancelled, 0) != 0, isCompleted: false);
    }

    public override void CancelPendingFlush()
    {
        Interlocked.Exchange(ref _cancelled, 1);
        lock (stream.Connection.Gate)
        {
            stream.Writable.Set();
        }
    }

    public override void Complete(Exception? exception = null) => CompleteAsync(exception).AsTask().GetAwaiter().GetResult();

    public override async ValueTask CompleteAsync(Exception? exception = null)
    {
        if (_completed)
        {
            return;
        }

        if (exception is not null)
        {
            _completed = true;
            stream.Reset(0);
            return;
        }

        if (UnflushedBytes > 0)
        {
            await FlushAsync().ConfigureAwait(false);
        }

        _completed = true;
        stream.CompleteWrites();
    }

    private void ClearAside()
    {
        _aside?.ResetWrittenCount();
        _asideTaken = 0;
    }

    private void ThrowIfCompleted()
    {
        if (_completed)
        {
            throw new InvalidOperationException("The writer is completed: nothing is written after that.");
        }
    }
}
