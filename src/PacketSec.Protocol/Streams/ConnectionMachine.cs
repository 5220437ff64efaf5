using System.Text;
using PacketSec.Crypto;
using PacketSec.Protocol.Streams.Frames;
using PacketSec.Protocol.Streams.Recovery;
using PacketSec.Protocol.Streams.Tracing;

namespace PacketSec.Protocol.Streams;

/// <summary>
/// One side of a connection: streams and datagrams over whatever sessions a channel has. It is given packets that sessions have opened, and builds
/// packets for them to seal; it knows neither sockets nor clocks.
/// </summary>
/// <remarks>
/// After <see cref="HandlePacket"/> (one or a batch), <see cref="HandleTimeout"/>, <see cref="SetCarrier"/> or a stream's operation,
/// <see cref="TryBuildPacket"/> and <see cref="TryPollEvent"/> are called until they return false; then <see cref="NextDeadline"/> holds.
/// </remarks>
internal sealed partial class ConnectionMachine
{
    private const long Never = LossRecovery.Never;

    /// <summary>How many probe timeouts the time for late packets lasts.</summary>
    //= rfc9000#section-10.2
    private const int CloseTimeouts = 3;

    /// <summary>An idle timeout in ms, 146 years, beyond which one never comes: the peer may name any number.</summary>
    private const long LongestIdle = long.MaxValue / 2 / 1_000_000;

    /// <summary>The longest reason that is sent with a close, in bytes.</summary>
    private const int MaxReason = 256;

    private readonly StreamOptions _options;
    private readonly TransportParameters _ownParameters;
    private readonly LossRecovery _recovery;
    private readonly FrameRecords _records = new();
    private readonly AckRanges _received = new();
    private readonly ConnectionTracer? _tracer;
    private readonly StreamTable _table;
    private readonly SessionBook _sessions = new();
    private readonly Queue<StreamEvent> _events = new();
    private readonly DatagramBuffer _datagramsIn;
    private readonly DatagramBuffer _datagramsOut;
    private readonly Dplpmtud _mtu = new(Dplpmtud.BaseSize);
    private readonly long _begunAt;
    private StreamCarrier? _carrier;
    private NetworkAddress? _pathRemote;
    private long _lastSession = long.MinValue;
    private long _idleBase;
    private long _keptAliveAt;
    private long _closeAt = Never;
    private byte[] _closeReason = [];
    private bool _closeByApplication;
    private long _closeFrameType;
    private bool _closeWhenDone;
    private bool _datagramTold;

    /// <summary>Creates a side.</summary>
    /// <param name="now">The time.</param>
    /// <param name="side">Which side it is.</param>
    /// <param name="options">What it permits and holds.</param>
    /// <param name="random">Where the incarnation comes from.</param>
    public ConnectionMachine(Instant now, StreamSide side, StreamOptions options, IRandomSource random)
    {
        _options = options;
        _ownParameters = options.ToParameters();
        OwnIncarnation = Incarnation.Create(random);
        ICongestionController controller = options.CongestionControl switch
        {
            CongestionControl.NewReno => new NewReno(Dplpmtud.BaseSize),
            CongestionControl.Cubic => new Cubic(Dplpmtud.BaseSize),
        };
        _recovery = new(controller, Dplpmtud.BaseSize);
        _tracer = options.Trace is null ? null : new(options.Trace, _recovery);
        _table = new(side, options);
        _window = new(options.ConnectionWindow, options.MaxConnectionWindow);
        _datagramsIn = new(options.DatagramBuffer);
        _datagramsOut = new(options.DatagramBuffer);
        _begunAt = now.Nanoseconds;
        _idleBase = _begunAt;
    }

    public ConnectionState State { get; private set; } = ConnectionState.Opening;

    /// <summary>Gets why it ended.</summary>
    public CloseCause Cause { get; private set; }

    /// <summary>Gets the code that it ended with.</summary>
    public long CloseCode { get; private set; }

    /// <summary>Gets the words that it ended with.</summary>
    public string CloseReason => Encoding.UTF8.GetString(_closeReason);

    /// <summary>Gets whether the code is an application's.</summary>
    public bool ClosedByApplication => _closeByApplication;

    /// <summary>Gets what the peer permits; the minimum before its HELLO.</summary>
    public TransportParameters PeerParameters { get; private set; } = TransportParameters.Minimum;

    /// <summary>Gets what is known of the path.</summary>
    public RttEstimator Rtt => _recovery.Rtt;

    /// <summary>Gets how many bytes may be in flight.</summary>
    public long CongestionWindow => _recovery.Controller.Window;

    public long BytesInFlight => _recovery.BytesInFlight;

    /// <summary>Gets the probe timeout in force, with its back-off, in nanoseconds.</summary>
    public long ProbeTimeout => _recovery.CurrentProbeTimeout;

    /// <summary>Gets the largest UDP payload known to arrive.</summary>
    public int PathMtu => _mtu.Size;

