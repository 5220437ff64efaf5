using System.Threading.Tasks.Sources;
using PacketSec.Protocol;

namespace PacketSec.Internal;

/// <summary>
/// Datagrams that wait for the application, in one ring of bytes that grows to its bound, and the one call that waits for the next of them. Neither
/// allocates per datagram, and nothing is copied on the way of most: they are decrypted into a reserved place here, and lent to the application there.
/// </summary>
/// <remarks>Thread-safe. Its lock is held for bookkeeping and the copies of single datagrams only.</remarks>
internal sealed class ReceiveQueue : IValueTaskSource<int>, IValueTaskSource<ReadOnlyMemory<byte>>
{
    private readonly Lock _lock = new();
    private readonly int _maxDatagrams;
    private readonly int _maxBytes;
    private readonly DatagramStore _store = new();
    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private CancellationToken _cancellation;
    private Memory<byte> _destination;
    private Call _call;
    private bool _taken;
    private Func<Exception>? _end;

    public ReceiveQueue(int maxDatagrams, int maxBytes)
    {
        _maxDatagrams = maxDatagrams;
        _maxBytes = maxBytes;
    }

    private enum Call
    {
        /// <summary>No call of the application is under way.</summary>
        None,

        /// <summary>A call waits for a datagram.</summary>
        Waiting,

        /// <summary>The outcome is there and not fetched yet.</summary>
        Over,
    }

    /// <summary>Takes the next datagram, or waits for it.</summary>
    public ValueTask<int> ReceiveAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        short version;
        lock (_lock)
        {
            ThrowIfBusy();
            if (cancellationToken.IsCancellationRequested)
            {
                return ValueTask.FromCanceled<int>(cancellationToken);
            }

            if (_store.TryPeek(out var next))
            {
                return next.Length <= destination.Length
                    ? ValueTask.FromResult(_store.Take(destination.Span))
                    : ValueTask.FromException<int>(TooLarge(next.Length, destination.Length));
            }

            if (_end is not null && _store.Count == 0)
            {
                return ValueTask.FromException<int>(_end());
            }

            version = BeginWait(cancellationToken);
            _destination = destination;
        }

