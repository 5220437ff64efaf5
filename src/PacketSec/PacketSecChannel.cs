using System.Net;
using System.Threading.Channels;
using PacketSec.Diagnostics;
using PacketSec.Internal;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;

namespace PacketSec;

/// <summary>Takes one datagram.</summary>
/// <param name="payload">The datagram, valid during the call only.</param>
public delegate void DatagramHandler(ReadOnlySpan<byte> payload);

/// <summary>
/// Datagrams to and from one identity: authenticated, encrypted, each delivered at most once, without order, and lost when the network loses them. The
/// channel renews its keys, follows its peer to new addresses and finds it again after a restart, by itself.
/// </summary>
/// <remarks>
/// All members may be called from any thread at any time; <see cref="ReceiveAsync"/> by one caller at a time. Sending blocks for no longer than it takes
/// to encrypt. Disposal closes the channel. It is over, too, when the peer closes it, when no session lives for the idle timeout, and with its endpoint.
/// </remarks>
public sealed partial class PacketSecChannel : IAsyncDisposable
{
    private const int KeptEvents = 256;

    private static readonly TimeSpan DisposalBound = TimeSpan.FromMilliseconds(500);

    private readonly EndpointDriver _endpoint;
    private readonly ReceiveQueue _queue;
    private readonly Channel<PacketSecChannelEvent> _events = Channel.CreateBounded<PacketSecChannelEvent>(
        new BoundedChannelOptions(KeptEvents) { FullMode = BoundedChannelFullMode.DropOldest, SingleWriter = true });

    private readonly TaskCompletionSource<PacketSecError?> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _disposal = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly Lock _connectionGate = new();
    private IPacketSink? _sink;
    private int _handling;

    // Whether the queue may hold datagrams for the handler: looked at for each datagram, where the queue itself need not be.
    private bool _mayWait = true;
    private long _handlerFailures;
    private long _handlerStalls;
    private IPEndPoint? _remote;
    private Agreement? _agreement;
    private string _scheme = string.Empty;
    private int _disposed;

    internal PacketSecChannel(EndpointDriver endpoint, PeerDriver peer)
    {
        _endpoint = endpoint;
        Peer = peer;
        _queue = new(endpoint.Options.ReceiveQueueDatagrams, endpoint.Options.ReceiveQueueBytes);
    }

    /// <summary>
    /// Occurs when datagrams go to another address of the peer from here on. Raised on the thread pool; what a handler throws is logged.
    /// </summary>
    public event EventHandler<IPEndPoint>? RemoteAddressChanged;

    /// <summary>Gets the longest datagram that <see cref="TrySend(ReadOnlySpan{byte})"/> takes, in bytes. The peer may send longer ones.</summary>
    public int MaxDatagramSize => Peer.Machine.MaxPayload;

    /// <summary>Gets the identity of the peer, which every session of the channel has proved.</summary>
    public PeerId RemotePeerId => Peer.Machine.RemotePeer;

    /// <summary>Gets the address that datagrams go to.</summary>
    public IPEndPoint RemoteAddress => Volatile.Read(ref _remote) ?? throw new InvalidOperationException("The channel is not open yet.");

    /// <summary>Gets the scheme that made the newest session's keys, such as <c>p2pke-1</c>.</summary>
    public string Scheme => Volatile.Read(ref _scheme);

    /// <summary>Gets what the newest session was agreed on, the same at both ends; null in direct mode.</summary>
    public Agreement? Agreement => Volatile.Read(ref _agreement);

    /// <summary>
    /// Gets what the peer told of its user when it began the channel by <c>mychips-1</c>: bytes of the application's choice, which the peer alone vouches
    /// for. Empty elsewhere.
    /// </summary>
    public ReadOnlyMemory<byte> RemoteCertificate => Peer.Machine.RemoteCertificate;

    /// <summary>Gets a task that completes, and never fails, when the channel is over: with the reason, or null when this side disposed it.</summary>
    public Task<PacketSecError?> Closed => _closed.Task;

    internal PeerDriver Peer { get; }

    internal EndpointDriver Endpoint => _endpoint;

    /// <summary>Gets who takes the datagrams, unless calls of the application do.</summary>
    internal IPacketSink? Sink => Volatile.Read(ref _sink);

    internal bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    /// <summary>
    /// Sends one datagram, or queues it while there is no session. Never waits for the network, throws nothing the network does, and allocates nothing
    /// but for what it queues.
    /// </summary>
    /// <param name="datagram">1 to <see cref="MaxDatagramSize"/> bytes.</param>
    /// <returns>What became of it.</returns>
    /// <exception cref="ArgumentException">The datagram is empty: empty ones are the protocol's own and are never delivered.</exception>
    public SendResult TrySend(ReadOnlySpan<byte> datagram)
    {
        if (datagram.IsEmpty)
        {
            throw Empty(nameof(datagram));
        }

        return Peer.TrySend(datagram);
    }

