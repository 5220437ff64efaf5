using System.Collections.Immutable;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Datagrams;
using PacketSec.Libp2p.Negotiation;
using PacketSec.Libp2p.Protocols;
using PacketSec.Libp2p.Transports;
using PacketSec.Protocol.Identity;

namespace PacketSec.Libp2p.Hosting;

/// <summary>
/// A small host of libp2p over one transport: at most one connection to each peer, whoever dialled, and ping, identify and flows beside the protocols that
/// are given to it. <c>spec/libp2p.md</c> has what it says on the wire.
/// </summary>
/// <remarks>All members may be called from any thread at any time. Handlers run on the thread pool.</remarks>
public sealed partial class Libp2pHost : IAsyncDisposable
{
    // So that what a host tells of itself fits the message that tells it.
    private const int MaxServedName = 128;

    private static readonly string[] OwnProtocols = [Identify.ProtocolId, Identify.PushProtocolId, Ping.ProtocolId];

    private readonly ITransport _transport;
    private readonly Lock _gate = new();
    private readonly Dictionary<PeerId, PeerEntry> _peers = [];
    private readonly List<IListener> _listeners = [];
    private readonly List<Task> _accepting = [];
    private readonly CancellationTokenSource _lifetime = new();
    private ImmutableDictionary<string, StreamHandler> _handlers = ImmutableDictionary<string, StreamHandler>.Empty;
    private ImmutableDictionary<string, FlowHandler> _flowHandlers = ImmutableDictionary<string, FlowHandler>.Empty;
    private ImmutableArray<string> _protocols = [.. OwnProtocols];
    private int _disposed;

    private Libp2pHost(ITransport transport, Libp2pHostOptions options)
    {
        _transport = transport;
        Options = options;
        Lifetime = _lifetime.Token;
        Logger = options.LoggerFactory?.CreateLogger<Libp2pHost>() ?? NullLogger<Libp2pHost>.Instance;
    }

    /// <summary>Occurs when a peer is connected. Raised on the thread pool; what a listener throws is logged.</summary>
    public event EventHandler<PeerConnection>? Connected;

    /// <summary>Gets the own peer ID, which others dial.</summary>
    public PeerId PeerId => _transport.LocalPeerId;

    /// <summary>Gets the addresses that others dial.</summary>
    public IReadOnlyList<Multiaddress> ListenAddresses
    {
        get
        {
            lock (_gate)
            {
                return _listeners.ConvertAll(listener => listener.LocalAddress).AsReadOnly();
            }
        }
    }

    /// <summary>Gets the connections there are, one for each peer.</summary>
    public IReadOnlyList<PeerConnection> Connections
    {
        get
        {
            lock (_gate)
            {
                return _peers.Values.Select(entry => entry.Election.Chosen).OfType<PeerConnection>().ToList().AsReadOnly();
            }
        }
    }

    /// <summary>Gets how many connections there are, those that wait to be chosen or are about to end included.</summary>
    internal int KnownConnections
    {
        get
        {
            lock (_gate)
            {
                return _peers.Values.Sum(entry => entry.Known.Count);
            }
        }
    }

    internal Libp2pHostOptions Options { get; }

    internal ILogger Logger { get; }

    internal CancellationToken Lifetime { get; }

    internal IReadOnlyCollection<string> Protocols => _protocols;

    /// <summary>Makes a host of a transport, which it takes over and disposes.</summary>
    /// <param name="transport">The transport.</param>
    /// <param name="options">How; null is as by default.</param>
    /// <exception cref="ArgumentException">An option is out of its bounds.</exception>
    public static Libp2pHost Start(ITransport transport, Libp2pHostOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(transport);
        options ??= new();
        options.Validate();
        return new(transport, options);
    }

    /// <summary>Serves a protocol on streams that peers open. Peers that are connected learn of it by <see cref="PushIdentityAsync"/>.</summary>
    /// <param name="protocol">The protocol.</param>
    /// <param name="handler">What serves it.</param>
    /// <exception cref="ArgumentException">The protocol cannot be a name, or is one of the host's own.</exception>
    public void Handle(string protocol, StreamHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        CheckName(protocol);
        lock (_gate)
        {
            _handlers = _handlers.SetItem(protocol, handler);
            ListProtocols();
        }
    }

