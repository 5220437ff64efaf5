using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes;

/// <summary>
/// One attempt to initiate a handshake: sends the first message until an answer is accepted or its time is over. Towards a peer that may be the
/// reference it makes fresh ones, and takes the answer to the latest; otherwise there is one, which may be answered several times. Pure: the peer
/// machine owns the clock, the work and the sending.
/// </summary>
internal sealed class Initiation : IDisposable
{
    /// <summary>When the first copy is sent again.</summary>
    public static readonly TimeSpan FirstResend = TimeSpan.FromMilliseconds(250);

    /// <summary>When later copies are.</summary>
    public static readonly TimeSpan Resend = TimeSpan.FromMilliseconds(500);

    // An answer that proves nothing may be forged, or its sender may have restarted since.
    private static readonly TimeSpan ResendAnswered = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan MinFresh = TimeSpan.FromSeconds(1);

    private readonly SchemeContext _context;
    private readonly WallClock _wallClock;
    private readonly PeerId _remote;
    private readonly List<byte[]> _answers = [];
    private HandshakeState? _noise;
    private byte[] _first = [];
    private Instant _resendAt;
    private Instant _freshAt;
    private TimeSpan _freshInterval;
    private int _working;

    public Initiation(Scheme scheme, SchemeContext context, WallClock wallClock, PeerId remote, PathAddress path, Instant now, TimeSpan? rtt, long id)
    {
        Scheme = scheme;
        _context = context;
        _wallClock = wallClock;
        _remote = remote;
        var fresh = (rtt ?? TimeSpan.Zero) * 3;
        _freshInterval = fresh > MinFresh ? fresh : MinFresh;
        Path = path;
        Id = id;
        Deadline = now + SpecLimits.DialDeadline;
        AnswerBy = Deadline;
        Site = scheme.NeedsIntroduction ? SiteState.None : null;
    }

    public long Id { get; }

    public Scheme Scheme { get; }

    public PathAddress Path { get; }

    /// <summary>Gets the state by the table of a scheme between sites; null for others.</summary>
    public SiteState? Site { get; private set; }

    /// <summary>Gets what the handshake is bound to; null in direct mode.</summary>
    public Agreement? Agreement { get; init; }

    /// <summary>Gets what the first message shows of a ticket; the peer machine owns it.</summary>
    public TicketPass? Pass { get; init; }

    /// <summary>Gets a value indicating whether it renews a session of its channel.</summary>
    public bool IsRenewal { get; init; }

    /// <summary>Gets or sets a value indicating whether the first message stands in a proposal, and is not sent by itself.</summary>
    public bool Embedded { get; set; }

    /// <summary>Gets when the attempt's sessions must have proven themselves.</summary>
    //= spec/p2pke.md#dial-deadline
    public Instant Deadline { get; init; }

    /// <summary>Gets when the attempt is given up without an answer.</summary>
    public Instant AnswerBy { get; init; }

    /// <summary>Gets which first message is the latest.</summary>
    public long Generation { get; private set; }

    /// <summary>Gets when the latest first message was sent first; null while the first one is being made.</summary>
    public Instant? FirstSentAt { get; private set; }

    /// <summary>Gets or sets whether a copy of the first message waits to be sent.</summary>
    public bool PendingFirst { get; set; }

    public ReadOnlySpan<byte> FirstMessage => _first;

    /// <summary>Gets when <see cref="HandleTimeout"/> has something to do; null while nothing is to be sent by time.</summary>
    public Instant? NextAction => FirstSentAt is null || Embedded || _answers.Count >= (Scheme.AnswerProves ? 1 : ImplementationLimits.AnswersPerFirstMessage)
        ? null
        : MakesFresh ? Instant.Min(_resendAt, _freshAt) : _resendAt;

    private bool MayBeAnswered => Site is not { } site || SiteTransitions.TryNext(site, SiteEvent.AnswerOpened, out _);

    private bool MakesFresh => Agreement is null && Scheme.HasReference;

    /// <summary>Whether its latest first message is later than another handshake's first message, or still to be made.</summary>
    public bool IsLaterThan(Instant begun) => FirstSentAt is null || FirstSentAt > begun;

    /// <summary>Starts making a first message with a fresh ephemeral key.</summary>
    public FirstMessageWork BeginFirst(Instant now) => Scheme.BeginFirst(
        _context, new(Id, Agreement, _remote, _wallClock.ToUnixTime(now)) { Pass = Pass?.Copy(), IsRenewal = IsRenewal });

    /// <summary>Takes a fresh first message; the one before it counts no more.</summary>
    //= spec/p2pke.md#init-hello-latest
    public void Install(Instant now, FirstMessageWork work, IRandomSource random)
    {
        Apply(SiteEvent.Dialled);
        _noise?.Dispose();
        _noise = work.TakeNoise();
        _first = work.FirstMessage;
        Generation++;
        _working = 0;
        PendingFirst = !Embedded;
        FirstSentAt = now;
        _resendAt = now + Jitter.Lengthen(FirstResend, random);
        _freshAt = now + Jitter.Lengthen(_freshInterval, random);
        _freshInterval *= 2;
    }

