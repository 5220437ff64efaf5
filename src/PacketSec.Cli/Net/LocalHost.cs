using System.Net;
using PacketSec.Internal;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Hosting;
using PacketSec.Libp2p.Psec;
using PacketSec.Protocol.Schemes;

namespace PacketSec.Cli.Net;

/// <summary>The identity and the host of libp2p of one command.</summary>
internal sealed class LocalHost : IAsyncDisposable
{
    private readonly PacketSecIdentity _identity;
    private readonly NetworkKey? _network;
    private readonly Capture? _capture;
    private readonly DatagramPath _path;

    private LocalHost(PacketSecIdentity identity, NetworkKey? network, Capture? capture, PacketSecEndpointOptions options)
    {
        _identity = identity;
        _network = network;
        _capture = capture;
        _path = options.DatagramPath;
        Host = Libp2pHost.Start(
            new PacketSecTransport(options, new() { MaxUnidirectionalStreams = 0 }),
            new() { AgentVersion = Agent, LoggerFactory = options.LoggerFactory });
    }

    /// <summary>Gets what a host of this tool calls itself.</summary>
    public static string Agent { get; } = $"psec/{typeof(LocalHost).Assembly.GetName().Version?.ToString(3)}";

    public Libp2pHost Host { get; }

    /// <summary>Loads the key, or makes one, and starts the host. The parameters are those of <see cref="LocalEndpoint.Open"/>.</summary>
    /// <exception cref="CliException">The key cannot be used.</exception>
    public static LocalHost Open(
        string? keyFile, NetworkKey? network, Capture? capture, Func<PacketSecIdentity, IDatagramTap?, PacketSecEndpointOptions> options)
    {
        PacketSecIdentity? identity = null;
        try
        {
            identity = keyFile is null ? PacketSecIdentity.Generate() : KeyFiles.LoadOrCreate(keyFile);
            return new(identity, network, capture, options(identity, capture));
        }
        catch
        {
            identity?.Dispose();
            network?.Dispose();
            capture?.Dispose();
            throw;
        }
    }

    /// <summary>Begins to accept connections.</summary>
    /// <returns>What the socket is bound to.</returns>
    /// <exception cref="CliException">The address cannot be bound.</exception>
    public async Task<IPEndPoint> ListenAsync(IPEndPoint bind)
    {
        try
        {
            var address = await Host.ListenAsync(Multiaddress.FromEndPoint(bind));
            return PsecTarget.TryFrom(address, out var target) ? new(bind.Address, target.Port) : bind;
        }
        catch (Exception error)
        {
            LocalEndpoint.ThrowIfExplained(error, _path);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        _identity.Dispose();
        _network?.Dispose();
        _capture?.Dispose();
    }
}