    /// <summary>
    /// Sends datagrams with as few system calls as the platform allows: fastest when they are equally long, but for the last. Each is sent, queued or
    /// refused as by <see cref="TrySend(ReadOnlySpan{byte})"/>, in their order; one that is refused does not hold up those behind it.
    /// </summary>
    /// <param name="datagrams">The datagrams, each of 1 to <see cref="MaxDatagramSize"/> bytes.</param>
    /// <param name="results">What became of each: as long as <paramref name="datagrams"/>, or empty where nobody asks.</param>
    /// <returns>How many were sent or queued.</returns>
    /// <exception cref="ArgumentException">A datagram is empty, or the results are shorter than the datagrams; nothing is sent then.</exception>
    public int TrySend(ReadOnlySpan<ReadOnlyMemory<byte>> datagrams, Span<SendResult> results = default)
    {
        CheckResults(datagrams.Length, results.Length);
        foreach (ref readonly var datagram in datagrams)
        {
            if (datagram.IsEmpty)
            {
                throw Empty(nameof(datagrams));
            }
        }

        return _endpoint.Send(new DatagramsOfOne(Peer, datagrams), results);
    }

    /// <summary>
    /// Receives one datagram. A call that is cancelled takes none. Allocates nothing for datagrams that wait already.
    /// </summary>
    /// <param name="buffer">Where it goes. Left alone until the task is complete: it is written to then.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The length of the datagram. Await the task once, before the next call.</returns>
    /// <exception cref="PacketSecException">
    /// The channel is over and no datagram is left; or the next datagram is longer than the buffer (<see cref="PacketSecError.TooLarge"/>): it stays, and
    /// <see cref="PacketSecException.RequiredSize"/> tells what it needs.
    /// </exception>
    /// <exception cref="ObjectDisposedException">This side disposed the channel.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    /// <exception cref="InvalidOperationException">Another call is under way, or a handler takes the datagrams.</exception>
    public ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        => _queue.ReceiveAsync(buffer, cancellationToken);

