namespace PacketSec.Cli.Bench;

/// <summary>How <c>bench datagram</c> sends.</summary>
internal sealed record DatagramPlan
{
    /// <summary>Gets the size of each datagram in bytes.</summary>
    public required int Size { get; init; }

    /// <summary>Gets the datagrams given to one call; null gives them one by one to the call that takes a span.</summary>
    public required int? Batch { get; init; }

    public required TimeSpan Duration { get; init; }

    /// <summary>Gets the time before, which does not count.</summary>
    public required TimeSpan WarmUp { get; init; }

    public required DatagramPath Path { get; init; }

    /// <summary>Gets the sockets of the receiver.</summary>
    public required int Shards { get; init; }

    /// <summary>Gets the senders.</summary>
    public required int Flows { get; init; }
}

/// <summary>What came of it.</summary>
/// <param name="Path">The way of the datagrams.</param>
/// <param name="Sent">The datagrams that the system took.</param>
/// <param name="Refused">Those that it did not take, its buffers being full.</param>
/// <param name="Opened">Those that reached the receiver's handler.</param>
/// <param name="OpenedInTime">Those that did before the time was over.</param>
/// <param name="Use">What the process used in that time.</param>
internal sealed record DatagramResult(string Path, long Sent, long Refused, long Opened, long OpenedInTime, ProcessUse Use);

/// <summary>Endpoints that send as fast as they can, and one that receives by handler.</summary>
internal sealed class DatagramBench(DatagramPlan plan, TextWriter error)
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(20);

    // Nothing for so many looks: nothing is on its way any more.
    private const int QuietLooks = 5;

    private readonly List<DatagramFlow> _flows = [];

    /// <summary>Runs the benchmark.</summary>
    /// <exception cref="CliException">A channel failed.</exception>
    public async Task<DatagramResult> RunAsync(CancellationToken cancellationToken)
    {
        await using var receiver = BenchEndpoint.Open(plan.Path, plan.Size, plan.Shards, error);
        try
        {
            for (var i = 0; i < plan.Flows; i++)
            {
                _flows.Add(await DatagramFlow.OpenAsync(plan, receiver, cancellationToken));
            }

            await SendForAsync(plan.WarmUp, cancellationToken);
            await DrainAsync(cancellationToken);
            var (sent, refused, opened) = Count();
            var (openedInTime, use) = await SendForAsync(plan.Duration, cancellationToken);
            await DrainAsync(cancellationToken);
            var total = Count();
            foreach (var flow in _flows)
            {
                flow.Check();
            }

            return new(
                receiver.Endpoint.PathDescription, total.Sent - sent, total.Refused - refused, total.Opened - opened, openedInTime - opened, use);
        }
        finally
        {
            foreach (var flow in _flows)
            {
                await flow.DisposeAsync();
            }
        }
    }

    private async Task<(long Opened, ProcessUse Use)> SendForAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        var mark = ProcessMark.Now();
        foreach (var flow in _flows)
        {
            flow.Start();
        }

        try
        {
            await Task.Delay(duration, cancellationToken);
            return (Count().Opened, mark.Since());
        }
        finally
        {
            foreach (var flow in _flows)
            {
                flow.Stop();
            }
        }
    }

    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        var before = Count().Opened;
        for (var quiet = 0; quiet < QuietLooks; quiet++)
        {
            await Task.Delay(BetweenLooks, cancellationToken);
            var now = Count().Opened;
            if (now != before)
            {
                (before, quiet) = (now, -1);
            }
        }
    }

    private (long Sent, long Refused, long Opened) Count()
        => (_flows.Sum(flow => flow.Sent), _flows.Sum(flow => flow.Refused), _flows.Sum(flow => flow.Opened));
}
