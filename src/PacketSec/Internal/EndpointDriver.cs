using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PacketSec.Crypto;
using PacketSec.Diagnostics;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Udp;

namespace PacketSec.Internal;

/// <summary>
/// Drives the machines of one endpoint. Shards receive and open what comes to known peers, and the application's threads seal, under the peers' gates.
/// One thread does all else: it keeps the time, takes handshakes and strangers, and carries what machines report, in order; other threads post
/// messages to it. So no datagram of a handshake is looked at between its end and the route to its session.
/// </summary>
/// <remarks>
/// One gate for each peer, one for the endpoint machine, never two at once, and none while user code or the system is called. This part is what other
/// threads call; the loop, the carrying of events and the sending stand in the other parts.
/// </remarks>
internal sealed partial class EndpointDriver : IAsyncDisposable
{
    private readonly IDatagramIo[] _sockets;
    private readonly Shard[] _shards;
    private readonly AutoResetEvent _wakeEvent = new(false);
    private readonly ICryptoProvider _crypto;
    private readonly EndpointMachine _machine;
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<PeerHandle, PeerDriver> _peers = [];
    private readonly ConcurrentQueue<DriverMessage> _mailbox = [];
    private readonly Channel<PacketSecChannel> _accepted;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _totalsGate = new();
    private readonly EndpointTotals _past = new();

    private PeerDriver? _withNews;
    private int _wakeRequested;
    private long _handedHandled;
    private long _sendFailures;
    private bool _aborted;
    private Exception? _failure;

    private EndpointDriver(PacketSecEndpointOptions options, IDatagramIo[] sockets)
    {
        Options = options;
        _sockets = sockets;
        _crypto = CryptoProvider.Default;
        Log = options.LoggerFactory?.CreateLogger("PacketSec.Endpoint") ?? NullLogger.Instance;
        Clock = new DriverClock(options.TimeProvider);
        Streams = new StreamScheduler(Clock, error => Post(new DriverMessage.Fail(error)));
        LocalEndPoint = sockets[0].LocalAddress.ToEndPoint();
        _machine = new EndpointMachine(new()
        {
            Crypto = _crypto,
            Random = SystemRandomSource.Instance,
            Identity = options.Identity.Key,
            NetworkKey = options.NetworkKey,
            Schemes = options.Schemes,
            DirectScheme = options.DirectScheme,
            AllowMixture = options.AllowSchemeMixture,
            MaxDatagramSize = options.MaxUdpPayload,
            Catalogue = options.Catalogue,
            InboundChannels = options.InboundChannels,
            Sites = options.Sites,

            // The driver always has a say: a channel that nobody can accept is refused.
            AskApplication = true,
        });
        SendContexts = new SendContexts(_crypto);
        _accepted = Channel.CreateBounded<PacketSecChannel>(new BoundedChannelOptions(options.AcceptBacklog) { SingleWriter = true });
        _wheel = new TimerWheel(Clock.Now);
        _workers = new HandshakeWorkers(job => Post(new DriverMessage.WorkDone(job)), error => Post(new DriverMessage.Fail(error)));
        _aead = new PacketAead(_crypto);
        _control = new ControlBatch(CountSendFailures);
        _peerOutbox = new Outbox(options.MaxUdpPayload);
        _endpointOutbox = new Outbox(options.MaxUdpPayload);
        _clockTimer = Clock.IsCustom ? new ClockTimer(Clock, Wake) : null;
        _thread = new Thread(Run) { IsBackground = true, Name = "PacketSec endpoint" };
        _shards = [.. sockets.Select((io, i) => new Shard(this, _machine, new PacketAead(_crypto), io, i))];
    }

    public PacketSecEndpointOptions Options { get; }

    public ILogger Log { get; }

    public DriverClock Clock { get; }

    public StreamScheduler Streams { get; }

    public SendContexts SendContexts { get; }

    public IPEndPoint LocalEndPoint { get; }

    /// <summary>Gets the end: nothing is served any more, and nothing of the endpoint runs.</summary>
    public Task Stopped => _stopped.Task;

    /// <summary>Gets what ended the endpoint, where that was not its owner.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    public string PathDescription => _sockets[0].PathName;

