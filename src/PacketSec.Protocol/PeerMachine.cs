using PacketSec.Protocol.Channels;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Protocol;

/// <summary>
/// One remote identity: its sessions, the handshakes started here, and the channel that the application holds. It composes the folders below
/// and reads no clock: time and bytes go in, and datagrams, events, work and the next deadline are polled out.
/// </summary>
/// <remarks>
/// Not thread-safe: its owner excludes. After each call that changes something, drain <see cref="TryTakeWork"/>, <see cref="TryPollEvent"/> and
/// <see cref="TryPollTransmit"/> before the next; a call whose <see cref="Received.NothingPending"/> is true needs no drain.
/// </remarks>
public sealed partial class PeerMachine : IDisposable
{
    private readonly PeerMachineOptions _options;
    private readonly SchemeContext _context;
    private readonly SessionSet _sessions = new();
    private readonly SendQueue _queue = new();
    private readonly Timers _timers = new();
    private readonly Queue<PeerEvent> _events = new();
    private readonly Queue<HandshakeWork> _work = new();
    private readonly List<PeerEvent.RouteChanged> _routes = [];
    private readonly List<Session> _ended = [];
    private readonly Queue<(EarlyData Data, PathAddress Path)> _early = new();

    // In direct mode and for a rekey one each; under a negotiation one for each case, and one for each verified answer.
    private readonly List<Initiation> _attempts = [];
    private readonly List<Finishing> _finishings = [];

    private ProposalOptions? _proposal;
    private Scheme? _directScheme;
    private TicketPass? _pass;
    private Negotiating? _negotiating;
    private long _lastAttempt;
    private Session? _newest;

    // What each packet reads stands together, from here to the flags below.
    private Session? _lastOpened;
    private Liveness _liveness = new();
    private PeerStatistics _statistics;
    private PathAddress? _path;
    private TimeSpan? _rtt;
    private Instant? _lastFirst;
    private long _sessionNumber;
    private ChannelState _state = ChannelState.Opening;
    private CloseReason _closeReason;
    private int _closeCopies;
    private bool _ownAttemptFailed;
    private bool _mismatched;
    private bool _peerClosed;
    private bool _hasLetters;

    // Of a channel between sites only: the own role in its first session, and when data went over it last.
    private SessionRole? _opener;
    private Instant _lastData;
    private bool _closesIdle;

    /// <summary>Creates the machine; nothing happens before <see cref="Connect"/> or <see cref="Adopt"/>.</summary>
    /// <param name="options">What it is made of.</param>
    /// <exception cref="ArgumentException">An option is out of its bounds.</exception>
    public PeerMachine(PeerMachineOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        options.Catalogue.CheckProposal(options.Proposal);
        _options = options;
        MaxPayload = options.MaxDatagramSize - SpecLimits.DatagramOverhead;
        _context = new SchemeContext(options.Crypto, options.Random, options.Identity, options.NetworkKey)
        {
            SiteId = options.SiteId,
            Certificate = options.Certificate,
            CertificateWithTicket = options.CertificateWithTicket,
        };
    }

    private enum ChannelState
    {
        Opening,
        Open,
        ClosingByPeer,
        ClosingLocally,
        Closed,
    }

    /// <summary>Gets the drop counts of datagrams that came to this peer.</summary>
    public DropCounters Drops { get; } = new();

    /// <summary>Gets the channel's counters; from any thread, each by itself as of some moment of the call.</summary>
    public PeerStatistics Statistics => _statistics.Read();

    /// <summary>Gets a value indicating whether the channel is open: a session counted as confirmed, and nobody closed it.</summary>
    public bool IsOpen => _state == ChannelState.Open;

    /// <summary>Gets a value indicating whether the channel is over, or about to be.</summary>
    public bool IsClosing => _state is not (ChannelState.Opening or ChannelState.Open);

    /// <summary>Gets the identity of the peer.</summary>
    public PeerId RemotePeer => _options.RemotePeer;

    /// <summary>Gets the path that the channel sends on, or null before there is one.</summary>
    public PathAddress? Path => _path;

    /// <summary>Gets a value indicating whether the peer may be the reference: true until an empty packet of its authenticated.</summary>
    public bool MayBeReference { get; private set; } = true;

