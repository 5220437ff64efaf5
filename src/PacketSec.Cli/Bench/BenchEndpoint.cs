using System.Net;
using PacketSec.Cli.Net;
using PacketSec.Protocol;

namespace PacketSec.Cli.Bench;

/// <summary>The endpoints of the benchmarks: on loopback, each with a new identity.</summary>
internal static class BenchEndpoint
{
    public static LocalEndpoint Open(DatagramPath path, int payload = 0, int shards = 1, TextWriter? error = null) => LocalEndpoint.Open(
        keyFile: null,
        network: null,
        capture: null,
        (identity, _) => new()
        {
            Identity = identity,
            LocalEndPoint = new(IPAddress.Loopback, 0),
            DatagramPath = path,
            Shards = shards,
            MaxUdpPayload = Math.Max(payload + SpecLimits.DatagramOverhead, ImplementationLimits.DatagramSize),
            InboundChannels = int.MaxValue,
            LoggerFactory = error is null ? null : new ErrorLog(error, verbose: false),
        });

    /// <summary>Opens a channel from one endpoint to another, and returns its two ends.</summary>
    /// <exception cref="CliException">The dial failed.</exception>
    public static async Task<(PacketSecChannel Dialled, PacketSecChannel Accepted)> ConnectAsync(
        LocalEndpoint from, LocalEndpoint to, CancellationToken cancellationToken)
    {
        var dialled = await DialAsync(from, to, cancellationToken);
        return (dialled, await to.Endpoint.AcceptAsync(cancellationToken));
    }

    /// <inheritdoc cref="ConnectAsync"/>
    public static async Task<PacketSecChannel> DialAsync(LocalEndpoint from, LocalEndpoint to, CancellationToken cancellationToken)
    {
        try
        {
            return await from.Endpoint.ConnectAsync(to.Endpoint.LocalEndPoint, to.Endpoint.PeerId, cancellationToken);
        }
        catch (PacketSecException error)
        {
            throw Failures.From(error);
        }
    }

    /// <summary>Ends endpoints without a word to their peers, which is quick.</summary>
    public static async Task DropAsync(IEnumerable<LocalEndpoint> endpoints)
    {
        var all = endpoints.ToList();
        await Task.WhenAll(all.Select(local => local.Endpoint.AbortAsync()));
        foreach (var local in all)
        {
            await local.DisposeAsync();
        }
    }
}