    /// <summary>Sends a copy of the first message once more, because the other side may not know it.</summary>
    /// <param name="now">The time.</param>
    /// <param name="random">For jitter.</param>
    /// <param name="leftOut">Whether the proposal that it was made for went without it.</param>
    //= spec/psec.md#copy
    //= spec/psec.md#embed-too-long
    public void Repeat(Instant now, IRandomSource random, bool leftOut)
    {
        if (Embedded && leftOut)
        {
            (Embedded, PendingFirst, FirstSentAt) = (false, true, now);
            _resendAt = now + Jitter.Lengthen(FirstResend, random);
        }
        else if (Embedded)
        {
            // Its copies came with the proposal, and the answer may be on its way beside the accept.
            Embedded = false;
            _resendAt = now + Jitter.Lengthen(FirstResend, random);
        }
        else if (FirstSentAt is not null && (_answers.Count > 0 || Agreement!.Case == NegotiationCase.Simultaneous))
        {
            PendingFirst = true;
        }
    }

    /// <summary>Resends or asks for a fresh first message, whichever is due.</summary>
    /// <returns>True when a fresh one is to be made.</returns>
    //= spec/p2pke.md#init-hello-resend
    //= spec/p2pke.md#init-hello-fresh
    //= spec/p2pke.md#psec-one-hello
    public bool HandleTimeout(Instant now, IRandomSource random)
    {
        if (NextAction is null)
        {
            return false;
        }

        if (MakesFresh && now >= _freshAt)
        {
            _freshAt = now + Jitter.Lengthen(_freshInterval, random);
            _resendAt = now + Jitter.Lengthen(Resend, random);
            return true;
        }

        if (now >= _resendAt)
        {
            PendingFirst = true;
            _resendAt = now + Jitter.Lengthen(_answers.Count > 0 ? ResendAnswered : Resend, random);
        }

        return false;
    }

    /// <summary>Starts checking an answer, within the bound of what may be worked on at once.</summary>
    /// <returns>Why not, or <see cref="DropReason.None"/>.</returns>
    //= spec/p2pke.md#psec-answers
    public DropReason TryBeginCheck(ReadOnlySpan<byte> answer, out AnswerCandidate candidate)
    {
        candidate = default;
        if (_noise is null || !MayBeAnswered || _answers.Count >= ImplementationLimits.AnswersPerFirstMessage || HasAccepted(answer))
        {
            return DropReason.NoHandshake;
        }

        if (_working >= ImplementationLimits.PeerWork)
        {
            return DropReason.WorkFull;
        }

        _working++;
        candidate = new(Id, Generation, _noise.Clone());
        return DropReason.None;
    }

    /// <summary>Takes checked work back that this attempt was a candidate of.</summary>
    public void EndCheck(long generation)
    {
        if (generation == Generation)
        {
            _working--;
        }
    }

    /// <summary>Whether an answer led to a session already.</summary>
    public bool HasAccepted(ReadOnlySpan<byte> answer)
    {
        foreach (var accepted in _answers)
        {
            if (Scheme.IdentityOf(answer).SequenceEqual(Scheme.IdentityOf(accepted)))
            {
                return true;
            }
        }

        return false;
    }

    public EstablishedSession ToSession(Instant now, AnswerCheckWork work, IRandomSource random)
    {
        Apply(SiteEvent.AnswerOpened);
        _answers.Add(work.Answer);
        if (_answers.Count >= ImplementationLimits.AnswersPerFirstMessage)
        {
            // No further answer is taken, so nobody needs the ephemeral key.
            _noise?.Dispose();
            _noise = null;
        }

        PendingFirst = false;
        _resendAt = now + Jitter.Lengthen(ResendAnswered, random);
        var (send, receive) = work.TakeKeys();
        return new(Scheme, SessionRole.Initiator, send, receive)
        {
            RemoteKey = work.RemoteKey!,
            RemotePeer = work.RemotePeer!,
            Path = work.Path,
            Begun = FirstSentAt!.Value,
            FirstMessage = _first,
            Finish = work.Finish,
            Agreement = Agreement,
        };
    }

    public void Dispose()
    {
        Apply(SiteEvent.Over);
        _noise?.Dispose();
        _noise = null;
    }

    public void AddTo(StateDigestBuilder digest)
    {
        digest.Add(Path);
        digest.Add(PsecFrame.ToBytes(Scheme.Name));
        digest.Add(Deadline);
        digest.Add(Agreement is null ? default : Agreement.Transcript);
        digest.Add(Embedded);
        digest.Add(_answers.Count);
        digest.Add(FirstSentAt);
        digest.Add(_first);
        digest.Add(_resendAt);
        digest.Add(_freshAt);
    }

    private void Apply(SiteEvent what)
    {
        if (Site is { } site && SiteTransitions.TryNext(site, what, out var next))
        {
            Site = next;
        }
    }
}
