namespace PacketSec.Libp2p.Hosting;

/// <summary>A token that is cancelled by a clock, besides its caller; tells the two apart.</summary>
internal sealed class Deadline : IDisposable
{
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _clock;
    private readonly CancellationTokenSource _both;

    public Deadline(TimeSpan timeout, TimeProvider time, CancellationToken caller)
    {
        _caller = caller;
        _clock = new CancellationTokenSource(timeout, time);
        _both = CancellationTokenSource.CreateLinkedTokenSource(_clock.Token, caller);
    }

    public CancellationToken Token => _both.Token;

    /// <summary>Returns what to throw in place of a cancellation: that of the caller, or a timeout.</summary>
    public Exception Explain(OperationCanceledException error, string timedOut)
        => _caller.IsCancellationRequested
            ? new OperationCanceledException(_caller)
            : new Libp2pException(Libp2pError.TimedOut, timedOut, error);

    public void Dispose()
    {
        _both.Dispose();
        _clock.Dispose();
    }
}
