using System.CommandLine;
using System.Diagnostics;
using System.Net;
using PacketSec.Load.Compare.Contestants;
using PacketSec.Protocol.Identity;
using PacketSec.TestSupport;

namespace PacketSec.Load.Storm;

/// <summary>
/// <c>storm</c>: an established flow at an endpoint of two shards, in turn with and without handshakes offered at a rate, each half of a pair as long.
/// </summary>
internal static class StormCommand
{
    private const double LeastRate = 0.8;
    private const double MostMilliseconds = 1;
    private const int PacedRate = 100_000;

    private static readonly TimeSpan Half = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(0.5);

    public static Command Create()
    {
        var rate = new Option<int>("--rate") { Description = "Handshakes offered in a second.", DefaultValueFactory = _ => 2000 };
        var pairs = new Option<int>("--pairs") { Description = "Pairs of each mode.", DefaultValueFactory = _ => 5 };
        var storm = new Command("storm", "Measures what handshakes offered to an endpoint cost an established flow on it.") { rate, pairs };
        storm.SetAction((result, token) => RunAsync(result.GetValue(rate), result.GetValue(pairs), Console.Out, token));
        return storm;
    }

    public static Command CreateSides()
    {
        var port = new Option<int>("--port") { Required = true };
        var peer = new Option<string>("--peer") { Required = true };
        var rate = new Option<int>("--rate");
        var count = new Option<int>("--count");
        var flow = new Command("flow") { port, peer, rate };
        flow.SetAction((result, token) => StormFlow.RunAsync(result.GetValue(port), result.GetValue(peer)!, result.GetValue(rate), Console.In, token));
        var offers = new Command("offers") { port, peer, count, rate };
        offers.SetAction(result =>
        {
            using var generator = new StormOffers(result.GetValue(port), PeerId.Parse(result.GetValue(peer)!), result.GetValue(count), result.GetValue(rate));
            Console.Out.WriteLine("ready");
            var (offered, answered) = generator.Run(Console.In);
            Console.Out.WriteLine($"{offered} {answered}");
        });
        return new Command("storm-sides", "The processes that storm starts.") { Hidden = true, Subcommands = { flow, offers } };
    }

    private static async Task<int> RunAsync(int rate, int pairs, TextWriter output, CancellationToken cancellationToken)
    {
        await WarmUp.RunAsync(StormFlow.Payload, DatagramPath.Automatic, OursSender.SendBatches, cancellationToken);
        var met = true;
        foreach (var flow in (int[])[0, PacedRate])
        {
            met &= await RunAsync(flow, rate, pairs, output, cancellationToken);
        }

        return met ? 0 : 1;
    }

    private static async Task<bool> RunAsync(int flow, int rate, int pairs, TextWriter output, CancellationToken cancellationToken)
    {
        using var identity = PacketSecIdentity.Generate();
        await using var endpoint = PacketSecEndpoint.Bind(new()
        {
            Identity = identity,
            LocalEndPoint = new(IPAddress.Loopback, 0),
            DirectScheme = OursSender.Scheme,
            Shards = 2,
        });
        string[] target = ["--port", $"{endpoint.LocalEndPoint.Port}", "--peer", $"{endpoint.PeerId}"];
        var offersWanted = (int)(rate * pairs * (Half + Settle).TotalSeconds * 1.2);
        using var offers = Start(["storm-sides", "offers", .. target, "--count", $"{offersWanted}", "--rate", $"{rate}"]);
        if (await offers.StandardOutput.ReadLineAsync(cancellationToken) != "ready")
        {
            throw new InvalidOperationException("The process that offers handshakes did not start.");
        }

        using var sender = Start(["storm-sides", "flow", .. target, "--rate", $"{flow}"]);
        await using var channel = await endpoint.AcceptAsync(cancellationToken);
        var meter = new StormMeter();
        channel.OnDatagram(meter.Delivered);
        await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
        var rates = new List<(double With, double Without)>();
        var growths = new List<double>();
        var begun = 0L;
        var paused = TimeSpan.Zero;
        var collections = 0;
        var allocated = 0L;
        for (var pair = 0; pair < pairs; pair++)
        {
            (double Rate, double P99) with = default, without = default;
            foreach (var on in pair % 2 == 0 ? (bool[])[true, false] : [false, true])
            {
                await offers.StandardInput.WriteLineAsync(on ? "on" : "off");
                await offers.StandardInput.FlushAsync(cancellationToken);
                await Task.Delay(Settle, cancellationToken);
                var answered = endpoint.GetStatistics().HandshakesBegun;
                var (pausedBefore, collectionsBefore, allocatedBefore) = (GC.GetTotalPauseDuration(), GC.CollectionCount(0), GC.GetTotalAllocatedBytes());
                var measured = await MeasureAsync(meter, cancellationToken);
                if (on)
                {
                    with = measured;
                    begun += endpoint.GetStatistics().HandshakesBegun - answered;
                    paused += GC.GetTotalPauseDuration() - pausedBefore;
                    allocated += GC.GetTotalAllocatedBytes() - allocatedBefore;
                    collections += GC.CollectionCount(0) - collectionsBefore;
                }
                else
                {
                    without = measured;
                }
            }

            rates.Add((with.Rate, without.Rate));
            growths.Add((with.P99 - without.P99) / 1000);
        }

        sender.StandardInput.Close();
        offers.StandardInput.Close();
        var sums = (await offers.StandardOutput.ReadLineAsync(cancellationToken))!.Split(' ');
        var ratios = PairedRatios.FromPairs(rates);
        growths.Sort();
        var growth = growths[growths.Count / 2];
        var paced = flow > 0;
        output.WriteLine(paced ? $"flow of {flow:N0} datagrams/s" : "flow as fast as it goes");
        output.WriteLine($"  datagrams/s opened       with {ratios.MedianA:N0}, without {ratios.MedianB:N0}");
        output.WriteLine($"  ratio                    {ratios.Median:F3} ({ratios.Lower:F3}-{ratios.Upper:F3}){(paced ? "" : $", target >= {LeastRate}")}");
        output.WriteLine($"  p99 under way            grows by {growth:F3} ms{(paced ? $", target < {MostMilliseconds} ms" : "")}");
        output.WriteLine($"  handshakes               {sums[0]} offered at {rate}/s, {begun / (pairs * Half.TotalSeconds):N0}/s answered while measured, {sums[1]} answers arrived");
        output.WriteLine($"  memory                   {allocated / 1e6 / pairs / Half.TotalSeconds:N1} MB/s; {collections} collections held all threads up for {paused.TotalMilliseconds:N1} ms in {pairs * Half.TotalSeconds:N1} s");
        var met = paced ? growth < MostMilliseconds : ratios.Median >= LeastRate;
        output.WriteLine(met ? "  met" : "  MISSED");
        return met;
    }

    private static async Task<(double Rate, double P99)> MeasureAsync(StormMeter meter, CancellationToken cancellationToken)
    {
        meter.Begin();
        var count = meter.Count;
        var started = Stopwatch.GetTimestamp();
        await Task.Delay(Half, cancellationToken);
        var opened = meter.Count - count;
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return (opened / seconds, meter.Percentile(0.99));
    }

    private static Process Start(string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal)
            ? [typeof(StormCommand).Assembly.Location, .. arguments]
            : arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        return Process.Start(start)!;
    }
}