    /// <summary>
    /// Receives one datagram without copying it: what is returned lies in the channel's own buffer and is valid until the next call that receives.
    /// A call that is cancelled takes none. Allocates nothing.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The datagram. Await the task once, before the next call.</returns>
    /// <exception cref="PacketSecException">The channel is over and no datagram is left.</exception>
    /// <exception cref="ObjectDisposedException">This side disposed the channel.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    /// <exception cref="InvalidOperationException">Another call is under way, or a handler takes the datagrams.</exception>
    public ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellationToken = default) => _queue.ReadAsync(cancellationToken);

    /// <summary>Receives one datagram without copying it, as <see cref="ReadAsync"/> does, if one is there.</summary>
    /// <param name="datagram">The datagram, valid until the next call that receives.</param>
    /// <returns>False when none waits; also when the channel is over, which <see cref="ReadAsync"/> tells.</returns>
    /// <exception cref="InvalidOperationException">Another call is under way, or a handler takes the datagrams.</exception>
    public bool TryRead(out ReadOnlyMemory<byte> datagram) => _queue.TryRead(out datagram);

    /// <summary>
    /// Gives the channel's datagrams to a handler from now on, those first that wait already. The handler runs on a thread of the endpoint that receives,
    /// one call at a time, without a copy or a queue between: while it runs, what came to the same socket waits, and what the socket's buffer does not hold
    /// is lost. So it must be short and must not wait for anything, least of all for a task of this library. It may send. More than 1 ms is counted and,
    /// once for a channel, logged; so is what it throws.
    /// </summary>
    /// <param name="handler">The handler; it takes the place of the one before.</param>
    /// <exception cref="InvalidOperationException">A call of <see cref="ReceiveAsync"/> or <see cref="ReadAsync"/> is under way.</exception>
    public void OnDatagram(DatagramHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        if (Volatile.Read(ref _sink) is ConnectionDriver)
        {
            throw new InvalidOperationException("The channel's datagrams go to its PacketSecConnection: use that one's datagrams.");
        }

        Attach(new HandlerSink(this, handler));
    }

    /// <summary>
    /// Reads what happened to the channel, from its opening on. The last 256 events are kept for the reader; each goes to one reader. Ends after
    /// <see cref="PacketSecChannelEvent.Closed"/>.
    /// </summary>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="OperationCanceledException">The reading was cancelled.</exception>
    public IAsyncEnumerable<PacketSecChannelEvent> ReadEventsAsync(CancellationToken cancellationToken = default)
        => _events.Reader.ReadAllAsync(cancellationToken);

    /// <summary>Gets a snapshot of the counters.</summary>
    public PacketSecChannelStatistics GetStatistics()
    {
        var counters = Peer.Machine.Statistics;
        return new()
        {
            DatagramsSent = counters.DatagramsSent,
            BytesSent = counters.BytesSent,
            DatagramsReceived = counters.DatagramsReceived,
            BytesReceived = counters.BytesReceived,
            Sessions = counters.SessionsConfirmed,
            HandlerFailures = Interlocked.Read(ref _handlerFailures),
            HandlerStalls = Interlocked.Read(ref _handlerStalls),
            Drops = EndpointTotals.ToDictionary(Peer.Machine.Drops),
        };
    }

    /// <summary>
    /// Closes the channel: tells the peer, three times over 200 ms, and wipes the keys. Complete within 500 ms. Idempotent. A pending
    /// <see cref="ReceiveAsync"/> fails with <see cref="ObjectDisposedException"/>, and what was not received is given up.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _queue.End(static () => new ObjectDisposedException(nameof(PacketSecChannel)), discard: true);
            _endpoint.Post(new DriverMessage.CloseChannel(Peer));
        }

        // Past the bound the endpoint's thread is held up by a handler; it goes on with the closing after it.
        await _disposal.Task.WaitAsync(DisposalBound).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Makes the error of a dial or channel that ended.</summary>
    internal static PacketSecException ToException(PacketSecError error, string peer) => new(error, error switch
    {
        PacketSecError.Refused => $"{peer} refused the channel: ask its operator to allow this side's peer ID.",
        PacketSecError.NoCommonScheme => $"{peer} serves none of the schemes proposed: propose one that it serves, or ask its operator.",
        PacketSecError.WrongIdentity => $"Another identity than {peer} answers at that address: check the address and the expected peer ID.",
        PacketSecError.TimedOut => $"{peer} did not answer within 10 s: check the address, that it runs, and that no firewall drops its UDP.",
        PacketSecError.PeerClosed => $"{peer} closed the channel: connect again if there is more to say.",
        PacketSecError.IdleTimeout => $"{peer} was out of reach, or nothing was sent, for the idle timeout: connect again.",
        PacketSecError.ProtocolViolation => $"{peer} broke the protocol: compare the versions of both sides.",
        PacketSecError.EndpointClosed => "The endpoint is closed: bind a new one.",
        PacketSecError.TooLarge => "The datagram is too large: see MaxDatagramSize.",
    });

    internal void OnConfirmed(PeerEvent.SessionConfirmed session, IPEndPoint remote)
    {
        Volatile.Write(ref _agreement, session.Agreement);
        Volatile.Write(ref _scheme, session.Scheme);
        if (_remote is null)
        {
            Volatile.Write(ref _remote, remote);
        }

        Report(new PacketSecChannelEvent.SessionConfirmed(session.Number, session.Role, remote) { Agreement = session.Agreement });
    }

    internal void Report(PacketSecChannelEvent channelEvent) => _events.Writer.TryWrite(channelEvent);

    internal void OnAddressChanged(IPEndPoint remote)
    {
        Volatile.Write(ref _remote, remote);
        Report(new PacketSecChannelEvent.AddressChanged(remote));
        if (RemoteAddressChanged is { } handler)
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                _ =>
                {
                    try
                    {
                        handler(this, remote);
                    }
                    catch (Exception error)
                    {
                        _endpoint.Log.HandlerFailed(error, RemotePeerId);
                    }
                },
                null);
        }
    }

    /// <summary>Ends the channel for the application. The first reason stays.</summary>
    /// <param name="error">Why; null when this side closed it.</param>
    internal void OnClosed(PacketSecError? error)
    {
        var reason = error;
        if (reason is { } because)
        {
            var peer = RemotePeerId.ToString();
            _queue.End(() => ToException(because, peer), discard: because == PacketSecError.EndpointClosed);
        }
        else
        {
            _queue.End(static () => new ObjectDisposedException(nameof(PacketSecChannel)), discard: true);
        }

        if (_closed.TrySetResult(reason))
        {
            Report(new PacketSecChannelEvent.Closed(reason));
            _events.Writer.TryComplete();
            Volatile.Read(ref _sink)?.OnChannelClosed(reason);
        }

        CompleteDisposal();
    }

    /// <summary>Nothing is left to do for a disposal.</summary>
    internal void CompleteDisposal() => _disposal.TrySetResult();
}
