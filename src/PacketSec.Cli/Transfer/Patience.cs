namespace PacketSec.Cli.Transfer;

/// <summary>Bounds how long a receiver waits for a sender that is there and does nothing: it holds one of few places meanwhile.</summary>
internal sealed class Patience : IDisposable
{
    // Slower disks than this are rare.
    private const double BytesReadPerSecond = 10_000_000;

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
    /// <param name="step">Waits for it.</param>
    /// <param name="toRead">The bytes of its file that the sender reads before.</param>
    /// <exception cref="TransferProtocolException">It was not taken in two minutes, beside the time to read.</exception>
    public async Task<T> WaitAsync<T>(Func<CancellationToken, ValueTask<T>> step, long toRead = 0)
    {
        // A timer counts no further than 49 days.
        var longest = Longest + TimeSpan.FromSeconds(Math.Min(toRead / BytesReadPerSecond, 1_000_000));
        _late.CancelAfter(longest);
        try
        {
            return await step(_either.Token);
        }
        catch (OperationCanceledException) when (_late.IsCancellationRequested && !_over.IsCancellationRequested)
        {
            throw new TransferProtocolException($"The sender did nothing for {longest.TotalMinutes:F0} minutes; what has come is kept.");
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
