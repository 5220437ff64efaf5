using System.Net;
using System.Runtime.CompilerServices;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Transports;
using PacketSec.Protocol.Identity;

namespace PacketSec.Libp2p.Psec;

/// <summary>One endpoint of the transport, which dials, and listens where it has a listener.</summary>
internal sealed class TransportSocket : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly HashSet<TransportConnection> _connections = [];
    private readonly ConditionalWeakTable<PacketSecChannel, TransportConnection> _ofChannels = [];
    private readonly PacketSecConnectionOptions _options;
    private readonly PacketSecEndpoint _endpoint;
    private readonly Task _accepting;
    private TransportListener? _listener;

    /// <summary>Binds an endpoint.</summary>
    /// <param name="endpoint">How, but for who is let in.</param>
    /// <param name="options">Of the connections.</param>
    /// <exception cref="IOException">The system does not give the address.</exception>
    public TransportSocket(PacketSecEndpointOptions endpoint, PacketSecConnectionOptions options)
    {
        _options = options;
        _endpoint = PacketSecEndpoint.Bind(endpoint with
        {
            Authorize = (peer, cancellationToken) => IsListening
                ? endpoint.Authorize?.Invoke(peer, cancellationToken) ?? ValueTask.FromResult(true)
                : ValueTask.FromResult(false),
        });
        _accepting = AcceptAsync();
    }

    public IPEndPoint LocalEndPoint => _endpoint.LocalEndPoint;

    public bool IsListening => Volatile.Read(ref _listener) is { IsOpen: true };

    /// <summary>Begins to listen, unless the socket does already.</summary>
    public TransportListener? TryListen()
    {
        lock (_gate)
        {
            if (IsListening)
            {
                return null;
            }

            var listener = new TransportListener(Multiaddress.FromEndPoint(LocalEndPoint, _endpoint.PeerId));
            Volatile.Write(ref _listener, listener);
            return listener;
        }
    }

    /// <summary>Says whether datagrams to an address can leave here.</summary>
    public bool Reaches(IPAddress remote)
    {
        var local = LocalEndPoint.Address;
        return local.Equals(IPAddress.IPv6Any) || (local.AddressFamily == remote.AddressFamily
            && (local.Equals(IPAddress.Any) || IPAddress.IsLoopback(local) == IPAddress.IsLoopback(remote)));
    }

    public async Task<IConnection> DialAsync(IPEndPoint remote, PeerId peer, PacketSecConnectOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return Open(await _endpoint.ConnectAsync(remote, peer, options, cancellationToken).ConfigureAwait(false));
        }
        catch (PacketSecException e)
        {
            throw Translation.OfDial(e);
        }
        catch (ArgumentException e)
        {
            throw new Libp2pException(Libp2pError.UnsupportedAddress, e.Message, e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_listener is { } listener)
        {
            await listener.DisposeAsync().ConfigureAwait(false);
        }

        TransportConnection[] connections;
        lock (_gate)
        {
            connections = [.. _connections];
        }

        await Task.WhenAll(connections.Select(connection => connection.DisposeAsync().AsTask())).ConfigureAwait(false);
        await _endpoint.DisposeAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
    }

    /// <summary>
    /// Returns the connection of a channel, which has one, whoever asks for it: a dial and an accept of the same channel, or two dials. It may be over
    /// when the second one asks.
    /// </summary>
    internal TransportConnection Open(PacketSecChannel channel)
    {
        lock (_gate)
        {
            if (_ofChannels.TryGetValue(channel, out var known))
            {
                return known;
            }

            var opened = PacketSecConnection.Open(channel, _options);
            var connection = new TransportConnection(opened);
            _connections.Add(connection);
            _ofChannels.Add(channel, connection);
            _ = FollowAsync(channel, connection);
            return connection;
        }
    }

    private async Task FollowAsync(PacketSecChannel channel, TransportConnection connection)
    {
        var end = await connection.Inner.Closed.ConfigureAwait(false);
        var hasRestarted = end.Error == PacketSecConnectionError.PeerRestarted;
        lock (_gate)
        {
            _connections.Remove(connection);
            if (hasRestarted)
            {
                _ofChannels.Remove(channel);
            }
        }

        // The restarted peer dialled anew, as far as anybody above can tell.
        if (hasRestarted)
        {
            await OfferAsync(channel).ConfigureAwait(false);
        }
    }

    private async Task AcceptAsync()
    {
        await Task.Yield();
        while (true)
        {
            try
            {
                await OfferAsync(await _endpoint.AcceptAsync().ConfigureAwait(false)).ConfigureAwait(false);
            }
            catch (PacketSecException)
            {
                return;
            }
        }
    }

    private async Task OfferAsync(PacketSecChannel channel)
    {
        var connection = Open(channel);
        if (!connection.Closed.IsCompleted && Volatile.Read(ref _listener)?.TryOffer(connection) != true)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }
}
