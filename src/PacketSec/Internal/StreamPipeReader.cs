using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace PacketSec.Internal;

/// <summary>Lends what a stream has received, where it lies.</summary>
internal sealed class StreamPipeReader(PacketSecStream stream) : PipeReader
{
    private readonly Segment _first = new();
    private readonly Segment _second = new();
    private ReadOnlySequence<byte> _lent;
    private long _examined;
    private bool _reading;
    private bool _ended;
    private bool _completed;
    private int _cancelled;

    public override bool TryRead(out ReadResult result)
    {
        ThrowIfUnfit();
        if (Interlocked.Exchange(ref _cancelled, 0) != 0)
        {
            result = LendCancelled();
            return true;
        }

        if (!stream.Connection.TryPeekNow(stream, stream.State, _examined, out var lent))
        {
            result = default;
            return false;
        }

        result = Lend(lent, isCanceled: false);
        return true;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfUnfit();
        cancellationToken.ThrowIfCancellationRequested();
        while (true)
        {
            if (Interlocked.Exchange(ref _cancelled, 0) != 0)
            {
                return LendCancelled();
            }

            if (stream.Connection.TryPeek(stream, stream.State, _examined, cancellationToken, out var lent, out var wait))
            {
                return Lend(lent, isCanceled: false);
            }

            await wait.ConfigureAwait(false);
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (!_reading)
        {
            throw new InvalidOperationException("Nothing is lent: read first, then advance.");
        }

        var taken = _lent.Slice(0, consumed).Length;
        var seen = Math.Max(_lent.Slice(0, examined).Length, taken);
        var needsMore = seen == _lent.Length && taken < seen && !_ended;
        _examined = seen - taken;
        _reading = false;
        _lent = default;
        if (!stream.Connection.TryAdvance(stream.State, taken, _examined, needsMore))
        {
            throw new InvalidOperationException(
                $"The stream's window, {nameof(PacketSecConnectionOptions.MaxStreamWindow)}, is full of bytes that are examined and not consumed: consume some, or allow more.");
        }
    }

    public override void CancelPendingRead()
    {
        Interlocked.Exchange(ref _cancelled, 1);
        lock (stream.Connection.Gate)
        {
            stream.Readable.Set();
        }
    }

    public override void Complete(Exception? exception = null)
    {
        if (!_completed)
        {
            _completed = true;
            _lent = default;
            stream.Connection.GiveUpReading(stream.State);
        }
    }

    private void ThrowIfUnfit()
    {
        if (_completed)
        {
            throw new InvalidOperationException("The reader is completed: nothing is read after that.");
        }

        if (_reading)
        {
            throw new InvalidOperationException("Something is lent: advance first, then read again.");
        }
    }

    /// <summary>A read that was called off lends what is there, examined or not.</summary>
    private ReadResult LendCancelled()
    {
        stream.Connection.TryPeekNow(stream, stream.State, examined: -1, out var lent);
        return Lend(lent, isCanceled: true);
    }

    private ReadResult Lend(in LentBytes lent, bool isCanceled)
    {
        _reading = true;
        _ended = lent.Ended;
        if (lent.Second.IsEmpty)
        {
            _lent = new(lent.First);
        }
        else
        {
            _second.Set(lent.Second, lent.First.Length, null);
            _first.Set(lent.First, 0, _second);
            _lent = new(_first, 0, _second, lent.Second.Length);
        }

        return new(_lent, isCanceled, isCompleted: _ended);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public void Set(ReadOnlyMemory<byte> memory, long runningIndex, Segment? next) => (Memory, RunningIndex, Next) = (memory, runningIndex, next);
    }
}
