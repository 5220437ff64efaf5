using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.MyChips;

namespace PacketSec.Protocol.Schemes;

/// <summary>How far a handshake that a stranger began has come.</summary>
internal enum ResponderState
{
    /// <summary>The first message is being worked on.</summary>
    Working,

    /// <summary>The answer is made and held back: the application is asked first.</summary>
    Asking,

    /// <summary>The answer was sent.</summary>
    Answered,

    /// <summary>The finish verified; the application is asked.</summary>
    Deciding,

    /// <summary>The application refused; copies of the finish draw the refusal again.</summary>
    Refused,

    /// <summary>It became a session, or came to nothing.</summary>
    Over,
}

/// <summary>One half-open handshake, from the first message to the decision. Owns its keys until they become a session.</summary>
internal sealed class ResponderHandshake : IDisposable
{
    private PendingKeys? _keys;
    private ResponderState _state;

    public ResponderHandshake(Scheme scheme, long id, PathAddress path, byte[] firstMessage, Instant receivedAt, WorkClass workClass)
    {
        Scheme = scheme;
        WorkClass = workClass;
        Id = id;
        Path = path;
        FirstMessage = firstMessage;
        ReceivedAt = receivedAt;
        ByAge = new(this);
        if (scheme.AsksBeforeAnswer)
        {
            Site = SiteState.None;
            Apply(SiteTransitions.EventOf(firstMessage));
        }
    }

    public Scheme Scheme { get; }

    public long Id { get; }

    /// <summary>Gets what the handshake is bound to; null in direct mode, and while work is to find out.</summary>
    public Agreement? Agreement { get; set; }

    /// <summary>Gets whose places it takes.</summary>
    public WorkClass WorkClass { get; }

    /// <summary>Gets the place in the endpoint's list by age.</summary>
    public LinkedListNode<ResponderHandshake> ByAge { get; }

    /// <summary>Gets the path; its remote end is the same for the whole handshake.</summary>
    public PathAddress Path { get; private set; }

    public byte[] FirstMessage { get; }

    public Instant ReceivedAt { get; }

    /// <summary>Gets when the session's life begins.</summary>
    public Instant Begun => Ticket?.MadeAt ?? ReceivedAt;

    /// <summary>Gets what the cookie of its finish said; null where the scheme keeps state.</summary>
    public StatelessTicket? Ticket { get; private set; }

    public Instant ForgottenAt => ReceivedAt + SpecLimits.DialDeadline;

    /// <summary>Gets the state by the table of a scheme that asks before it answers; null for others.</summary>
    public SiteState? Site { get; private set; }

    public ResponderState State => Site is { } site ? SiteTransitions.ToResponderState(site) : _state;

    /// <summary>Gets the answer, the same bytes for each copy of the first message.</summary>
    public byte[] Answer { get; private set; } = [];

    /// <summary>Gets or sets the copies of the first message that came while it was worked on.</summary>
    public int WaitingCopies { get; set; }

    /// <summary>Gets the finish that verified.</summary>
    public byte[] Finish { get; private set; } = [];

    /// <summary>Gets the closing message that a refusal sends.</summary>
    public byte[] Refusal { get; private set; } = [];

    /// <summary>Gets the key that the first message or the finish proved.</summary>
    public PublicKey? RemoteKey { get; private set; }

    /// <summary>Gets its peer ID.</summary>
    public PeerId? Peer { get; private set; }

    /// <summary>Gets what is asked before the answer; null where nothing is.</summary>
    public AdmissionQuestion? Question { get; private set; }

    /// <summary>Gets what the initiator told of its user.</summary>
    public byte[] Certificate { get; private set; } = [];

    /// <summary>Gets or sets the question to the application.</summary>
    public long DecisionId { get; set; }

    /// <summary>Gets a value indicating whether the application has said yes already.</summary>
    public bool IsAllowed { get; private set; }

    public byte[] Confirmation { get; private set; } = [];

    /// <summary>Gets the keys, from the answer to the decision.</summary>
    public PendingKeys Keys => _keys ?? throw new InvalidOperationException("The handshake has no keys in this state.");

    public void OnAnswered(AnswerWork work, PeerId? peer)
    {
        Answer = work.Answer;
        Agreement = work.Agreement;
        RemoteKey = work.RemoteKey;
        Peer = peer;
        _keys = work.TakePendingKeys();
        Question = work.Question;
        _state = ResponderState.Answered;
        Apply(Question is null ? SiteEvent.RenewalVerified : SiteEvent.Verified);
    }

    /// <summary>The application has spoken about the answer that is held back; false where it is not asked, or not any more.</summary>
    public bool TryDecide(bool allow)
    {
        if (!Apply(allow ? SiteEvent.Allowed : SiteEvent.Denied))
        {
            return false;
        }

        IsAllowed = allow;
        return true;
    }

    /// <summary>Moves through the table of a scheme that has one; false where the event means nothing in this state. Other schemes have none to ask.</summary>
    //= spec/mychips.md#states
    //= spec/mychips.md#states-ignored
    public bool Apply(SiteEvent what)
    {
        if (Site is not { } site)
        {
            return true;
        }

        if (!SiteTransitions.TryNext(site, what, out var next))
        {
            return false;
        }

        Site = next;
        return true;
    }

    public void OnVerified(FinishWork work, PeerId peer)
    {
        Finish = work.Finish;
        Certificate = work.Certificate;
        Confirmation = work.Confirmation;
        Refusal = work.Refusal;
        Path = work.Path;
        RemoteKey = work.RemoteKey;
        Peer = peer;
        _state = ResponderState.Deciding;
        if (work.TakeSession() is { } session)
        {
            _keys?.Dispose();
            _keys = session;
        }
    }

    /// <summary>Takes a finish that brought its keys with it.</summary>
    public void OnVerified(StatelessFinishWork work, PeerId peer)
    {
        _keys = work.TakePendingKeys();
        Agreement = work.Agreement;
        Ticket = work.Ticket;
        OnVerified((FinishWork)work, peer);
    }

    public void OnRefused()
    {
        _state = ResponderState.Refused;
        _keys?.Dispose();
        _keys = null;
    }

    public EstablishedSession ToSession(EarlyData? early)
    {
        var keys = Keys;
        _keys = null;
        return new(Scheme, SessionRole.Responder, keys.SendKey, keys.ReceiveKey)
        {
            RemoteKey = RemoteKey!,
            RemotePeer = Peer!,
            Path = Path,
            Begun = Begun,
            FirstMessage = FirstMessage,
            Finish = Finish,
            Certificate = Certificate,
            Confirmation = Confirmation,
            EarlyData = early,
            Agreement = Agreement,
        };
    }

    public void Dispose()
    {
        _state = ResponderState.Over;
        Apply(SiteEvent.Over);
        _keys?.Dispose();
        _keys = null;
    }
}