        Register(cancellationToken);
        return new(this, version);
    }

    /// <summary>Lends the next datagram until the next call, or waits for it.</summary>
    public ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellationToken)
    {
        short version;
        lock (_lock)
        {
            ThrowIfBusy();
            if (cancellationToken.IsCancellationRequested)
            {
                return ValueTask.FromCanceled<ReadOnlyMemory<byte>>(cancellationToken);
            }

            if (_store.TryLend(out var datagram))
            {
                return ValueTask.FromResult(datagram);
            }

            if (_end is not null && _store.Count == 0)
            {
                return ValueTask.FromException<ReadOnlyMemory<byte>>(_end());
            }

            version = BeginWait(cancellationToken);
        }

        Register(cancellationToken);
        return new(this, version);
    }

    /// <summary>Lends the next datagram until the next call, if there is one.</summary>
    public bool TryRead(out ReadOnlyMemory<byte> datagram)
    {
        lock (_lock)
        {
            ThrowIfBusy();
            return _store.TryLend(out datagram);
        }
    }

    /// <summary>Reserves a place for datagrams that are about to be decrypted; one place at a time.</summary>
    /// <param name="datagrams">How many at most.</param>
    /// <param name="bytes">How many bytes at most.</param>
    /// <param name="room">The place, of as many bytes.</param>
    /// <returns>False when they may not all fit, another place is reserved, or a handler takes the datagrams.</returns>
    public bool TryReserve(int datagrams, int bytes, out Span<byte> room)
    {
        lock (_lock)
        {
            if (_store.IsReserved || _taken || _end is not null || _store.Count + datagrams > _maxDatagrams || _store.Bytes + bytes > _maxBytes)
            {
                room = default;
                return false;
            }

            room = _store.Reserve(bytes);
            return true;
        }
    }

    /// <summary>Ends a reservation: the datagrams that stand in it, one behind the other, wait here from now on.</summary>
    /// <param name="lengths">Their lengths; none gives the place back.</param>
    /// <param name="sessions">The session that each came on.</param>
    /// <returns>Why they were dropped, all of them.</returns>
    public DropReason Commit(ReadOnlySpan<int> lengths, ReadOnlySpan<long> sessions)
    {
        var reason = DropReason.None;
        lock (_lock)
        {
            if (_end is not null)
            {
                _store.DropReservation();
                reason = lengths.IsEmpty ? DropReason.None : DropReason.ChannelClosed;
            }
            else
            {
                _store.Commit(lengths, sessions);
            }

            if (_store.Count == 0 || _call != Call.Waiting)
            {
                return reason;
            }

            _call = Call.Over;
        }

        _source.SetResult(true);
        return reason;
    }

    /// <summary>Adds a copy of a datagram.</summary>
    public DropReason Add(ReadOnlySpan<byte> payload, long session)
    {
        lock (_lock)
        {
            if (_end is not null)
            {
                return DropReason.ChannelClosed;
            }

            if (_store.Count >= _maxDatagrams || _store.Bytes + payload.Length > _maxBytes)
            {
                return DropReason.ReceiveQueueFull;
            }

            _store.Add(payload, session);
            if (_call != Call.Waiting || _store.IsReserved)
            {
                return DropReason.None;
            }

            _call = Call.Over;
        }

        _source.SetResult(true);
        return DropReason.None;
    }

    /// <summary>Gives what waits here to a handler from now on, and refuses calls that would wait.</summary>
    /// <exception cref="InvalidOperationException">A call waits.</exception>
    public void TakeForHandler()
    {
        lock (_lock)
        {
            if (_call != Call.None)
            {
                throw new InvalidOperationException(
                    "A call of ReceiveAsync or ReadAsync is under way: a channel's datagrams go to it or to a handler, not to both.");
            }

            _taken = true;
        }
    }

    /// <summary>Gets the number of datagrams that wait; another thread may be about to change it.</summary>
    public int Count => _store.Count;

    /// <summary>Takes the next datagram for the handler, which has it until the next call.</summary>
    public bool TryTake(out ReadOnlySpan<byte> datagram, out long session)
    {
        lock (_lock)
        {
            session = _store.TryPeek(out var next) ? next.Session : 0;
            var any = _store.TryLend(out var lent);
            datagram = lent.Span;
            return any;
        }
    }

    /// <summary>Ends the queue: calls fail once it is empty. The first end stays.</summary>
    /// <param name="error">Makes the error, a new one for each call.</param>
    /// <param name="discard">Whether what waits here is given up.</param>
    public void End(Func<Exception> error, bool discard)
    {
        lock (_lock)
        {
            _end ??= error;
            if (discard)
            {
                _store.Clear();
            }

            // What came beside a reservation is taken when that one has come to its end.
            if (_call == Call.Waiting && _store.Count == 0)
            {
                Complete(_end());
            }
        }
    }

    int IValueTaskSource<int>.GetResult(short token)
    {
        Fetch(token);
        lock (_lock)
        {
            var destination = _destination;
            _destination = default;
            _call = Call.None;
            var length = LengthOfNext();

            // It stays in the queue, so that a larger buffer gets it.
            return length <= destination.Length ? _store.Take(destination.Span) : throw TooLarge(length, destination.Length);
        }
    }

    ReadOnlyMemory<byte> IValueTaskSource<ReadOnlyMemory<byte>>.GetResult(short token)
    {
        Fetch(token);
        lock (_lock)
        {
            _call = Call.None;
            _ = LengthOfNext();
            _store.TryLend(out var datagram);
            return datagram;
        }
    }

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _source.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource<ReadOnlyMemory<byte>>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _source.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource<ReadOnlyMemory<byte>>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _source.OnCompleted(continuation, state, token, flags);

    private static PacketSecException TooLarge(int length, int room)
        => new(PacketSecError.TooLarge, $"The next datagram has {length} bytes and the buffer {room}. It waits: call again with a larger buffer.")
        {
            RequiredSize = length,
        };

    private short BeginWait(CancellationToken cancellationToken)
    {
        _source.Reset();
        _cancellation = cancellationToken;
        _call = Call.Waiting;
        return _source.Version;
    }

    private void Register(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
        {
            // The caller has no task yet, so nobody fetches the outcome and the registration before this is done.
            _registration = cancellationToken.UnsafeRegister(static queue => ((ReceiveQueue)queue!).Cancel(), this);
        }
    }

    /// <summary>Throws what ended the call, if it was not a datagram.</summary>
    private void Fetch(short token)
    {
        // Waits for a cancellation that is being delivered, so that it cannot hit the next call.
        _registration.Dispose();
        _registration = default;
        try
        {
            _source.GetResult(token);
        }
        catch
        {
            lock (_lock)
            {
                // A task awaited twice, or too early, leaves the call that is under way alone.
                if (_call == Call.Over && token == _source.Version)
                {
                    _destination = default;
                    _call = Call.None;
                }
            }

            throw;
        }
    }

    /// <summary>The queue may have been given up between a call's end and the fetching of its outcome.</summary>
    private int LengthOfNext() => _store.TryPeek(out var next) ? next.Length : throw _end!();

    private void Cancel()
    {
        lock (_lock)
        {
            if (_call == Call.Waiting)
            {
                Complete(new OperationCanceledException(_cancellation));
            }
        }
    }

    // Continuations run on the thread pool, so completing under the lock runs no foreign code.
    private void Complete(Exception error)
    {
        _call = Call.Over;
        _source.SetException(error);
    }

    private void ThrowIfBusy()
    {
        if (_taken)
        {
            throw new InvalidOperationException("The channel's datagrams go to the handler given to OnDatagram.");
        }

        if (_call != Call.None)
        {
            throw new InvalidOperationException("One call that receives at a time: await the one before first.");
        }
    }
}
