using System.Security.Cryptography;
using System.Threading.Tasks.Sources;
using PacketSec.Protocol;

namespace PacketSec.Internal;

/// <summary>
/// Datagrams that wait for the application, in one ring of bytes that grows to its bound, and the one call that waits for the next of them. Neither
/// allocates per datagram.
/// </summary>
/// <remarks>Thread-safe. Its lock is held for copies only.</remarks>
internal sealed class ReceiveQueue : IValueTaskSource<int>
{
    private const int FirstCapacity = 8 * 1024;

    private readonly Lock _lock = new();
    private readonly Queue<int> _lengths = new();
    private readonly int _maxDatagrams;
    private readonly int _maxBytes;
    private ManualResetValueTaskSourceCore<int> _source = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private CancellationToken _cancellation;
    private Memory<byte> _destination;
    private Call _call;
    private bool _taken;
    private byte[] _ring = [];
    private int _start;
    private int _used;
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

            if (_lengths.TryPeek(out var length))
            {
                return length <= destination.Length
                    ? ValueTask.FromResult(Take(destination.Span))
                    : ValueTask.FromException<int>(TooLarge(length, destination.Length));
            }

            if (_end is not null)
            {
                return ValueTask.FromException<int>(_end());
            }

            _source.Reset();
            version = _source.Version;
            _destination = destination;
            _cancellation = cancellationToken;
            _call = Call.Waiting;
        }

        if (cancellationToken.CanBeCanceled)
        {
            // The caller has no task yet, so nobody fetches the outcome and the registration before this is done.
            _registration = cancellationToken.UnsafeRegister(static queue => ((ReceiveQueue)queue!).Cancel(), this);
        }

        return new(this, version);
    }

    /// <summary>Adds a datagram, or hands it to the call that waits.</summary>
    public DropReason Add(ReadOnlySpan<byte> payload)
    {
        lock (_lock)
        {
            if (_end is not null)
            {
                return DropReason.ChannelClosed;
            }

            if (_call != Call.Waiting || payload.Length > _destination.Length)
            {
                if (_lengths.Count >= _maxDatagrams || _used + payload.Length > _maxBytes)
                {
                    return DropReason.ReceiveQueueFull;
                }

                Append(payload);
                if (_call == Call.Waiting)
                {
                    // It stays in the queue, so that a larger buffer gets it.
                    Complete(TooLarge(payload.Length, _destination.Length));
                }

                return DropReason.None;
            }

            payload.CopyTo(_destination.Span);
            _destination = default;
            _call = Call.Over;
        }

        _source.SetResult(payload.Length);
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
                throw new InvalidOperationException("A call of ReceiveAsync is under way: a channel's datagrams go to it or to a handler, not to both.");
            }

            _taken = true;
        }
    }

    /// <summary>Takes the next datagram for the handler.</summary>
    public bool TryTake(Span<byte> destination, out int length)
    {
        lock (_lock)
        {
            length = _lengths.Count == 0 ? 0 : Take(destination);
            return length > 0;
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
                _lengths.Clear();
                CryptographicOperations.ZeroMemory(_ring);
                _ring = [];
                (_start, _used) = (0, 0);
            }

            if (_call == Call.Waiting)
            {
                Complete(_end());
            }
        }
    }

    int IValueTaskSource<int>.GetResult(short token)
    {
        // Waits for a cancellation that is being delivered, so that it cannot hit the next call.
        _registration.Dispose();
        _registration = default;
        try
        {
            return _source.GetResult(token);
        }
        finally
        {
            lock (_lock)
            {
                // A task awaited twice, or too early, throws above and leaves the call that is under way alone.
                if (_call == Call.Over && token == _source.Version)
                {
                    _call = Call.None;
                }
            }
        }
    }

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _source.OnCompleted(continuation, state, token, flags);

    private static PacketSecException TooLarge(int length, int room)
        => new(PacketSecError.TooLarge, $"The next datagram has {length} bytes and the buffer {room}. It waits: call again with a larger buffer.")
        {
            RequiredSize = length,
        };

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
        _destination = default;
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
            throw new InvalidOperationException("One call of ReceiveAsync at a time: await the one before first.");
        }
    }

    private void Append(ReadOnlySpan<byte> payload)
    {
        if (_ring.Length - _used < payload.Length)
        {
            Grow(_used + payload.Length);
        }

        var end = _start + _used;
        end -= end >= _ring.Length ? _ring.Length : 0;
        var first = Math.Min(payload.Length, _ring.Length - end);
        payload[..first].CopyTo(_ring.AsSpan(end));
        payload[first..].CopyTo(_ring);
        _used += payload.Length;
        _lengths.Enqueue(payload.Length);
    }

    private int Take(Span<byte> destination)
    {
        var length = _lengths.Dequeue();
        CopyOut(destination[..length]);
        _start = (_start + length) % _ring.Length;
        _used -= length;
        return length;
    }

    private void CopyOut(Span<byte> destination)
    {
        var first = Math.Min(destination.Length, _ring.Length - _start);
        _ring.AsSpan(_start, first).CopyTo(destination);
        _ring.AsSpan(0, destination.Length - first).CopyTo(destination[first..]);
    }

    private void Grow(int needed)
    {
        var capacity = Math.Max(FirstCapacity, _ring.Length);
        while (capacity < needed)
        {
            capacity *= 2;
        }

        var larger = new byte[capacity];
        if (_used > 0)
        {
            CopyOut(larger.AsSpan(0, _used));
        }

        CryptographicOperations.ZeroMemory(_ring);
        _ring = larger;
        _start = 0;
    }
}
