using System.Threading.Tasks.Sources;

namespace PacketSec.Internal;

/// <summary>Wakes the one call that waits for something to change; the call then looks again. Reused, so that waiting allocates nothing.</summary>
/// <param name="gate">Excludes: it is held in all calls but those of the awaiting method.</param>
/// <param name="busy">What a second caller is told.</param>
internal sealed class Signal(Lock gate, string busy) : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private CancellationToken _cancellation;
    private bool _waiting;
    private bool _pending;

    /// <summary>Begins to wait. Under the gate; await the task once, without it.</summary>
    /// <exception cref="InvalidOperationException">Another call waits.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled already.</exception>
    public ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        ThrowIfBusy();
        cancellationToken.ThrowIfCancellationRequested();
        _source.Reset();
        _pending = true;
        _waiting = true;
        _cancellation = cancellationToken;
        if (cancellationToken.CanBeCanceled)
        {
            _registration = cancellationToken.UnsafeRegister(static signal => ((Signal)signal!).Cancel(), this);
        }

        return new(this, _source.Version);
    }

    /// <summary>Throws when a call waits. Under the gate.</summary>
    public void ThrowIfBusy()
    {
        if (_pending)
        {
            throw new InvalidOperationException(busy);
        }
    }

    /// <summary>Wakes who waits. Under the gate.</summary>
    public void Set()
    {
        if (_waiting)
        {
            _waiting = false;
            _source.SetResult(true);
        }
    }

    void IValueTaskSource.GetResult(short token)
    {
        // Waits for a cancellation that is being delivered, so that it cannot hit the next wait.
        _registration.Dispose();
        try
        {
            _source.GetResult(token);
        }
        finally
        {
            lock (gate)
            {
                _registration = default;
                _pending = false;
            }
        }
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _source.OnCompleted(continuation, state, token, flags);

    private void Cancel()
    {
        lock (gate)
        {
            if (_waiting)
            {
                _waiting = false;
                _source.SetException(new OperationCanceledException(_cancellation));
            }
        }
    }
}
