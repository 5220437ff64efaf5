using PacketSec.Diagnostics;
using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Streams;

namespace PacketSec.Internal;

/// <summary>
/// Drives one connection's machine: what a channel received goes in under the connection's gate, and packets are built and sealed under that gate and then
/// the peer's, in this order. Whoever changed something sends what follows from it, one thread at a time, and no gate is held while the system is called.
/// </summary>
internal sealed partial class ConnectionDriver : TimerWheel.Entry, IPacketSink
{
    // As for a peer's gate: where this one is not free for that long, its holder has been taken off its processor, and others do not wait for that.
    private const int GateMilliseconds = 4;

    private readonly PacketSecChannel _channel;
    private readonly PacketSecConnectionOptions _options;
    private readonly EndpointDriver _endpoint;
    private readonly ConnectionMachine _machine;
    private readonly HashSet<PacketSecStream> _streams = [];
    private readonly System.Threading.Channels.Channel<PacketSecStream> _accepted = System.Threading.Channels.Channel.CreateUnbounded<PacketSecStream>();
    private readonly TaskCompletionSource<PacketSecConnectionClosed> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long[] _verdicts = new long[Enum.GetValues<PacketVerdict>().Length];
    private TaskCompletionSource? _streamsAvailable;
    private PacketSecConnectionClosed? _end;
    private PacketSecError? _channelError;
    private ConnectionDriver? _successor;
    private bool _disposed;
    private int _claimed;

    public ConnectionDriver(PacketSecChannel channel, PacketSecConnectionOptions options)
        : base(TimerWheel.StreamTick)
    {
        _channel = channel;
        _options = options;
        _endpoint = channel.Endpoint;
        DatagramSignal = new(Gate, "One call of ReceiveDatagramAsync at a time: await the one before first.");
        var isSmaller = LeaderElection.Compare(_endpoint.Options.Identity.PeerId.Multihash, channel.RemotePeerId.Multihash) < 0;
        var side = isSmaller ? StreamSide.Even : StreamSide.Odd;
        _machine = new(_endpoint.Clock.Now, side, options.ToStreamOptions(), SystemRandomSource.Instance);
        PacketSecActivities.Follow(this, side);
    }

    /// <summary>Gets the connection's gate. No other is taken under it but the peer's.</summary>
    public Lock Gate { get; } = new();

    public PacketSecChannel Channel => _channel;

    public Signal DatagramSignal { get; }

    public Task<PacketSecConnectionClosed> Closed => _closed.Task;

    public bool WantsBatchEnd => true;

    /// <summary>Gets the connection that the restarted peer has begun, or null.</summary>
    public ConnectionDriver? Successor => Volatile.Read(ref _successor);

    internal ConnectionDriver? NextRequested { get; set; }

    internal int IsRequested;

    private Instant Now => _endpoint.Clock.Now;

    /// <summary>Gives the connection to the application, which gets it once.</summary>
    public bool TryClaim() => Interlocked.Exchange(ref _claimed, 1) == 0;

    public DropReason Receive(ReadOnlySpan<byte> payloads, ReadOnlySpan<int> lengths, ReadOnlySpan<long> sessions)
    {
        if (!Gate.TryEnter(GateMilliseconds))
        {
            return DropReason.Overload;
        }

        var index = 0;
        var restarted = false;
        ConnectionDriver? successor = null;
        try
        {
            var now = Now;
            for (; index < lengths.Length && !restarted; index++)
            {
                var verdict = _machine.HandlePacket(now, sessions[index], payloads[..lengths[index]]);
                _verdicts[(int)verdict]++;
                restarted = verdict == PacketVerdict.PeerRestarted;
                payloads = restarted ? payloads : payloads[lengths[index]..];
            }

            if (restarted)
            {
                // Before anybody learns of the end: whoever does may open the next connection at once.
                successor = new ConnectionDriver(_channel, _options);
                Volatile.Write(ref _successor, successor);
                _channel.Succeed(successor);
            }

            Dispatch();
        }
        finally
        {
            Gate.Exit();
        }

        // The packet that tells of the restart is the new connection's first.
        return successor?.Receive(payloads, lengths[(index - 1)..], sessions[(index - 1)..]) ?? DropReason.None;
    }