    public static EndpointDriver Start(PacketSecEndpointOptions options)
    {
        // Throws when the identity is disposed.
        _ = options.Identity.Key.Seed;
        IDatagramIo[] sockets = [.. UdpTransport.BindGroup(
            new()
            {
                LocalEndPoint = options.LocalEndPoint,
                ReceiveBufferBytes = options.SocketReceiveBufferBytes,
                SendBufferBytes = options.SocketSendBufferBytes,
                Path = options.DatagramPath switch
                {
                    DatagramPath.Automatic => UdpPath.Automatic,
                    DatagramPath.Batched => UdpPath.Batched,
                    DatagramPath.Portable => UdpPath.Portable,
                },
            },
            options.Shards)];
        if (options.Tap is { } tap)
        {
            sockets = TappedDatagramIo.Around(sockets, tap, options.TimeProvider);
        }

        EndpointDriver driver;
        try
        {
            driver = new EndpointDriver(options, sockets);
        }
        catch
        {
            Array.ForEach(sockets, io => io.Dispose());
            throw;
        }

        driver.Log.Bound(options.Identity.PeerId, driver.LocalEndPoint, sockets[0].PathName);
        foreach (var warning in sockets.SelectMany(io => io.Warnings).Distinct())
        {
            driver.Log.SocketWarning(warning.Message);
        }

        PacketSecMeter.Add(driver);
        driver._thread.Start();
        Array.ForEach(driver._shards, shard => shard.Start());
        return driver;
    }

    public async Task<PacketSecChannel> ConnectAsync(
        IPEndPoint remote, PeerId peer, PacketSecConnectOptions options, CancellationToken cancellationToken)
    {
        CheckRemote(remote);
        if (peer.Equals(Options.Identity.PeerId))
        {
            throw new ArgumentException("The identity is this endpoint's own: an endpoint does not talk to itself.", nameof(peer));
        }

        cancellationToken.ThrowIfCancellationRequested();
        var proposal = options.ToProposal(Options);
        var directScheme = options.DirectScheme ?? Options.DirectScheme ?? P2pkeScheme.SchemeName;
        Options.Catalogue.CheckCallable(peer, proposal, directScheme, options.Ticket, Options.SiteId is not null);
        PeerMachineOptions.CheckFirst(options.Ticket, Options.CertificateWithTicket ? Options.Certificate.Length : 0, Options.MaxUdpPayload);
        var dial = new Dial(this, remote, peer, proposal, directScheme, options.Ticket);
        Post(new DriverMessage.Connect(dial));
        try
        {
            using var registration = cancellationToken.UnsafeRegister(static (dial, token) => ((Dial)dial!).Cancel(token), dial);
            return await dial.Outcome.ConfigureAwait(false);
        }
        finally
        {
            Post(new DriverMessage.DialOver(dial));
        }
    }

    public async ValueTask<PacketSecChannel> AcceptAsync(CancellationToken cancellationToken)
    {
        while (await _accepted.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_accepted.Reader.TryRead(out var channel))
            {
                return channel;
            }
        }