    /// <summary>Gets how many streams are not over.</summary>
    public int StreamCount => _table.Count;

    /// <summary>Gets how many packets were built.</summary>
    public long PacketsSent => _recovery.Sent.Next;

    /// <summary>Gets how many of them turned out lost, without probes of the path's MTU.</summary>
    public long PacketsLost => _recovery.Lost;

    /// <summary>Gets the bytes of streams that were sent, each counted once.</summary>
    public long StreamBytesSent => _sentTotal;

    /// <summary>Gets the bytes of streams that were received, each counted once.</summary>
    public long StreamBytesReceived => _receivedTotal;

    /// <summary>Gets the length of the oldest datagram that waits for the application, or -1.</summary>
    public int WaitingDatagram => _datagramsIn.IsEmpty ? -1 : _datagramsIn.NextLength;

    /// <summary>Gets datagrams that were given up: the peer sent more than was read, or the path's MTU fell.</summary>
    public long DatagramsDropped { get; private set; }

    public Incarnation OwnIncarnation { get; }

    /// <summary>Gets the largest payload of a datagram that can be sent now; a HELLO fits beside it, so that it holds at any time.</summary>
    //= spec/streams.md#datagram-size
    public int MaxDatagramPayload
    {
        get
        {
            var room = _mtu.Size - SpecLimits.DatagramOverhead - QuicVarint.MaxLength - HelloFrame.MaxLength;
            room -= DatagramFrame.Overhead(room);
            return (int)Math.Min(room, PeerParameters.MaxDatagramSize);
        }
    }

    /// <summary>Gets when <see cref="HandleTimeout"/> is to be called.</summary>
    public Instant? NextDeadline => Earliest(out _) is var at && at == Never ? null : new Instant(at);

    /// <summary>Gets what <see cref="NextDeadline"/> is for.</summary>
    public StreamTimer NextTimer
    {
        get
        {
            Earliest(out var timer);
            return timer;
        }
    }

    /// <summary>
    /// Gets whether something waits to be sent now, were there a session and a window for it: data, news or an acknowledgement that is due.
    /// </summary>
    public bool WantsToSend => IsAlive ? HasData() || _probes > 0 || _ackAtOnce : State == ConnectionState.Closing && _closePending;

    private bool IsAlive => State is ConnectionState.Opening or ConnectionState.Open;

    /// <summary>Names the session that seals the packets from now on.</summary>
    //= spec/streams.md#new-path
    //= rfc9000#section-9.4
    public void SetCarrier(Instant now, in StreamCarrier carrier)
    {
        if (_pathRemote is { } known && (known.Address != carrier.Remote.Address || known.ScopeId != carrier.Remote.ScopeId))
        {
            _mtu.Reset(carrier.MaxDatagram);
            _recovery.OnNewPath(now.Nanoseconds, _mtu.Size);
        }

        //= spec/streams.md#session-probes
        if (_recovery.ProbeTimeouts > 0 && carrier.Session != _lastSession)
        {
            _recovery.EndBackOff(now.Nanoseconds);
            OnProbeTimeout();
        }

        _lastSession = carrier.Session;
        _pathRemote = carrier.Remote;
        _carrier = carrier;
        _mtu.SetMost(carrier.MaxDatagram);
        ApplyMtu();
        _recovery.Unblock(now.Nanoseconds);
    }

    /// <summary>No session can seal: nothing is numbered until <see cref="SetCarrier"/>.</summary>
    public void Block()
    {
        _carrier = null;
        _recovery.Block();
    }

    /// <summary>Acts on the deadlines that have come.</summary>
    public void HandleTimeout(Instant now)
    {
        var time = now.Nanoseconds;
        if (time >= _closeAt)
        {
            State = ConnectionState.Over;
            _closeAt = Never;
        }

        if (!IsAlive)
        {
            return;
        }

        if (time >= IdleAt)
        {
            End(CloseCause.Idle, 0);
            return;
        }

        if (_recovery.OnTimeout(time))
        {
            OnProbeTimeout();
        }

        DrainSettled(time);
        if (time >= SilenceAt)
        {
            //= spec/streams.md#silence-ping
            _silenceArmed = false;
            _pingPending |= ExpectsData();
        }

        if (time >= KeepAliveAt)
        {
            //= spec/streams.md#keep-alive
            _keptAliveAt = time;
            _pingPending = true;
        }

        if (time >= _mtu.RaiseAt)
        {
            _mtu.Raise();
        }

        _tracer?.Compare(time);
    }

    /// <summary>Takes the next event.</summary>
    public bool TryPollEvent(out StreamEvent what)
    {
        if (!_events.TryDequeue(out what))
        {
            return false;
        }

        if (what is { Kind: StreamEventKind.Readable, Stream: { } stream })
        {
            stream.ReadableTold = false;
        }

        _datagramTold &= what.Kind != StreamEventKind.Datagram;
        return true;
    }