    //= spec/streams.md#ack-per-batch
    public void EndBatch() => Pump(BatchesOnReceive);

    public void OnPathChanged() => _endpoint.Streams.Request(this);

    public void OnChannelClosed(PacketSecError? error)
    {
        lock (Gate)
        {
            _channelError = error;
            _machine.Abandon();
            Dispatch();
        }

        _endpoint.Streams.Request(this);
    }

    /// <summary>Does what is due, and tells when to be called again. The thread of the streams calls it.</summary>
    public Instant? OnTime()
    {
        lock (Gate)
        {
            var now = Now;
            if (_machine.NextDeadline <= now)
            {
                _machine.HandleTimeout(now);
                Dispatch();
            }
        }

        Pump(BatchesOnTime);
        lock (Gate)
        {
            return _machine.NextDeadline;
        }
    }

    public PacketSecConnectionStatistics GetStatistics()
    {
        lock (Gate)
        {
            return new()
            {
                SmoothedRtt = TimeSpan.FromTicks(_machine.Rtt.Smoothed / TimeSpan.NanosecondsPerTick),
                MinRtt = TimeSpan.FromTicks(_machine.Rtt.HasSample ? _machine.Rtt.Min / TimeSpan.NanosecondsPerTick : 0),
                CongestionWindow = _machine.CongestionWindow,
                BytesInFlight = _machine.BytesInFlight,
                PathMtu = _machine.PathMtu,
                Streams = _machine.StreamCount,
                PacketsSent = _machine.PacketsSent,
                PacketsLost = _machine.PacketsLost,
                PacketsReceived = _verdicts[(int)PacketVerdict.Processed],
                PacketsIgnored = _verdicts.Sum() - _verdicts[(int)PacketVerdict.Processed],
                StreamBytesSent = _machine.StreamBytesSent,
                StreamBytesReceived = _machine.StreamBytesReceived,
                DatagramsDropped = _machine.DatagramsDropped,
            };
        }
    }

    /// <summary>Makes the error of a call on a connection that has ended.</summary>
    public Exception EndError()
        => _disposed ? new ObjectDisposedException(nameof(PacketSecConnection)) : PacketSecConnectionException.Of(_end!, _channel.RemotePeerId);

    private void Dispatch()
    {
        while (_machine.TryPollEvent(out var what))
        {
            switch (what.Kind)
            {
                case StreamEventKind.StreamOpened when what.Stream is { } opened:
                    _accepted.Writer.TryWrite(Adopt(opened));
                    break;
                case StreamEventKind.Readable:
                    StreamOf(what)?.Readable.Set();
                    break;
                case StreamEventKind.Writable or StreamEventKind.Stopped:
                    StreamOf(what)?.Writable.Set();
                    break;
                case StreamEventKind.StreamOver when StreamOf(what) is { } over:
                    _streams.Remove(over);
                    over.Readable.Set();
                    over.Writable.Set();
                    break;
                case StreamEventKind.StreamsAvailable:
                    _streamsAvailable?.TrySetResult();
                    _streamsAvailable = null;
                    break;
                case StreamEventKind.Datagram:
                    DatagramSignal.Set();
                    break;
                case StreamEventKind.Closed:
                    OnEnd();
                    break;
                default:
                    break;
            }
        }
    }

    private static PacketSecStream? StreamOf(in StreamEvent what) => what.Stream?.Owner as PacketSecStream;

    private PacketSecStream Adopt(StreamState state)
    {
        var stream = new PacketSecStream(this, state);
        state.Owner = stream;
        _streams.Add(stream);
        return stream;
    }

    private void OnEnd()
    {
        _end = PacketSecConnectionClosed.Of(_machine, _channelError);
        foreach (var stream in _streams)
        {
            stream.Readable.Set();
            stream.Writable.Set();
        }

        DatagramSignal.Set();
        _streamsAvailable?.TrySetResult();
        _accepted.Writer.TryComplete();
        _closed.TrySetResult(_end);
    }
}
