using PacketSec.Crypto;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Sessions;

/// <summary>
/// Two keys, a send counter that cannot wrap, a replay window and a life of at most a minute. It seals and opens packets, and knows nothing of
/// the scheme that made it.
/// </summary>
internal sealed class Session : IDisposable
{
    // From the keys to the path.
    private const int FirstRead = 9 * sizeof(long);
    private const int LastRead = 33 * sizeof(long) - 1;

    // The runtime lays out references, then numbers by their size, then structures, each in this order. What a packet reads is the last of the
    // references, the numbers, and the first of the structures, and so stands together: with thousands of peers each line of memory is waited for.
    private readonly SecretKey _sendSecret;
    private readonly SecretKey _receiveSecret;
    private readonly Scheme _scheme;
    private readonly Agreement? _agreement;
    private readonly byte[] _firstMessage;
    private readonly byte[] _finish;
    private readonly byte[]? _confirmation;
    private byte[]? _closingMessage;

    // The bytes of the secrets, which a packet reaches in one step less; zero from disposal on.
    private readonly byte[] _receiveKey;
    private readonly byte[] _sendKey;
    private readonly Direction _sendDirection;
    private readonly bool _sendsEarly;
    private readonly int _overhead;
    private uint _nextCounter;
    private int _earlyPackets;
    private int _earlyBytes;
    private bool _disposed;

    private readonly Instant _sendUntil;
    private readonly Instant _receiveUntil;
    private OptionalInstant _firstSent = OptionalInstant.None;
    private OptionalInstant _firstPacketSent = OptionalInstant.None;
    private OptionalInstant _lastAuthentic = OptionalInstant.None;
    private readonly PathAddress _path;

    /// <summary>Creates a session, which takes possession of the keys.</summary>
    /// <param name="established">What the handshake left.</param>
    /// <param name="number">The number within the peer.</param>
    /// <param name="lifetimes">The ages at which it changes.</param>
    /// <param name="nextCounter">The next counter to seal with, where it is not the first: the end of the counters is two billion packets away.</param>
    public Session(EstablishedSession established, long number, SessionLifetimes lifetimes, uint nextCounter = SpecLimits.FirstDataCounter)
    {
        _nextCounter = nextCounter;
        Number = number;
        _scheme = established.Scheme;
        Role = established.Role;
        _path = established.Path;
        Begun = established.Begun;
        _firstMessage = established.FirstMessage;
        _finish = established.Finish;
        _confirmation = established.Confirmation;
        _agreement = established.Agreement;
        _sendSecret = established.SendKey;
        _receiveSecret = established.ReceiveKey;
        _sendKey = _sendSecret.Bytes;
        _receiveKey = _receiveSecret.Bytes;
        HeaderSize = Scheme.HeaderSize;
        _overhead = Letters.OverheadOf(HeaderSize);
        _sendUntil = Begun + lifetimes.Send;
        _receiveUntil = Begun + lifetimes.Receive;
        _sendDirection = Role == SessionRole.Initiator ? Direction.InitiatorToResponder : Direction.ResponderToInitiator;
        State = Role == SessionRole.Initiator || Scheme.FinishLeavesOpen ? SessionState.Unconfirmed : SessionState.Confirmed;
        _sendsEarly = Role == SessionRole.Initiator && Scheme.SendsEarly;
        if (Confirmation is not null)
        {
            // The handshake sealed the confirmation with the first counter.
            _nextCounter++;
        }
    }

    /// <summary>Gets the number within the peer, rising with each session.</summary>
    public long Number { get; }

    /// <summary>Gets the scheme that made it.</summary>
    public Scheme Scheme => _scheme;

    public SessionRole Role { get; }

    /// <summary>Gets the size of the header of its packets in bytes.</summary>
    public int HeaderSize { get; }

    public ref readonly PathAddress Path => ref _path;

    /// <summary>Gets when its life began: with the first message sent or received.</summary>
    public Instant Begun { get; }

    public SessionState State { get; private set; }

    /// <summary>Gets what it was agreed on; null in direct mode.</summary>
    public Agreement? Agreement => _agreement;

    public byte[] FirstMessage => _firstMessage;

    public byte[] Finish => _finish;

    public byte[]? Confirmation => _confirmation;

    /// <summary>Gets the closing message, sealed once.</summary>
    public byte[]? ClosingMessage => _closingMessage;

    /// <summary>Gets when it was confirmed or presumed so.</summary>
    public Instant? ConfirmedAt { get; set; }