        throw PacketSecChannel.ToException(PacketSecError.EndpointClosed, string.Empty);
    }

    public ValueTask DisposeAsync()
    {
        Post(new DriverMessage.CloseEndpoint());
        return new(_stopped.Task);
    }

    public Task AbortAsync()
    {
        Volatile.Write(ref _aborted, true);
        Wake();
        return _stopped.Task;
    }

    /// <summary>Gives a message to the endpoint's thread; after its end the message is settled at once.</summary>
    public void Post(DriverMessage message)
    {
        _mailbox.Enqueue(message);
        Wake();
        if (_stopped.Task.IsCompleted)
        {
            SettleMailbox();
        }
    }

    /// <summary>Tells the endpoint's thread that a peer's machine has something to poll, or a nearer deadline.</summary>
    public void Notify(PeerDriver peer)
    {
        AddNews(peer);
        Wake();
    }

    /// <summary>
    /// Does what <see cref="Notify"/> does but for the waking, which the caller does later: also where another has told of the peer, who may be held up
    /// before it comes to that.
    /// </summary>
    public void AddNews(PeerDriver peer)
    {
        if (Interlocked.Exchange(ref peer.HasNews, 1) != 0)
        {
            return;
        }

        var head = Volatile.Read(ref _withNews);
        while (true)
        {
            peer.NextWithNews = head;
            var seen = Interlocked.CompareExchange(ref _withNews, peer, head);
            if (seen == head)
            {
                return;
            }

            head = seen;
        }
    }

    /// <summary>Ends the current wait of the endpoint's thread, or else the next one. Several calls before it looks count as one.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _wakeRequested, 1) == 0)
        {
            _wakeEvent.Set();
        }
    }

    public EndpointTotals CollectTotals()
    {
        var totals = new EndpointTotals();
        lock (_totalsGate)
        {
            totals.Add(_past);
            foreach (var (_, peer) in _peers)
            {
                totals.Add(peer.Machine);
            }
        }

        totals.Add(_machine);
        foreach (var shard in _shards)
        {
            totals.AddDrops(DropReason.Overload, shard.Overloads);
        }

        return totals;
    }

    public PacketSecEndpointStatistics GetStatistics()
    {
        var totals = CollectTotals();
        var io = IoCounters;
        return new()
        {
            Channels = _peers.Count,
            HalfOpenHandshakes = _machine.HalfOpen,
            ProposalsServed = _machine.ProposalsServed,
            NegotiationFrames = _machine.NegotiationFrames,
            RetriesSent = _machine.RetriesSent,
            HandshakesBegun = totals.HandshakesBegun,
            HandshakesFinished = totals.HandshakesFinished,
            CachedAnswers = totals.CachedAnswers,
            Sessions = totals.Sessions,
            UdpDatagramsReceived = UdpDatagramsReceived,
            DatagramsSent = totals.DatagramsSent,
            BytesSent = totals.BytesSent,
            DatagramsReceived = totals.DatagramsReceived,
            BytesReceived = totals.BytesReceived,
            SendFailures = Interlocked.Read(ref _sendFailures),
            IcmpErrors = io.UnauthenticatedErrors,
            ReceiveBufferDrops = io.KernelDrops,
            Drops = totals.Drops,
        };
    }

    /// <summary>Gets the datagrams that came and were looked at.</summary>
    public long UdpDatagramsReceived
    {
        get
        {
            var sum = Interlocked.Read(ref _handedHandled);
            foreach (var shard in _shards)
            {
                sum += shard.Handled;
            }

            return sum;
        }
    }

    /// <summary>Gets the sums of all sockets.</summary>
    public DatagramIoCounters IoCounters
    {
        get
        {
            var sum = default(DatagramIoCounters);
            foreach (var socket in _sockets)
            {
                sum += socket.Counters;
            }

            return sum;
        }
    }

    public byte[] StateDigest(bool withHalfOpen)
    {
        var parts = new List<byte>();
        lock (_gate)
        {
            parts.AddRange(_machine.StateDigest(withHalfOpen));
        }

        foreach (var peer in _peers.Values.OrderBy(peer => peer.Handle.Value))
        {
            lock (peer.Gate)
            {
                parts.AddRange(peer.Machine.StateDigest());
            }
        }

        return [.. parts];
    }

    /// <summary>Counts datagrams that the system did not take. Any thread.</summary>
    public void CountSendFailures(int count) => Interlocked.Add(ref _sendFailures, count);

    /// <summary>Sends a sealed datagram.</summary>
    public SendStatus Transmit(Shard shard, in PathAddress path, ReadOnlySpan<byte> datagram)
    {
        var status = shard.Io.Send(path.Local.ToUdpAddress(), path.Remote.ToUdpAddress(), datagram);
        if (status != SendStatus.Sent)
        {
            CountSendFailures(1);
        }

        return status;
    }

    private void CheckRemote(IPEndPoint remote)
    {
        var address = remote.Address;
        if (remote.Port == 0 || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
        {
            throw new ArgumentException($"{remote} is no peer's address: name a host's address and its port.", nameof(remote));
        }

        var sameFamily = NetworkAddress.FromEndPoint(remote).IsIPv4 == _sockets[0].LocalAddress.IsIPv4;
        if (!sameFamily && !LocalEndPoint.Address.Equals(IPAddress.IPv6Any))
        {
            throw new ArgumentException(
                $"The endpoint is bound to {LocalEndPoint} and cannot reach {remote}, which is of the other address family: bind [::] for both.",
                nameof(remote));
        }
    }

    /// <summary>Settles what was posted when nobody reads it any more. Any thread.</summary>
    private void SettleMailbox()
    {
        while (_mailbox.TryDequeue(out var message))
        {
            switch (message)
            {
                case DriverMessage.WorkDone done:
                    done.Job.Work.Dispose();
                    break;
                case DriverMessage.Connect connect:
                    connect.Dial.Fail(PacketSecChannel.ToException(PacketSecError.EndpointClosed, string.Empty));
                    break;
                case DriverMessage.DialOver over:
                    over.Dial.Ticket?.Dispose();
                    break;
                case DriverMessage.CloseChannel close:
                    close.Peer.Channel.CompleteDisposal();
                    break;
                default:
                    break;
            }
        }
    }
}