    /// <summary>Gets the longest payload that one datagram takes, in bytes.</summary>
    public int MaxPayload { get; private set; }

    /// <summary>Gets by how many bytes the longest datagram is longer than its payload.</summary>
    public int DatagramOverhead { get; private set; } = SpecLimits.DatagramOverhead;

    /// <summary>Gets what the peer told of its user when it began the channel, by <c>mychips-1</c>; empty elsewhere.</summary>
    public ReadOnlyMemory<byte> RemoteCertificate { get; private set; }

    /// <summary>Gets when <see cref="HandleTimeout"/> is to be called next, or null.</summary>
    public Instant? NextDeadline => _timers.Next()?.At;

    /// <summary>Gets why it is to be called then.</summary>
    public PeerTimer? NextTimer => _timers.Next()?.Timer;

    /// <summary>Tells whether something authentic came within a time: a dial then needs no new handshake.</summary>
    /// <param name="now">The time.</param>
    /// <param name="within">How long ago at most.</param>
    //= spec/sessions.md#redial
    public bool HeardWithin(Instant now, TimeSpan within) => IsOpen && _liveness.LastAuthentic is { } last && now - last <= within;

    /// <summary>Starts a negotiation with the peer at an address, or in direct mode a handshake, beside whatever lives.</summary>
    /// <param name="now">The time.</param>
    /// <param name="path">Where; the local address may be left unspecified.</param>
    /// <param name="proposal">What is proposed, now and whenever the channel starts over; null is direct mode.</param>
    /// <param name="directScheme">The scheme of direct mode.</param>
    /// <param name="ticket">A ticket of the peer, for <c>mychips-1</c>; what is needed of it is copied.</param>
    /// <exception cref="ArgumentException">The proposal lists what it may not, or a scheme cannot call this peer.</exception>
    public void Connect(
        Instant now, in PathAddress path, ProposalOptions? proposal = null, string directScheme = P2pkeScheme.SchemeName, Ticket? ticket = null)
    {
        if (proposal is not null)
        {
            _options.Catalogue.CheckProposal(proposal);
        }

        _options.Catalogue.CheckCallable(RemotePeer, proposal, directScheme, ticket, _options.SiteId is not null);
        PeerMachineOptions.CheckFirst(ticket, _options.CertificateWithTicket ? _options.Certificate.Length : 0, _options.MaxDatagramSize);

        if (IsClosing)
        {
            return;
        }

        if (ticket is not null)
        {
            _pass?.Dispose();
            _pass = new(ticket);
        }

        if (_options.Catalogue.MayHaveLetters(proposal, directScheme))
        {
            UseLetters();
        }

        _timers.Clear(PeerTimer.Retry);
        _timers.Clear(PeerTimer.Idle);
        (_proposal, _directScheme) = (proposal, proposal is null ? _options.Catalogue.Find(directScheme) : null);
        var remote = path.Remote;
        if (AttemptAddress is { } other && other != remote)
        {
            EndAttempt();
        }

        if (!_finishings.Exists(finishing => finishing.IsOpen && finishing.Session.Path.Remote == remote))
        {
            StartAttempt(now, path);
        }
    }

    /// <summary>Gives a dial up. A channel that is not open ends with it.</summary>
    /// <param name="now">The time.</param>
    //= spec/sessions.md#dial-cancel
    //= spec/psec.md#cancel
    public void CancelConnect(Instant now)
    {
        EndAttempt();
        _timers.Clear(PeerTimer.Retry);
        if (_state == ChannelState.Opening)
        {
            Close(now);
        }
        else if (_peerClosed && !IsHandshaking)
        {
            EndByPeer();
        }
        else if (HasToSend && !IsHandshaking && _path is { } path && SelectSession(now, SpecLimits.DatagramOverhead) is null)
        {
            //= spec/sessions.md#send-starts
            StartAttempt(now, path);
        }

        Settle(now);
    }