    /// <summary>Serves a protocol on flows that peers open.</summary>
    /// <param name="protocol">The protocol.</param>
    /// <param name="handler">What serves it.</param>
    /// <exception cref="ArgumentException">The protocol cannot be a name, or is one of the host's own.</exception>
    public void HandleFlow(string protocol, FlowHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        CheckName(protocol);
        lock (_gate)
        {
            _flowHandlers = _flowHandlers.SetItem(protocol, handler);
            ListProtocols();
        }
    }

    /// <summary>Begins to accept connections at an address.</summary>
    /// <param name="address">An address of this machine; port 0 lets the system choose.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <returns>The address that others dial.</returns>
    /// <exception cref="Libp2pException"><see cref="Libp2pError.UnsupportedAddress"/>, or the host is <see cref="Libp2pError.Closed"/>.</exception>
    /// <exception cref="IOException">The system does not give the address.</exception>
    public async Task<Multiaddress> ListenAsync(Multiaddress address, CancellationToken cancellationToken = default)
    {
        var listener = await _transport.ListenAsync(address, cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            _listeners.Add(listener);
            _accepting.Add(AcceptAsync(listener));
        }

        return listener.LocalAddress;
    }

    /// <summary>Sends what this side tells of itself to all connected peers, after it changed. Peers that do not take it are passed over.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public Task PushIdentityAsync(CancellationToken cancellationToken = default)
        => Task.WhenAll(Connections.Select(connection => PushAsync(connection, cancellationToken)));

    /// <summary>Ends the host: listeners and connections are closed, peers told, and the transport disposed. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _lifetime.CancelAsync().ConfigureAwait(false);
        IListener[] listeners;
        PeerConnection[] connections;
        Task[] accepting;
        lock (_gate)
        {
            listeners = [.. _listeners];
            accepting = [.. _accepting];
            connections = [.. _peers.Values.SelectMany(entry => entry.Known)];
        }

        foreach (var listener in listeners)
        {
            await listener.DisposeAsync().ConfigureAwait(false);
        }

        await Task.WhenAll(accepting).ConfigureAwait(false);

        // Each may wait for its peer, and there may be thousands.
        await Task.WhenAll(connections.Select(connection => connection.CloseAsync(ConnectionCodes.Shutdown, "The host ends.").AsTask()))
            .ConfigureAwait(false);
        await _transport.DisposeAsync().ConfigureAwait(false);
        _lifetime.Dispose();
    }

    internal StreamHandler? HandlerOf(string protocol) => _handlers.GetValueOrDefault(protocol);

    internal FlowHandler? FlowHandlerOf(string protocol) => _flowHandlers.GetValueOrDefault(protocol);

    /// <summary>Returns what this side tells of itself to a peer.</summary>
    internal IdentifyMessage Describe(PeerConnection connection) => new()
    {
        PublicKey = PeerId.TryGetPublicKey(out var key) ? key : null,
        ListenAddresses = [.. ListenAddresses.Take(IdentifyMessage.MaxElements)],
        Protocols = [.. _protocols.Take(IdentifyMessage.MaxElements)],
        ObservedAddress = connection.RemoteAddress.WithoutPeer(),
        ProtocolVersion = Options.ProtocolVersion,
        AgentVersion = Options.AgentVersion,
    };

    private static void CheckName(string protocol)
    {
        if (protocol is null || !MultistreamSelect.IsName(protocol) || Encoding.UTF8.GetByteCount(protocol) > MaxServedName
            || protocol == DatagramFlow.ControlProtocolId || OwnProtocols.Contains(protocol))
        {
            throw new ArgumentException(
                $"'{protocol}' cannot be served: it is no name of 1 to {MaxServedName} bytes, or the host serves it itself.", nameof(protocol));
        }
    }

    private void ListProtocols()
        => _protocols = [.. OwnProtocols, .. _flowHandlers.IsEmpty ? [] : new[] { DatagramFlow.ControlProtocolId }, .. _handlers.Keys];

    private async Task PushAsync(PeerConnection connection, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(Options.NegotiationTimeout, Options.TimeProvider, cancellationToken);
        try
        {
            await connection.PushIdentityAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (Libp2pException e)
        {
            Logger.NotPushed(connection.RemotePeerId, e.Message);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            Logger.NotPushed(connection.RemotePeerId, e.Message);
        }
    }

    private async Task AcceptAsync(IListener listener)
    {
        await Task.Yield();
        while (true)
        {
            try
            {
                Establish(await listener.AcceptAsync(Lifetime).ConfigureAwait(false), dialled: false);
            }
            catch (Exception e) when (e is Libp2pException or OperationCanceledException)
            {
                return;
            }
        }
    }
}