    /// <summary>Ends the connection at once; what is under way is given up.</summary>
    /// <param name="now">The time.</param>
    /// <param name="code">The application's code, 0 to 2^62-1.</param>
    /// <param name="reason">Words for a human, or nothing.</param>
    public void Close(Instant now, long code, string reason = "")
    {
        QuicVarint.Length(code);
        if (IsAlive)
        {
            BeginClosing(now.Nanoseconds, CloseCause.Local, code, true, 0, reason);
        }
    }

    /// <summary>Ends the connection with code 0 as soon as all that this side sends has ended and is acknowledged.</summary>
    //= spec/streams.md#close-when-done
    public void CloseWhenDone(Instant now)
    {
        _closeWhenDone = true;
        CloseIfDone(now.Nanoseconds);
    }

    /// <summary>Asks the peer for a sign of life, and shows it this side's HELLO.</summary>
    public void Ping() => _pingPending = IsAlive;

    /// <summary>Ends the connection without a word: nothing carries its packets any more.</summary>
    public void Abandon()
    {
        if (IsAlive)
        {
            End(CloseCause.NoChannel, 0);
        }

        State = ConnectionState.Over;
        _closeAt = Never;
    }

    private void CloseIfDone(long now)
    {
        if (!_closeWhenDone || !IsAlive || !_datagramsOut.IsEmpty)
        {
            return;
        }

        foreach (var stream in _table.All)
        {
            if (stream.Send is { IsDone: false })
            {
                return;
            }
        }

        BeginClosing(now, CloseCause.Local, 0, true, 0, "");
    }

    private PacketVerdict Violate(long now, StreamError error, long frameType, string reason)
    {
        BeginClosing(now, CloseCause.Violation, (long)error, false, frameType, reason);
        return PacketVerdict.Violation;
    }

    private void BeginClosing(long now, CloseCause cause, long code, bool byApplication, long frameType, string reason)
    {
        _closeByApplication = byApplication;
        _closeFrameType = frameType;
        var bytes = Encoding.UTF8.GetBytes(reason);
        _closeReason = bytes.Length > MaxReason ? bytes[..MaxReason] : bytes;
        _closePending = true;
        End(cause, code);
        State = ConnectionState.Closing;
        _closeAt = now + (CloseTimeouts * _recovery.Rtt.ProbeTimeout);
    }

    private void End(CloseCause cause, long code)
    {
        Cause = cause;
        CloseCode = code;
        State = ConnectionState.Over;
        _events.Enqueue(new(StreamEventKind.Closed, null, code));
        _tracer?.Closed(cause, code, _closeByApplication);
    }

    private void ApplyMtu()
    {
        if (_recovery.DatagramSize != _mtu.Size)
        {
            _recovery.SetDatagramSize(_mtu.Size);
        }
    }

    private long Earliest(out StreamTimer timer)
    {
        timer = StreamTimer.None;
        if (!IsAlive)
        {
            timer = _closeAt == Never ? StreamTimer.None : StreamTimer.Close;
            return _closeAt;
        }

        var earliest = Never;
        var canSend = _carrier is not null && !_recovery.Sent.IsFull;
        Consider(canSend ? _ackAt : Never, StreamTimer.Acknowledge, ref earliest, ref timer);
        Consider(_recovery.Deadline, StreamTimer.Recovery, ref earliest, ref timer);
        Consider(canSend ? _paceAt : Never, StreamTimer.Pace, ref earliest, ref timer);
        Consider(SilenceAt, StreamTimer.Silence, ref earliest, ref timer);
        Consider(_mtu.RaiseAt, StreamTimer.RaiseMtu, ref earliest, ref timer);
        Consider(KeepAliveAt, StreamTimer.KeepAlive, ref earliest, ref timer);
        Consider(IdleAt, StreamTimer.Idle, ref earliest, ref timer);
        return earliest;
    }

    private static void Consider(long at, StreamTimer candidate, ref long earliest, ref StreamTimer timer)
    {
        if (at < earliest)
        {
            earliest = at;
            timer = candidate;
        }
    }

    //= rfc9000#section-10.1
    private long IdleAt
    {
        get
        {
            var own = _ownParameters.IdleTimeoutMilliseconds;
            var peer = PeerParameters.IdleTimeoutMilliseconds;
            var timeout = own == 0 || peer == 0 ? Math.Max(own, peer) : Math.Min(own, peer);
            return timeout is 0 or > LongestIdle ? Never : _idleBase + Math.Max(timeout * 1_000_000, 3 * _recovery.Rtt.ProbeTimeout);
        }
    }

    // While a PING of it is under way, probe timeouts ask on.
    private long KeepAliveAt => _options.KeepAlive == TimeSpan.Zero ? Never
        : Math.Max(Math.Max(_begunAt, _lastReceivedAt), _keptAliveAt) + (long)_options.KeepAlive.TotalNanoseconds;

    private long SilenceAt => _silenceArmed ? _lastReceivedAt + Math.Max(SilenceLeast, 3 * _recovery.Rtt.ProbeTimeout) : Never;
}