    /// <summary>Takes a session that the peer initiated: the endpoint machine verified its finish.</summary>
    /// <param name="now">The time.</param>
    /// <param name="session">The session; the machine owns it from here on.</param>
    //= spec/sessions.md#address-move
    public void Adopt(Instant now, EstablishedSession session)
    {
        ArgumentNullException.ThrowIfNull(session);
        if (!session.RemotePeer.Equals(_options.RemotePeer))
        {
            throw new ArgumentException("The session is another peer's.", nameof(session));
        }

        if (IsClosing)
        {
            for (var i = session.EarlyData?.Count ?? 0; i > 0; i--)
            {
                Drops.Add(DropReason.ChannelClosed);
            }

            session.Dispose();
            return;
        }

        var added = AddSession(session);
        RemoteCertificate = session.Certificate.IsEmpty ? RemoteCertificate : session.Certificate;
        //= spec/p2pke.md#responder-empty
        added.PendingConfirmation = 1;
        _liveness.OnAuthentic(now, isData: false);
        if (session.EarlyData is { } early)
        {
            _early.Enqueue((early, session.Path));
        }

        if (added.IsUnproven)
        {
            AwaitProof(now, added);
        }
        else
        {
            added.ConfirmedAt = now;
            OnUsable(now, added);
        }

        Settle(now);
    }

    /// <summary>Closes the channel: the closing message goes out three times over 200 ms, and 100 ms after the last the keys are wiped.</summary>
    /// <param name="now">The time.</param>
    //= spec/sessions.md#closing-sent
    public void Close(Instant now) => Close(now, CloseReason.Local);

    private void Close(Instant now, CloseReason reason)
    {
        if (IsClosing)
        {
            return;
        }

        _state = ChannelState.ClosingLocally;
        _closeReason = reason;
        var handshaking = IsHandshaking;
        EndAttempt();
        _queue.Clear();
        var any = false;
        foreach (var session in _sessions.All)
        {
            //= spec/p2pke.md#direct-close
            if (session.IsLive && (!MayBeReference || (session.ReceivedData && !handshaking && !MayBeReset(session))))
            {
                session.PendingClosing = true;
                any = true;
            }

            session.Apply(SessionEvent.LocalClosed);
        }

        _timers.ClearAll();
        if (any)
        {
            _closeCopies = 2;
            _timers.Set(PeerTimer.CloseRepeat, now + ClosingInterval);
            SyncRoutes();
        }
        else
        {
            End();
        }
    }

    /// <summary>Polls what happened.</summary>
    /// <param name="peerEvent">The event.</param>
    public bool TryPollEvent(out PeerEvent? peerEvent) => _events.TryDequeue(out peerEvent);

    /// <summary>Polls cryptographic work; it is run on any thread and given back by <see cref="Complete"/>.</summary>
    /// <param name="work">The work.</param>
    public bool TryTakeWork(out HandshakeWork? work) => _work.TryDequeue(out work);

    /// <summary>Counts a datagram that this peer left unclaimed and nobody else claimed, for the reason that came with it.</summary>
    /// <param name="reason">The reason.</param>
    public void CountDrop(DropReason reason) => Drops.Add(reason);

    /// <summary>Returns a digest of all state that a datagram could change.</summary>
    public byte[] StateDigest()
    {
        var digest = new StateDigestBuilder();
        digest.Add((long)_state);
        digest.Add(MayBeReference);
        digest.Add(_ownAttemptFailed);
        digest.Add(_mismatched);
        digest.Add(_peerClosed);
        digest.Add((long?)_opener ?? -1);
        digest.Add(_lastData);
        digest.Add(_lastAttempt);
        digest.Add(_negotiating?.Started);
        foreach (var attempt in _attempts)
        {
            attempt.AddTo(digest);
        }

        _sessions.AddTo(digest);
        _queue.AddTo(digest);
        digest.Add(_wantsSession);
        _liveness.AddTo(digest);
        _timers.AddTo(digest);
        return digest.ToDigest(_options.Crypto);
    }

    /// <summary>Wipes all keys.</summary>
    public void Dispose()
    {
        EndAttempt();
        _pass?.Dispose();
        _sessions.Dispose();
        _queue.Clear();
        while (_work.TryDequeue(out var work))
        {
            work.Dispose();
        }
    }