    /// <summary>Gets when something authenticated last.</summary>
    public Instant? LastAuthentic => _lastAuthentic.Value;

    /// <summary>Gets when the first data was sent on it.</summary>
    public Instant? FirstSent => _firstSent.Value;

    /// <summary>Gets when the first packet was sent on it, empty ones included.</summary>
    public Instant? FirstPacketSent => _firstPacketSent.Value;

    /// <summary>Gets or sets when a lingering session ends.</summary>
    public Instant? LingerUntil { get; set; }

    /// <summary>Gets or sets when a superseded session may be retired.</summary>
    public Instant? RetireAt { get; set; }

    // Behind all that a packet reads, which stands together that way.
    private ReplayWindow _window;

    /// <summary>Gets a value indicating whether user data went either way on it.</summary>
    public bool CarriedData { get; private set; }

    /// <summary>Gets a value indicating whether data was received on it.</summary>
    public bool ReceivedData { get; private set; }

    /// <summary>Gets or sets whether the data that went over it has set the time of its renewal.</summary>
    public bool RekeyScheduled { get; set; }

    /// <summary>Gets or sets whether another session of the channel, begun at the same time by the other side, is sent on in its stead.</summary>
    public bool Yields { get; set; }

    /// <summary>Gets or sets whether the first empty packet was answered.</summary>
    public bool EmptyAnswered { get; set; }

    /// <summary>Gets or sets a value indicating whether the channel has other sessions too.</summary>
    public bool IsOneOfMany { get; set; }

    /// <summary>Gets or sets the copies of the finish that wait to be sent.</summary>
    public int PendingFinish { get; set; }

    /// <summary>Gets or sets the copies of the finish sent on the finish's own schedule.</summary>
    public int FinishCopies { get; set; }

    /// <summary>Gets or sets the copies of the confirmation that wait to be sent.</summary>
    public int PendingConfirmation { get; set; }

    /// <summary>Gets or sets whether an empty packet waits to be sealed and sent.</summary>
    public bool PendingEmpty { get; set; }

    /// <summary>Gets or sets whether a copy of the closing message waits to be sent.</summary>
    public bool PendingClosing { get; set; }

    public Instant SendUntil => _sendUntil;

    public Instant ReceiveUntil => _receiveUntil;

    public bool IsLive => State is SessionState.Unconfirmed or SessionState.Presumed or SessionState.Confirmed or SessionState.ReceiveOnly;

    /// <summary>Gets a value indicating whether it is a responder's that waits for the initiator's first packet.</summary>
    public bool IsUnproven => State == SessionState.Unconfirmed && Role == SessionRole.Responder;

    /// <summary>Gets whether the counter has come so far that the session is to be renewed.</summary>
    public bool WantsRekeyByCount => _nextCounter >= SpecLimits.RekeyAtCounter;

    /// <summary>Gets a value indicating whether its first message could only renew a session of its channel.</summary>
    public bool IsRenewal => Scheme.IsRenewal(FirstMessage);

    /// <summary>Gets the direction of the packets it takes.</summary>
    public Direction ReceiveDirection => Role == SessionRole.Initiator ? Direction.ResponderToInitiator : Direction.InitiatorToResponder;

    /// <summary>Tells whether it may send at all now; early sending has an allowance of its own.</summary>
    //= spec/sessions.md#lifetime-send
    public bool MaySend(Instant now) => State is SessionState.Confirmed or SessionState.Presumed && now < SendUntil && _nextCounter < SpecLimits.ClosingCounter;

    /// <summary>Tells whether it may send an empty packet: a responder whose finish left open whether the initiator knows it asks by one.</summary>
    public bool MaySendEmpty(Instant now) => MaySend(now) || IsUnproven;

    /// <summary>Tells whether an unconfirmed initiator's allowance covers one more packet.</summary>
    //= spec/sessions.md#early-data-sent
    public bool MaySendEarly(Instant now, int packetLength)
        => _sendsEarly && State == SessionState.Unconfirmed && now < SendUntil
            && _earlyPackets < SpecLimits.EarlyPackets && _earlyBytes + packetLength <= SpecLimits.EarlyBytes;

    /// <summary>Moves through the transition table; an event that means nothing in this state changes nothing.</summary>
    public bool Apply(SessionEvent what)
    {
        if (!SessionTransitions.TryNext(State, what, out var next) || next == State)
        {
            return false;
        }

        State = next;
        if (next == SessionState.Ended)
        {
            Dispose();
        }

        return true;
    }

