using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PacketSec.Crypto;
using PacketSec.Diagnostics;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Udp;

namespace PacketSec.Internal;

/// <summary>
/// Drives the machines of one endpoint. One thread receives, keeps the time, and makes every call into machines but sealing, which is done by the
/// threads that send; other threads post messages to it. So what machines report is carried in order, and no datagram is looked at between a
/// handshake's end and the route to its session.
/// </summary>
/// <remarks>
/// One gate for each peer, one for the endpoint machine, never two at once, and none while user code or the system is called. This part is what other
/// threads call; the loop and the carrying of events stand in the other parts.
/// </remarks>
internal sealed partial class EndpointDriver : IAsyncDisposable
{
    private readonly IDatagramIo _io;
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
    private long _udpReceived;
    private long _sendFailures;
    private bool _aborted;

    private EndpointDriver(PacketSecEndpointOptions options, IDatagramIo io)
    {
        Options = options;
        _io = io;
        _crypto = CryptoProvider.Default;
        Log = options.LoggerFactory?.CreateLogger("PacketSec.Endpoint") ?? NullLogger.Instance;
        Clock = new DriverClock(options.TimeProvider);
        LocalEndPoint = io.LocalAddress.ToEndPoint();
        _machine = new EndpointMachine(new()
        {
            Crypto = _crypto,
            Random = SystemRandomSource.Instance,
            Identity = options.Identity.Key,
            Schemes = options.Schemes,
            DirectScheme = options.DirectScheme,
            AllowMixture = options.AllowSchemeMixture,
            MaxDatagramSize = options.MaxUdpPayload,
            Catalogue = options.Catalogue,
            InboundChannels = options.InboundChannels,

            // The driver always has a say: a channel that nobody can accept is refused.
            AskApplication = true,
        });
        SendContexts = new SendContexts(_crypto, options.MaxUdpPayload);
        _accepted = Channel.CreateBounded<PacketSecChannel>(new BoundedChannelOptions(options.AcceptBacklog) { SingleWriter = true });
        _wheel = new TimerWheel(Clock.Now);
        _workers = new HandshakeWorkers(job => Post(new DriverMessage.WorkDone(job)), error => Post(new DriverMessage.Fail(error)));
        _aead = new PacketAead(_crypto);
        _peerOutbox = new Outbox(options.MaxUdpPayload);
        _endpointOutbox = new Outbox(options.MaxUdpPayload);
        _clockTimer = Clock.IsCustom ? Clock.CreateTimer(io.Wake) : null;
        _thread = new Thread(Run) { IsBackground = true, Name = "PacketSec endpoint" };
    }

    public PacketSecEndpointOptions Options { get; }

    public ILogger Log { get; }

    public DriverClock Clock { get; }

    public SendContexts SendContexts { get; }

    public IPEndPoint LocalEndPoint { get; }

    public static EndpointDriver Start(PacketSecEndpointOptions options)
    {
        // Throws when the identity is disposed.
        _ = options.Identity.Key.Seed;
        var io = UdpTransport.Bind(new()
        {
            LocalEndPoint = options.LocalEndPoint,
            ReceiveBufferBytes = options.SocketReceiveBufferBytes,
            SendBufferBytes = options.SocketSendBufferBytes,
            Path = options.DatagramPath == DatagramPath.Portable ? UdpPath.Portable : UdpPath.Automatic,
        });
        if (options.Tap is { } tap)
        {
            io = new TappedDatagramIo(io, tap, options.TimeProvider);
        }

        EndpointDriver driver;
        try
        {
            driver = new EndpointDriver(options, io);
        }
        catch
        {
            io.Dispose();
            throw;
        }

        driver.Log.Bound(options.Identity.PeerId, driver.LocalEndPoint, io.PathName);
        foreach (var warning in io.Warnings)
        {
            driver.Log.SocketWarning(warning.Message);
        }

        PacketSecMeter.Add(driver);
        driver._thread.Start();
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
        var dial = new Dial(this, remote, peer, proposal);
        Post(new DriverMessage.Connect(dial));
        using var registration = cancellationToken.UnsafeRegister(static (dial, token) => ((Dial)dial!).Cancel(token), dial);
        return await dial.Outcome.ConfigureAwait(false);
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
        _io.Dispose();
        return _stopped.Task;
    }

    /// <summary>Gives a message to the endpoint's thread; after its end the message is settled at once.</summary>
    public void Post(DriverMessage message)
    {
        _mailbox.Enqueue(message);
        _io.Wake();
        if (_stopped.Task.IsCompleted)
        {
            SettleMailbox();
        }
    }

    /// <summary>Tells the endpoint's thread that a peer's machine has something to poll, or a nearer deadline.</summary>
    public void Notify(PeerDriver peer)
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
                break;
            }

            head = seen;
        }

        _io.Wake();
    }

    /// <summary>Sends a sealed datagram. What the network may lose is "sent"; that this machine cannot is told.</summary>
    public SendResult Send(in PathAddress path, ReadOnlySpan<byte> datagram) => TransmitNow(path, datagram) switch
    {
        SendStatus.Sent => SendResult.Sent,
        SendStatus.WouldBlock => SendResult.QueueFull,
        SendStatus.TooLarge => SendResult.TooLarge,
        SendStatus.Closed => SendResult.Closed,
        SendStatus.Unreachable or SendStatus.Failed => SendResult.Sent,
    };

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
        return totals;
    }

    public PacketSecEndpointStatistics GetStatistics()
    {
        var totals = CollectTotals();
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
            IcmpErrors = _io.Counters.UnauthenticatedErrors,
            Drops = totals.Drops,
        };
    }

    public long UdpDatagramsReceived => Interlocked.Read(ref _udpReceived);

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

    private SendStatus TransmitNow(in PathAddress path, ReadOnlySpan<byte> datagram)
    {
        var status = _io.Send(path.Local.ToUdpAddress(), path.Remote.ToUdpAddress(), datagram);
        if (status != SendStatus.Sent)
        {
            Interlocked.Increment(ref _sendFailures);
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

        var sameFamily = NetworkAddress.FromEndPoint(remote).IsIPv4 == _io.LocalAddress.IsIPv4;
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
                case DriverMessage.CloseChannel close:
                    close.Peer.Channel.CompleteDisposal();
                    break;
                default:
                    break;
            }
        }
    }
}
