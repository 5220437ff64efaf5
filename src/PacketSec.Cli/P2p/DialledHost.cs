using System.CommandLine;
using PacketSec.Cli.Commands;
using PacketSec.Cli.Net;
using PacketSec.Libp2p;
using PacketSec.Libp2p.Hosting;
using PacketSec.Libp2p.Psec;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Cli.P2p;

/// <summary>A host that has dialled the one peer of its command.</summary>
internal sealed class DialledHost : IAsyncDisposable
{
    private readonly LocalEndpoint _local;
    private readonly Ticket? _ticket;
    private readonly Libp2pHost _host;

    private DialledHost(LocalEndpoint local, PacketSecConnectOptions dial, IReadOnlyList<PeerAddress> addresses)
    {
        _local = local;
        _ticket = dial.Ticket;
        _host = Libp2pHost.Start(new DialTransport(local, addresses, dial), new() { AgentVersion = LocalHost.Agent });
    }

    public PeerConnection Connection { get; private set; } = null!;

    /// <summary>Gets the connection beneath.</summary>
    public PacketSecConnection Transport => ((TransportConnection)Connection.Transport).Inner;

    /// <exception cref="CliException">The peer cannot be reached, refuses, or is no host.</exception>
    public static async Task<DialledHost> DialAsync(
        CliContext context, Reporter reporter, ParseResult parsed, EndpointOptions options, PeerAddress? given, CancellationToken cancellationToken)
    {
        var local = options.Open(context, reporter, parsed);
        PacketSecConnectOptions dial;
        try
        {
            dial = options.Schemes.ToConnectOptions(parsed);
        }
        catch
        {
            await local.DisposeAsync();
            throw;
        }

        DialledHost? dialled = null;
        try
        {
            var addresses = PeerAddress.AllOf(given, dial.Ticket);
            dialled = new(local, dial, addresses);
            dialled.Connection = await dialled._host.DialAsync(addresses[0].ToMultiaddress(), cancellationToken);
        }
        catch (Exception error)
        {
            await (dialled?.DisposeAsync() ?? local.DisposeAsync());
            throw error switch
            {
                Libp2pException failed => P2pErrors.From(failed, given is null ? "The peer" : $"{given.Peer}"),
                ArgumentException own => new CliException(ExitCodes.Usage, $"{own.Message} Dial with another --key than the peer's.", own),
                _ => error,
            };
        }

        reporter.Status(Tone.Good, "connected", $"connected to {dialled.Connection.RemotePeerId} at {dialled.Connection.RemoteAddress}", line =>
        {
            line.WriteString("peer", dialled.Connection.RemotePeerId.ToString());
            line.WriteString("remote", dialled.Connection.RemoteAddress.ToString());
            line.WriteString("own_peer", local.Endpoint.PeerId.ToString());
        });
        return dialled;
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _ticket?.Dispose();
        await _local.DisposeAsync();
    }
}