    /// <summary>Seals a payload; the caller has asked whether the session may send.</summary>
    //= spec/sessions.md#counter-start
    public int Seal(Instant now, PacketAead aead, ReadOnlySpan<byte> payload, Span<byte> datagram)
    {
        //= spec/sessions.md#counter-limit
        if (_nextCounter >= SpecLimits.ClosingCounter)
        {
            throw new InvalidOperationException("The session has no counter left; MaySend said so.");
        }

        var length = payload.Length + _overhead;
        SealWith(aead, _nextCounter++, payload, datagram[..length]);
        OnPacketSent(now);
        if (!payload.IsEmpty)
        {
            if (!_firstSent.HasValue)
            {
                _firstSent = now;
            }

            CarriedData = true;
        }

        if (State == SessionState.Unconfirmed)
        {
            _earlyPackets++;
            _earlyBytes += length;
        }

        return length;
    }

    /// <summary>Notes that a packet is sent on it which it did not seal now.</summary>
    public void OnPacketSent(Instant now)
    {
        if (!_firstPacketSent.HasValue)
        {
            _firstPacketSent = now;
        }
    }

    /// <summary>Returns the closing message, sealed on the first call.</summary>
    //= spec/sessions.md#closing-sent
    public ReadOnlySpan<byte> SealClosing(PacketAead aead)
    {
        if (_closingMessage is null)
        {
            _closingMessage = new byte[_overhead];
            SealWith(aead, SpecLimits.ClosingCounter, default, _closingMessage);
        }

        return _closingMessage;
    }

    /// <summary>Opens a packet of its direction and address: the window's word first, then the cipher, then the window moves.</summary>
    //= spec/sessions.md#window-commit
    public DropReason TryOpen(Instant now, PacketAead aead, PacketCounter counter, ReadOnlySpan<byte> datagram, Span<byte> payload)
    {
        if (State == SessionState.Ended || now > ReceiveUntil)
        {
            return DropReason.SessionEnded;
        }

        ObjectDisposedException.ThrowIf(_disposed, this);
        var isClosing = counter.Value == SpecLimits.ClosingCounter;
        if (!isClosing && _window.WouldAccept(counter.Value) is var reason && reason != DropReason.None)
        {
            return reason;
        }

        if (!aead.TryOpen(_receiveKey, counter, datagram, payload, HeaderSize))
        {
            return DropReason.NotAuthentic;
        }

        if (isClosing)
        {
            return DropReason.None;
        }

        _window.Commit(counter.Value);
        _lastAuthentic = now;
        if (!payload.IsEmpty)
        {
            CarriedData = true;
            ReceivedData = true;
        }

        return DropReason.None;
    }

    /// <summary>Asks for what a packet reads of this object, which is known to be somewhere.</summary>
    public static void Fetch(Session session) => CacheLines.Fetch(session, FirstRead, LastRead);

    /// <summary>Asks for what a packet reads besides this object.</summary>
    public void FetchParts()
    {
        CacheLines.Fetch(_receiveKey, 0, CacheLines.Size);
        _window.Fetch();
    }

    /// <summary>Asks for what sealing reads besides this object.</summary>
    public void FetchSendKey() => CacheLines.Fetch(_sendKey, 0, CacheLines.Size);

    /// <summary>Wipes the keys.</summary>
    public void Dispose()
    {
        _disposed = true;
        _sendSecret.Dispose();
        _receiveSecret.Dispose();
    }

    public void AddTo(StateDigestBuilder digest)
    {
        digest.Add(Number);
        digest.Add((long)Role);
        digest.Add((long)State);
        digest.Add(Path);
        digest.Add(Begun);
        digest.Add(_nextCounter);
        digest.Add(LastAuthentic);
        digest.Add(FirstSent);
        digest.Add(FirstPacketSent);
        digest.Add(ConfirmedAt);
        digest.Add(RetireAt);
        digest.Add(LingerUntil);
        digest.Add(CarriedData);
        digest.Add(ReceivedData);
        digest.Add(EmptyAnswered);
        digest.Add(Yields);
        digest.Add(FinishCopies);
        _window.AddTo(digest);
    }

    private void SealWith(PacketAead aead, uint counter, ReadOnlySpan<byte> payload, Span<byte> packet)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var header = new PacketHeader(_sendDirection, new PacketCounter(counter));
        Letters.WriteHeader(header, HeaderSize, packet);
        aead.Seal(_sendKey, header.Counter, payload, packet, HeaderSize);
    }
}
