using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;

namespace PacketSec.Protocol.Schemes.P2pke;

/// <summary>How far a handshake that a stranger began has come.</summary>
internal enum ResponderState
{
    /// <summary>The InitHello is being worked on.</summary>
    Working,

    /// <summary>The RespHello was sent.</summary>
    Answered,

    /// <summary>The finish verified; the application is asked.</summary>
    Deciding,

    /// <summary>The application refused; copies of the finish draw the refusal again.</summary>
    Refused,

    /// <summary>It became a session, or came to nothing.</summary>
    Over,
}

/// <summary>One half-open handshake, from InitHello to the decision. Owns its keys until they become a session.</summary>
internal sealed class P2pkeResponder : IDisposable
{
    private ResponderKeys? _keys;

    public P2pkeResponder(long id, PathAddress path, byte[] initHello, Instant receivedAt, Agreement? agreement, WorkClass workClass)
    {
        Agreement = agreement;
        WorkClass = workClass;
        Id = id;
        Path = path;
        InitHello = initHello;
        ReceivedAt = receivedAt;
        ByAge = new(this);
    }

    public long Id { get; }

    /// <summary>Gets what the handshake is bound to; null in direct mode.</summary>
    public Agreement? Agreement { get; }

    /// <summary>Gets whose places it takes.</summary>
    public WorkClass WorkClass { get; }

    /// <summary>Gets the place in the endpoint's list by age.</summary>
    public LinkedListNode<P2pkeResponder> ByAge { get; }

    /// <summary>Gets the path; its remote end is the same for the whole handshake.</summary>
    public PathAddress Path { get; private set; }

    public byte[] InitHello { get; }

    public Instant ReceivedAt { get; }

    public Instant ForgottenAt => ReceivedAt + SpecLimits.DialDeadline;

    public ResponderState State { get; private set; }

    /// <summary>Gets the answer, the same bytes for each copy of the InitHello.</summary>
    public byte[] RespHello { get; private set; } = [];

    /// <summary>Gets or sets the copies of the InitHello that came while it was worked on.</summary>
    public int WaitingCopies { get; set; }

    /// <summary>Gets the finish that verified.</summary>
    public byte[] InitDone { get; private set; } = [];

    /// <summary>Gets the closing message that a refusal sends.</summary>
    public byte[] Refusal { get; private set; } = [];

    /// <summary>Gets the identity that the finish proved.</summary>
    public PeerId? Peer { get; private set; }

    /// <summary>Gets or sets the question to the application.</summary>
    public long DecisionId { get; set; }

    public byte[] Confirmation { get; private set; } = [];

    public ResponderKeys Keys => _keys ?? throw new InvalidOperationException("The handshake has no keys in this state.");

    public void OnAnswered(InitHelloResponse work)
    {
        RespHello = work.RespHello;
        _keys = work.TakeKeys();
        State = ResponderState.Answered;
    }

    public void OnVerified(InitDoneWork work, PeerId peer)
    {
        InitDone = work.InitDone;
        Confirmation = work.Confirmation;
        Refusal = work.Refusal;
        Path = work.Path;
        Peer = peer;
        State = ResponderState.Deciding;
    }

    public void OnRefused()
    {
        State = ResponderState.Refused;
        _keys?.Dispose();
        _keys = null;
    }

    public EstablishedSession ToSession(EarlyData? early)
    {
        var keys = Keys;
        _keys = null;
        State = ResponderState.Over;
        return new(SessionRole.Responder, keys.SendKey, keys.ReceiveKey)
        {
            RemoteKey = keys.ClaimedKey,
            RemotePeer = Peer!,
            Path = Path,
            Begun = ReceivedAt,
            FirstMessage = InitHello,
            Finish = InitDone,
            Confirmation = Confirmation,
            EarlyData = early,
            Agreement = Agreement,
        };
    }

    public void Dispose()
    {
        State = ResponderState.Over;
        _keys?.Dispose();
        _keys = null;
    }
}
