using System.Diagnostics;
using System.Net.Sockets;
using PacketSec.Cli.Net;

namespace PacketSec.Cli.Bench;

/// <summary>How <c>bench handshake</c> dials.</summary>
/// <param name="Duration">How long, at once and one after the other; only the time spent in dials counts.</param>
/// <param name="Concurrency">The dials at once.</param>
/// <param name="Path">The way of the datagrams.</param>
internal sealed record HandshakePlan(TimeSpan Duration, int Concurrency, DatagramPath Path);

/// <summary>What came of it.</summary>
/// <param name="Path">The way of the datagrams.</param>
/// <param name="Concurrent">The dials made at once.</param>
/// <param name="ConcurrentUse">What the process used for them, both sides.</param>
/// <param name="Sequential">The dials made one after the other.</param>
/// <param name="Latency">How long one of these took, until its caller went on.</param>
internal sealed record HandshakeResult(string Path, long Concurrent, ProcessUse ConcurrentUse, int Sequential, LatencySummary Latency);

/// <summary>
/// Dials of new identities: negotiation and handshake. In rounds, each with endpoints of its own that are bound before and dropped after the time that
/// counts; so no round comes near the limits on what one network may ask of a listener.
/// </summary>
internal sealed class HandshakeBench(HandshakePlan plan)
{
    private const int DialsInRound = 64;
    private const int MostSamples = 1_000_000;

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(10);

    private readonly LatencySamples _samples = new(MostSamples);
    private string _path = string.Empty;

    /// <summary>Runs the benchmark.</summary>
    /// <exception cref="CliException">A dial failed.</exception>
    public async Task<HandshakeResult> RunAsync(CancellationToken cancellationToken)
    {
        await RunRoundAsync(plan.Concurrency, cancellationToken);
        var (concurrent, use) = await RunForAsync(plan.Concurrency, cancellationToken);
        _samples.Clear();
        await RunForAsync(1, cancellationToken);
        return new(_path, concurrent, use, _samples.Count, _samples.Summarize());
    }

    private async Task<(long Dials, ProcessUse Use)> RunForAsync(int concurrency, CancellationToken cancellationToken)
    {
        var dials = 0L;
        ProcessUse use = default;
        while (use.Elapsed < plan.Duration)
        {
            use += await RunRoundAsync(concurrency, cancellationToken);
            dials += DialsInRound;
        }

        return (dials, use);
    }

    private async Task<ProcessUse> RunRoundAsync(int concurrency, CancellationToken cancellationToken)
    {
        List<LocalEndpoint> endpoints = [];
        try
        {
            for (var i = 0; i <= DialsInRound; i++)
            {
                endpoints.Add(BenchEndpoint.Open(plan.Path));
            }

            await AwaitReceiversAsync(endpoints, cancellationToken);
            var listener = endpoints[0];
            var diallers = new Stack<LocalEndpoint>(endpoints.Skip(1));
            _path = listener.Endpoint.PathDescription;
            var mark = ProcessMark.Now();
            var accepting = AcceptAllAsync(listener, cancellationToken);
            await Task.WhenAll(Enumerable.Range(0, concurrency).Select(_ => DialAllAsync(diallers, listener, cancellationToken)));
            await accepting;
            return mark.Since();
        }
        finally
        {
            await BenchEndpoint.DropAsync(endpoints);
        }
    }

    // An endpoint's thread makes its buffers when it starts. They are there when it has taken a datagram, of which it makes nothing.
    private static async Task AwaitReceiversAsync(IReadOnlyList<LocalEndpoint> endpoints, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        var left = endpoints.Select(local => local.Endpoint).ToList();
        while (left.Count > 0)
        {
            foreach (var endpoint in left)
            {
                socket.SendTo([0], endpoint.LocalEndPoint);
            }

            await Task.Delay(BetweenLooks, cancellationToken);
            left.RemoveAll(endpoint => endpoint.UdpDatagramsReceived > 0);
        }
    }

    private static async Task AcceptAllAsync(LocalEndpoint listener, CancellationToken cancellationToken)
    {
        for (var i = 0; i < DialsInRound; i++)
        {
            await listener.Endpoint.AcceptAsync(cancellationToken);
        }
    }

    private async Task DialAllAsync(Stack<LocalEndpoint> diallers, LocalEndpoint listener, CancellationToken cancellationToken)
    {
        while (true)
        {
            LocalEndpoint? dialler;
            lock (diallers)
            {
                if (!diallers.TryPop(out dialler))
                {
                    return;
                }
            }

            var start = Stopwatch.GetTimestamp();
            await BenchEndpoint.DialAsync(dialler, listener, cancellationToken);
            var end = Stopwatch.GetTimestamp();
            lock (diallers)
            {
                if (!_samples.IsFull)
                {
                    _samples.Add(end - start);
                }
            }
        }
    }
}
