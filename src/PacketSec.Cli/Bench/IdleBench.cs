using System.Diagnostics;
using System.Runtime;
using PacketSec.Cli.Net;

namespace PacketSec.Cli.Bench;

/// <summary>What came of <c>bench idle</c>.</summary>
internal sealed record IdleResult
{
    public required string Path { get; init; }

    /// <summary>Gets the channels that the endpoint has.</summary>
    public required int Channels { get; init; }

    public required double ManagedBytesPerChannel { get; init; }

    /// <summary>Gets the growth of the process's resident memory, native memory included.</summary>
    public required double ResidentBytesPerChannel { get; init; }

    /// <summary>Gets what the process used while nothing was sent.</summary>
    public required ProcessUse Use { get; init; }

    /// <summary>Gets how often its threads were woken; null where the system does not tell.</summary>
    public required long? WakeUps { get; init; }

    /// <summary>Gets the age of the first channel at the end: its session lives a minute.</summary>
    public required TimeSpan Oldest { get; init; }
}

/// <summary>
/// One endpoint with many channels on which nothing happens. The diallers are dropped without a word once their channel is open, so that what is left
/// in the process is one side of each.
/// </summary>
internal sealed class IdleBench(int channels, TimeSpan duration, DatagramPath path)
{
    private const int AtOnce = 16;

    // Dialled between two collections of garbage: what diallers leave behind must not make the heap grow.
    private const int BetweenCollections = 256;

    // Of its time a process at rest uses no more.
    private const double SettledCpu = 1.0 / 250;
    private const int QuietSteps = 2;
    private const int MostSettlingSteps = 20;

    private static readonly TimeSpan LongestSettlingStep = TimeSpan.FromMilliseconds(250);

    /// <summary>Runs the benchmark.</summary>
    /// <exception cref="CliException">A dial failed.</exception>
    public async Task<IdleResult> RunAsync(CancellationToken cancellationToken)
    {
        await WarmUpAsync(cancellationToken);
        await SettleAsync(cancellationToken);
        await using var listener = BenchEndpoint.Open(path);
        var (managed, resident) = ReadMemory();
        var start = Stopwatch.GetTimestamp();
        await OpenAsync(listener, channels, cancellationToken);
        await SettleAsync(cancellationToken);
        var (managedAfter, residentAfter) = ReadMemory();
        await SettleAsync(cancellationToken);
        var before = WakeUps.Read();
        var mark = ProcessMark.Now();
        await Task.Delay(duration, cancellationToken);
        var use = mark.Since();
        var after = WakeUps.Read();
        return new()
        {
            Path = listener.Endpoint.PathDescription,
            Channels = listener.Endpoint.GetStatistics().Channels,
            ManagedBytesPerChannel = (double)(managedAfter - managed) / channels,
            ResidentBytesPerChannel = (double)(residentAfter - resident) / channels,
            Use = use,
            WakeUps = before is null ? null : after?.Since(before),
            Oldest = Stopwatch.GetElapsedTime(start),
        };
    }

    // What code, threads and buffers take once for all is taken here. In a method of its own, so that nothing keeps the endpoint alive.
    private async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        await using var listener = BenchEndpoint.Open(path);
        await OpenAsync(listener, Math.Min(BetweenCollections, channels), cancellationToken);
    }

    // After the dials the runtime compiles once more what ran often; that is not the channels' doing. The shorter the measurement, the less it is worth.
    private async Task SettleAsync(CancellationToken cancellationToken)
    {
        var step = duration < LongestSettlingStep ? duration : LongestSettlingStep;
        var quiet = 0;
        for (var i = 0; i < MostSettlingSteps && quiet < QuietSteps; i++)
        {
            WakeUps.Read();
            var mark = ProcessMark.Now();
            await Task.Delay(step, cancellationToken);
            quiet = mark.Since().Cpu < step * SettledCpu ? quiet + 1 : 0;
        }
    }

    private async Task OpenAsync(LocalEndpoint listener, int count, CancellationToken cancellationToken)
    {
        // The channels hold their peers' addresses: what the system gives a second time cannot be dialled from.
        var ports = new HashSet<int>();
        while (ports.Count < count)
        {
            List<LocalEndpoint> bound = [];
            try
            {
                List<LocalEndpoint> diallers = [];
                while (diallers.Count < AtOnce && ports.Count < count)
                {
                    var local = BenchEndpoint.Open(path);
                    bound.Add(local);
                    if (ports.Add(local.Endpoint.LocalEndPoint.Port))
                    {
                        diallers.Add(local);
                    }
                }

                await Task.WhenAll(diallers.Select(dialler => BenchEndpoint.DialAsync(dialler, listener, cancellationToken)));
                foreach (var _ in diallers)
                {
                    await listener.Endpoint.AcceptAsync(cancellationToken);
                }
            }
            finally
            {
                await BenchEndpoint.DropAsync(bound);
            }

            if (ports.Count % BetweenCollections == 0)
            {
                GC.Collect();
            }
        }
    }

    private static (long Managed, long Resident) ReadMemory()
    {
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return (GC.GetTotalMemory(forceFullCollection: true), Environment.WorkingSet);
    }
}