    private void OnPeerClosed(Instant now, Session session)
    {
        //= spec/sessions.md#closing-received
        foreach (var other in _sessions.All)
        {
            if (other.Number <= session.Number && other.Apply(SessionEvent.PeerClosed))
            {
                other.LingerUntil = now + SpecLimits.CloseLinger;
                other.PendingFinish = 0;
                other.PendingEmpty = false;
            }
        }

        //= spec/sessions.md#closing-channel
        if (_sessions.AnyNewerConfirmed(session) || _finishings.Exists(finishing => finishing.IsOpen && finishing.Session.Number > session.Number)
            || _negotiating?.Started > session.Begun || _attempts.Exists(attempt => attempt.IsLaterThan(session.Begun)))
        {
            _peerClosed = IsHandshaking && !_sessions.AnyConfirmed;
        }
        else
        {
            EndByPeer();
        }
    }

    /// <summary>The peer closed the channel, and nothing newer is left that could carry it on.</summary>
    private void EndByPeer()
    {
        EndAttempt();
        if (_state == ChannelState.Opening)
        {
            End(CloseReason.Refused);
            return;
        }

        // A channel may count as open towards a peer that is slow to decide: what it never answered but by closing, it refused.
        _state = ChannelState.ClosingByPeer;
        _closeReason = _liveness.LastAuthentic is null ? CloseReason.Refused : CloseReason.PeerClosed;
        foreach (var finishing in _finishings.ToArray())
        {
            GiveUp(finishing);
        }

        _queue.Clear();
        _timers.ClearAll();
        if (_sessions.All.Count == 0)
        {
            End();
        }
    }

    private void End(CloseReason reason)
    {
        _closeReason = reason;
        End();
    }

    private void End()
    {
        if (_state == ChannelState.Closed)
        {
            return;
        }

        EndAttempt();
        _pass?.Dispose();
        _finishings.Clear();
        foreach (var session in _sessions.All)
        {
            if (session.State != SessionState.Ended)
            {
                _events.Enqueue(new PeerEvent.SessionEnded(session.Number));
            }
        }

        _sessions.Dispose();
        _queue.Clear();
        _timers.ClearAll();
        _state = ChannelState.Closed;
        SyncRoutes();
        _events.Enqueue(new PeerEvent.Closed(_closeReason));
    }

    /// <summary>Brings timers and routes in line after a change.</summary>
    private void Settle(Instant now)
    {
        if (_state == ChannelState.Closed)
        {
            return;
        }

        if (_sessions.NextDeadline() is { } next)
        {
            _timers.Set(PeerTimer.Session, next);
        }
        else
        {
            _timers.Clear(PeerTimer.Session);
        }

        if (!IsClosing)
        {
            SetOrClear(PeerTimer.Retransmit, Earliest(_attempts, attempt => attempt.NextAction));
            SetOrClear(PeerTimer.DialDeadline, _negotiating is null ? Earliest(_attempts, attempt => attempt.AnswerBy) : null);
            SetOrClear(PeerTimer.FinishRepeat, Earliest(_finishings, finishing => Instant.Min(finishing.NextCopy ?? finishing.Until, finishing.Until)));
            SetOrClear(PeerTimer.Acknowledge, _liveness.ReceiptDue);
            SetOrClear(PeerTimer.DeadSession, !IsHandshaking && !_timers.IsSet(PeerTimer.Retry) ? _liveness.FirstUnanswered + DeadAfter : null);
            if (_state == ChannelState.Open && !_timers.IsSet(PeerTimer.Idle) && IdleUntil(now) is { } idleUntil)
            {
                _timers.Set(PeerTimer.Idle, idleUntil);
            }
        }

        SyncRoutes();
    }

    private static Instant? Earliest<T>(List<T> of, Func<T, Instant?> at)
    {
        Instant? earliest = null;
        foreach (var one in of)
        {
            if (at(one) is { } instant && (earliest is null || instant < earliest))
            {
                earliest = instant;
            }
        }

        return earliest;
    }

    private void SetOrClear(PeerTimer timer, Instant? at)
    {
        if (at is { } instant)
        {
            _timers.Set(timer, instant);
        }
        else
        {
            _timers.Clear(timer);
        }
    }
}
