using System.Text;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Datagrams;
using PacketSec.Libp2p.Negotiation;
using PacketSec.Libp2p.Protocols;
using PacketSec.Libp2p.Transports;
using PacketSec.Protocol.Identity;

namespace PacketSec.Libp2p.Hosting;

/// <summary>The connection of a host to one peer, over which protocols are spoken.</summary>
/// <remarks>All members may be called from any thread at any time.</remarks>
#pragma warning disable CA1001 // A semaphore holds nothing to dispose until its wait handle is asked for.
public sealed class PeerConnection
#pragma warning restore CA1001
{
    private readonly Libp2pHost _host;
    private readonly SemaphoreSlim _ping = new(1);
    private readonly FlowTable _flows;
    private IdentifyMessage? _identity;
    private int _serving;
    private int _pingsServed;

    internal PeerConnection(Libp2pHost host, IConnection connection)
    {
        _host = host;
        Transport = connection;
        _flows = new(connection);
    }

    /// <summary>Gets the proven identity of the peer.</summary>
    public PeerId RemotePeerId => Transport.RemotePeerId;

    /// <summary>Gets the peer's address, with its peer ID at the end.</summary>
    public Multiaddress RemoteAddress => Transport.RemoteAddress;

    /// <summary>Gets a task that completes, and never fails, when the connection is over.</summary>
    public Task<ConnectionEnd> Closed => Transport.Closed;

    /// <summary>Gets what the peer told of itself last; null before it did.</summary>
    public IdentifyMessage? Identity => Volatile.Read(ref _identity);

    /// <summary>Gets how many datagrams came that belong to no flow.</summary>
    public long DatagramsDropped => _flows.Dropped;

    internal IConnection Transport { get; }

    private Libp2pHostOptions Options => _host.Options;

    /// <summary>Opens a stream and agrees on its protocol.</summary>
    /// <param name="protocol">The protocol.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The stream, whose owner disposes it.</returns>
    /// <exception cref="Libp2pException">
    /// <see cref="Libp2pError.NoCommonProtocol"/>, <see cref="Libp2pError.Malformed"/>, <see cref="Libp2pError.TimedOut"/>,
    /// <see cref="Libp2pError.StreamReset"/> or <see cref="Libp2pError.Closed"/>.
    /// </exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async Task<IStream> OpenStreamAsync(string protocol, CancellationToken cancellationToken = default)
        => (await OpenStreamAsync([protocol], cancellationToken).ConfigureAwait(false)).Stream;

    /// <summary>Opens a stream and agrees on one of several protocols.</summary>
    /// <param name="protocols">The first choice first.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The stream, whose owner disposes it, and the protocol that the peer takes.</returns>
    /// <exception cref="Libp2pException">
    /// <see cref="Libp2pError.NoCommonProtocol"/>, <see cref="Libp2pError.Malformed"/>, <see cref="Libp2pError.TimedOut"/>,
    /// <see cref="Libp2pError.StreamReset"/> or <see cref="Libp2pError.Closed"/>.
    /// </exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    //= spec/libp2p.md#negotiation-timeout
    public async Task<(IStream Stream, string Protocol)> OpenStreamAsync(
        IReadOnlyList<string> protocols, CancellationToken cancellationToken = default)
    {
        using var deadline = new Deadline(Options.NegotiationTimeout, Options.TimeProvider, cancellationToken);
        IStream? stream = null;
        try
        {
            stream = await Transport.OpenStreamAsync(deadline.Token).ConfigureAwait(false);
            var protocol = await MultistreamSelect.DialAsync(stream, protocols, deadline.Token).ConfigureAwait(false);
            return (stream, protocol);
        }
        catch (Exception e)
        {
            await GiveUpAsync(stream, StreamCodes.NegotiationFailed).ConfigureAwait(false);
            if (e is OperationCanceledException cancelled)
            {
                throw deadline.Explain(cancelled, "The peer did not agree on a protocol in time.");
            }

            throw;
        }
    }

    /// <summary>Opens a flow of unreliable datagrams.</summary>
    /// <param name="protocol">The application's protocol.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The flow, whose owner disposes it. A peer that does not serve the protocol ends it.</returns>
    /// <exception cref="Libp2pException">As for a stream; <see cref="Libp2pError.Refused"/> when there are too many flows.</exception>
    /// <exception cref="ArgumentException">The protocol cannot be a name.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async Task<DatagramFlow> OpenFlowAsync(string protocol, CancellationToken cancellationToken = default)
    {
        if (protocol is null || !MultistreamSelect.IsName(protocol))
        {
            throw new ArgumentException("The protocol of a flow has a name as that of a stream has.", nameof(protocol));
        }

        var control = await OpenStreamAsync(DatagramFlow.ControlProtocolId, cancellationToken).ConfigureAwait(false);
        try
        {
            //= spec/libp2p.md#flow-control-stream
            DelimitedMessage.Write(control.Output, Encoding.UTF8.GetBytes(protocol));
            await control.Output.FlushAsync(cancellationToken).ConfigureAwait(false);
            return _flows.TryAdd(control, protocol)
                ?? throw new Libp2pException(Libp2pError.Refused, $"There are {FlowTable.MaxFlows} flows on the connection: end one first.");
        }
        catch
        {
            await GiveUpAsync(control, StreamCodes.LimitExceeded).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Measures a round trip. Calls at the same time wait for each other.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="Libp2pException">As for a stream, or <see cref="Libp2pError.Malformed"/> for an echo that is none.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    //= spec/libp2p.md#ping-streams
    public async Task<TimeSpan> PingAsync(CancellationToken cancellationToken = default)
    {
        await _ping.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            //= spec/libp2p.md#ping-timeout
            using var deadline = new Deadline(Options.NegotiationTimeout, Options.TimeProvider, cancellationToken);
            try
            {
                var stream = await OpenStreamAsync(Ping.ProtocolId, deadline.Token).ConfigureAwait(false);
                await using (stream.ConfigureAwait(false))
                {
                    return await Ping.MeasureAsync(stream, Options.TimeProvider, deadline.Token).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException e)
            {
                throw deadline.Explain(e, "The peer did not answer a ping in time.");
            }
        }
        finally
        {
            _ping.Release();
        }
    }

    /// <summary>Asks the peer for what it tells of itself, and keeps it in <see cref="Identity"/>.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="Libp2pException">As for a stream; <see cref="Libp2pError.WrongPeer"/> when it tells another key than its own.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async Task<IdentifyMessage> IdentifyAsync(CancellationToken cancellationToken = default)
    {
        using var deadline = new Deadline(Options.NegotiationTimeout, Options.TimeProvider, cancellationToken);
        try
        {
            var stream = await OpenStreamAsync(Identify.ProtocolId, deadline.Token).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                stream.CompleteWrites();
                var message = await Identify.ReceiveAsync(stream, RemotePeerId, deadline.Token).ConfigureAwait(false);
                Volatile.Write(ref _identity, message);
                return message;
            }
        }
        catch (OperationCanceledException e)
        {
            throw deadline.Explain(e, "The peer did not tell of itself in time.");
        }
    }

    /// <summary>Closes the connection; the peer is told. Idempotent.</summary>
    /// <param name="code">0 to 2^62-1, for the peer.</param>
    /// <param name="reason">For people at the other end.</param>
    public ValueTask CloseAsync(long code = 0, string reason = "") => Transport.CloseAsync(code, reason);

    internal async Task PushIdentityAsync(CancellationToken cancellationToken)
    {
        var stream = await OpenStreamAsync(Identify.PushProtocolId, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            await Identify.SendAsync(stream, _host.Describe(this), cancellationToken).ConfigureAwait(false);

            // The peer ends its side when it has read the message; a stream that is given up before loses it.
            await stream.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes streams and datagrams until the connection is over.</summary>
    internal async Task RunAsync()
    {
        var datagrams = _flows.RunAsync();
        while (true)
        {
            IStream stream;
            try
            {
                stream = await Transport.AcceptStreamAsync().ConfigureAwait(false);
            }
            catch (Libp2pException)
            {
                break;
            }

            _host.OnStream(this);

            //= spec/libp2p.md#inbound-streams
            if (Interlocked.Increment(ref _serving) > Options.MaxInboundStreams)
            {
                Interlocked.Decrement(ref _serving);
                await GiveUpAsync(stream, StreamCodes.LimitExceeded).ConfigureAwait(false);
                continue;
            }

            _ = ServeAsync(stream);
        }

        await datagrams.ConfigureAwait(false);
    }

    private static async ValueTask GiveUpAsync(IStream? stream, long code)
    {
        if (stream is not null)
        {
            stream.Reset(code);
            stream.StopSending(code);
            await stream.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task ServeAsync(IStream stream)
    {
        var code = StreamCodes.NegotiationFailed;
        try
        {
            string? protocol;
            using (var deadline = new Deadline(Options.NegotiationTimeout, Options.TimeProvider, _host.Lifetime))
            {
                protocol = await MultistreamSelect.ListenAsync(stream, _host.Protocols, deadline.Token).ConfigureAwait(false);
            }

            code = StreamCodes.HandlerFailed;
            if (protocol is not null)
            {
                await DispatchAsync(stream, protocol).ConfigureAwait(false);
            }

            await stream.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is Libp2pException or OperationCanceledException)
        {
            // What the peer did or left undone ends its stream, and nothing else.
            await GiveUpAsync(stream, code).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _host.Logger.HandlerFailed(e, RemotePeerId);
            await GiveUpAsync(stream, code).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _serving);
        }
    }

    private async Task DispatchAsync(IStream stream, string protocol)
    {
        using var deadline = new Deadline(Options.NegotiationTimeout, Options.TimeProvider, _host.Lifetime);
        switch (protocol)
        {
            case Identify.ProtocolId:
                await Identify.SendAsync(stream, _host.Describe(this), deadline.Token).ConfigureAwait(false);
                break;
            case Identify.PushProtocolId:
                var pushed = await Identify.ReceiveAsync(stream, RemotePeerId, deadline.Token).ConfigureAwait(false);
                Volatile.Write(ref _identity, Identity is { } known ? known.Updated(pushed) : pushed);
                break;
            case Ping.ProtocolId:
                await EchoAsync(stream).ConfigureAwait(false);
                break;
            case DatagramFlow.ControlProtocolId:
                await ServeFlowAsync(stream, deadline.Token).ConfigureAwait(false);
                break;
            default:
                if (_host.HandlerOf(protocol) is { } handler)
                {
                    await handler(this, stream, _host.Lifetime).ConfigureAwait(false);
                }

                break;
        }
    }

    private async Task EchoAsync(IStream stream)
    {
        try
        {
            if (Interlocked.Increment(ref _pingsServed) > Ping.MaxInboundStreams)
            {
                throw new Libp2pException(Libp2pError.Refused, "The peer pings on more streams than it may.");
            }

            await Ping.EchoAsync(stream, _host.Lifetime).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _pingsServed);
        }
    }

    private async Task ServeFlowAsync(IStream control, CancellationToken cancellationToken)
    {
        var (status, name) = await DelimitedMessage.ReadAsync(control.Input, MultistreamSelect.MaxMessageSize, cancellationToken).ConfigureAwait(false);
        if (status != MessageStatus.Complete || _host.FlowHandlerOf(Encoding.UTF8.GetString(name)) is not { } handler)
        {
            throw new Libp2pException(Libp2pError.NoCommonProtocol, "The flow names no protocol that is served here.");
        }

        var flow = _flows.TryAdd(control, Encoding.UTF8.GetString(name))
            ?? throw new Libp2pException(Libp2pError.Refused, "The peer has more flows than it may.");
        await using (flow.ConfigureAwait(false))
        {
            await handler(this, flow, _host.Lifetime).ConfigureAwait(false);
        }
    }
}
