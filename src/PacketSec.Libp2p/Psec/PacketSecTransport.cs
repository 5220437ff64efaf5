using System.Net;
using System.Net.Sockets;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Transports;
using PacketSec.Protocol.Identity;

namespace PacketSec.Libp2p.Psec;

/// <summary>
/// The transport over PacketSec: channels that PSEC negotiated, with streams on them. Section 1 of <c>spec/libp2p.md</c> has the form of its addresses.
/// </summary>
/// <remarks>
/// All members may be called from any thread at any time. Each listener has a socket of its own, which dials too, so that peers which dial each other
/// at once meet in one channel. A socket stays bound until the transport is disposed; one whose listener is closed refuses peers, and serves again when the
/// same address is listened on.
/// </remarks>
public sealed class PacketSecTransport : ITransport
{
    private readonly PacketSecEndpointOptions _endpoint;
    // A host's connections stay while nobody uses them; a third of the default idle timeout.
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(10);

    private readonly PacketSecConnectionOptions _connection;
    private readonly Lock _gate = new();
    private readonly List<TransportSocket> _sockets = [];
    private bool _disposed;

    /// <summary>Makes a transport. Nothing is bound yet.</summary>
    /// <param name="endpoint">How endpoints are made; their <see cref="PacketSecEndpointOptions.LocalEndPoint"/> comes from the address listened on.</param>
    /// <param name="connection">What peers may do on connections; null for the defaults, with a sign of life every 10 s of silence.</param>
    public PacketSecTransport(PacketSecEndpointOptions endpoint, PacketSecConnectionOptions? connection = null)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        _endpoint = endpoint;
        _connection = connection ?? new() { KeepAlive = KeepAlive };
    }

    /// <inheritdoc/>
    public PeerId LocalPeerId => _endpoint.Identity.PeerId;

    /// <inheritdoc/>
    public bool Matches(Multiaddress address) => address is not null && PsecTarget.TryFrom(address, out _);

    /// <inheritdoc/>
    public async Task<IConnection> DialAsync(Multiaddress remote, CancellationToken cancellationToken = default)
    {
        var target = TargetOf(remote);
        if (target.Peer is not { } peer)
        {
            throw new Libp2pException(Libp2pError.UnsupportedAddress, $"{remote} names no peer: put /p2p/ and its peer ID behind it.");
        }

        Libp2pException? failed = null;
        foreach (var address in await ResolveAsync(target, cancellationToken).ConfigureAwait(false))
        {
            try
            {
                var connection = await SocketFor(address)
                    .DialAsync(new(address, target.Port), peer, OptionsOf(target), cancellationToken).ConfigureAwait(false);

                //= spec/libp2p.md#dialled-peer
                if (connection.RemotePeerId.Equals(peer))
                {
                    return connection;
                }

                await connection.DisposeAsync().ConfigureAwait(false);
                failed = new(Libp2pError.WrongPeer, $"{connection.RemotePeerId} is where {peer} was dialled.");
            }
            catch (Libp2pException e)
            {
                failed = e;
            }
            catch (IOException e)
            {
                // A machine without IPv6 has no socket for one address of a name, and one for the next.
                failed = new(Libp2pError.DialFailed, $"There is no socket here that reaches {address}: {e.Message}", e);
            }
        }

        throw failed ?? new Libp2pException(Libp2pError.DialFailed, $"{target.Host} has no address of the family that was asked for.");
    }

    /// <inheritdoc/>
    public async Task<IListener> ListenAsync(Multiaddress local, CancellationToken cancellationToken = default)
    {
        var target = TargetOf(local);
        if (target.Peer is not null || target.Schemes.Count > 0)
        {
            throw new Libp2pException(
                Libp2pError.UnsupportedAddress, $"{local}: an address to listen on has no peer ID and no schemes; the transport's options have them.");
        }

        var addresses = await ResolveAsync(target, cancellationToken).ConfigureAwait(false);
        if (addresses.Count == 0)
        {
            throw new Libp2pException(Libp2pError.UnsupportedAddress, $"{target.Host} has no address of the family that was asked for.");
        }

        var endPoint = new IPEndPoint(addresses[0], target.Port);
        lock (_gate)
        {
            ThrowIfDisposed();
            if (endPoint.Port != 0 && _sockets.Find(socket => socket.LocalEndPoint.Equals(endPoint))?.TryListen() is { } again)
            {
                return again;
            }

            return Bind(endPoint).TryListen()!;
        }
    }

    /// <summary>Closes listeners and connections, tells the peers, and gives the sockets back. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        TransportSocket[] sockets;
        lock (_gate)
        {
            _disposed = true;
            sockets = [.. _sockets];
            _sockets.Clear();
        }

        await Task.WhenAll(sockets.Select(socket => socket.DisposeAsync().AsTask())).ConfigureAwait(false);
    }

    private static PsecTarget TargetOf(Multiaddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return PsecTarget.TryFrom(address, out var target)
            ? target
            : throw new Libp2pException(
                Libp2pError.UnsupportedAddress,
                $"{address} is not of the form /ip4|ip6|dns|dns4|dns6/HOST/udp/PORT[/psec[/psec-scheme/SCHEME]...][/p2p/PEER].");
    }

    //= spec/libp2p.md#pinned-schemes
    private static PacketSecConnectOptions OptionsOf(PsecTarget target) => target.Schemes.Count switch
    {
        0 => new(),
        1 => new() { DirectScheme = target.Schemes[0] },
        _ => new() { Schemes = target.Schemes },
    };

    private static async Task<IReadOnlyList<IPAddress>> ResolveAsync(PsecTarget target, CancellationToken cancellationToken)
    {
        var family = target.HostKind switch
        {
            MultiaddressProtocol.Dns4 => AddressFamily.InterNetwork,
            MultiaddressProtocol.Dns6 => AddressFamily.InterNetworkV6,
            _ => AddressFamily.Unspecified,
        };
        if (target.HostKind is MultiaddressProtocol.Ip4 or MultiaddressProtocol.Ip6)
        {
            return [IPAddress.Parse(target.Host)];
        }

        try
        {
            return await Dns.GetHostAddressesAsync(target.Host, family, cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException e)
        {
            throw new Libp2pException(Libp2pError.DialFailed, $"{target.Host} cannot be resolved: {e.Message}", e);
        }
    }

    private TransportSocket SocketFor(IPAddress remote)
    {
        lock (_gate)
        {
            ThrowIfDisposed();
            return _sockets.Find(socket => socket.IsListening && socket.Reaches(remote))
                ?? _sockets.Find(socket => socket.Reaches(remote))
                ?? Bind(new(remote.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0));
        }
    }

    private TransportSocket Bind(IPEndPoint endPoint)
    {
        var socket = new TransportSocket(_endpoint with { LocalEndPoint = endPoint }, _connection);
        _sockets.Add(socket);
        return socket;
    }

    private void ThrowIfDisposed()
    {
        if (_disposed)
        {
            throw new Libp2pException(Libp2pError.Closed, "The transport is disposed.");
        }
    }
}
