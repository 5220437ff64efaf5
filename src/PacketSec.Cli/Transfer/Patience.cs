namespace PacketSec.Cli.Transfer;

/// <summary>Bounds how long a receiver waits for a sender that is there and does nothing: it holds one of few places meanwhile.</summary>
internal sealed class Patience : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    private readonly CancellationToken _over;
    private readonly CancellationTokenSource _late;
    private readonly CancellationTokenSource _either;

    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends every wait.</param>
    public Patience(TimeProvider time, CancellationToken cancellationToken)
    {
        _over = cancellationToken;
        _late = new(Timeout.InfiniteTimeSpan, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_late.Token, cancellationToken);
    }

    /// <summary>Waits for one step of the sender's.</summary>
    /// <exception cref="TransferProtocolException">It was not taken in two minutes.</exception>
    public async Task<T> WaitAsync<T>(Func<CancellationToken, ValueTask<T>> step)
    {
        _late.CancelAfter(Longest);
        try
        {
            return await step(_either.Token);
        }
        catch (OperationCanceledException) when (_late.IsCancellationRequested && !_over.IsCancellationRequested)
        {
            throw new TransferProtocolException($"The sender did nothing for {Longest.TotalMinutes} minutes; what has come is kept.");
        }
        finally
        {
            _late.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        _either.Dispose();
        _late.Dispose();
    }
}
