using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.P2pke;

/// <summary>
/// One attempt to initiate <c>p2pke-1</c>: sends InitHello until a RespHello is accepted or its time is over. In direct mode it makes fresh ones,
/// and takes the answer to the latest; under an agreement there is one, which may be answered several times. Pure: the peer machine owns the clock,
/// the work and the sending.
/// </summary>
internal sealed class P2pkeInitiator : IDisposable
{
    /// <summary>When the first copy is sent again.</summary>
    public static readonly TimeSpan FirstResend = TimeSpan.FromMilliseconds(250);

    /// <summary>When later copies are.</summary>
    public static readonly TimeSpan Resend = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan MinFresh = TimeSpan.FromSeconds(1);

    private readonly P2pkeContext _context;
    private readonly WallClock _wallClock;
    private readonly List<byte[]> _answers = [];
    private HandshakeState? _noise;
    private byte[] _initHello = [];
    private Instant _resendAt;
    private Instant _freshAt;
    private TimeSpan _freshInterval;
    private int _working;

    public P2pkeInitiator(P2pkeContext context, WallClock wallClock, PathAddress path, Instant now, TimeSpan? rtt, long id)
    {
        _context = context;
        _wallClock = wallClock;
        var fresh = (rtt ?? TimeSpan.Zero) * 3;
        _freshInterval = fresh > MinFresh ? fresh : MinFresh;
        Path = path;
        Id = id;
        Deadline = now + SpecLimits.DialDeadline;
        AnswerBy = Deadline;
    }

    public long Id { get; }

    public PathAddress Path { get; }

    /// <summary>Gets what the handshake is bound to; null in direct mode.</summary>
    public Agreement? Agreement { get; init; }

    /// <summary>Gets or sets a value indicating whether InitHello stands in a proposal, and is not sent by itself.</summary>
    public bool Embedded { get; set; }

    /// <summary>Gets when the attempt's sessions must have proven themselves.</summary>
    //= spec/p2pke.md#dial-deadline
    public Instant Deadline { get; init; }

    /// <summary>Gets when the attempt is given up without an answer.</summary>
    public Instant AnswerBy { get; init; }

    /// <summary>Gets which InitHello is the latest.</summary>
    public long Generation { get; private set; }

    /// <summary>Gets when the latest InitHello was sent first; null while the first one is being made.</summary>
    public Instant? HelloSentAt { get; private set; }

    /// <summary>Gets or sets whether a copy of the InitHello waits to be sent.</summary>
    public bool PendingHello { get; set; }

    public ReadOnlySpan<byte> InitHello => _initHello;

    /// <summary>Gets when <see cref="HandleTimeout"/> has something to do; null while nothing is to be sent by time.</summary>
    public Instant? NextAction => HelloSentAt is null || Embedded || _answers.Count > 0
        ? null
        : Agreement is null ? Instant.Min(_resendAt, _freshAt) : _resendAt;

    /// <summary>Whether its latest InitHello is later than another handshake's first message, or still to be made.</summary>
    public bool IsLaterThan(Instant begun) => HelloSentAt is null || HelloSentAt > begun;

    /// <summary>Starts making an InitHello with a fresh ephemeral key.</summary>
    //= spec/p2pke.md#timestamp-encoding
    public InitHelloWork BeginHello(Instant now)
        => new(_context, Tai64n.FromDateTimeOffset(DateTimeOffset.UnixEpoch + _wallClock.ToUnixTime(now)), Agreement) { AttemptId = Id };

    /// <summary>Takes a fresh InitHello; the one before it counts no more.</summary>
    //= spec/p2pke.md#init-hello-latest
    public void Install(Instant now, InitHelloWork work, IRandomSource random)
    {
        _noise?.Dispose();
        _noise = work.TakeNoise();
        _initHello = work.InitHello;
        Generation++;
        _working = 0;
        PendingHello = !Embedded;
        HelloSentAt = now;
        _resendAt = now + Jitter.Lengthen(FirstResend, random);
        _freshAt = now + Jitter.Lengthen(_freshInterval, random);
        _freshInterval *= 2;
    }

    /// <summary>Sends a copy of the InitHello once more, because the other side may not know it.</summary>
    //= spec/psec.md#copy
    public void Repeat(Instant now, IRandomSource random)
    {
        if (Embedded)
        {
            // Its copies came with the proposal, and the answer may be on its way beside the accept.
            Embedded = false;
            _resendAt = now + Jitter.Lengthen(FirstResend, random);
        }
        else if (HelloSentAt is not null && (_answers.Count > 0 || Agreement!.Case == NegotiationCase.Simultaneous))
        {
            PendingHello = true;
        }
    }

    /// <summary>Resends or asks for a fresh InitHello, whichever is due.</summary>
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

        if (Agreement is null && now >= _freshAt)
        {
            _freshAt = now + Jitter.Lengthen(_freshInterval, random);
            _resendAt = now + Jitter.Lengthen(Resend, random);
            return true;
        }

        if (now >= _resendAt)
        {
            PendingHello = true;
            _resendAt = now + Jitter.Lengthen(Resend, random);
        }

        return false;
    }

    /// <summary>Starts checking a RespHello, within the bound of what may be worked on at once.</summary>
    /// <returns>Why not, or <see cref="DropReason.None"/>.</returns>
    //= spec/p2pke.md#psec-answers
    public DropReason TryBeginCheck(ReadOnlySpan<byte> respHello, out RespHelloCandidate candidate)
    {
        candidate = default;
        if (_noise is null || _answers.Count >= ImplementationLimits.AnswersPerFirstMessage || HasAccepted(respHello))
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
    public bool HasAccepted(ReadOnlySpan<byte> respHello)
    {
        foreach (var answer in _answers)
        {
            if (respHello.SequenceEqual(answer))
            {
                return true;
            }
        }

        return false;
    }

    public EstablishedSession ToSession(RespHelloWork work)
    {
        _answers.Add(work.RespHello);
        PendingHello = false;
        var (send, receive) = work.TakeKeys();
        return new(SessionRole.Initiator, send, receive)
        {
            RemoteKey = work.RemoteKey!,
            RemotePeer = work.RemotePeer!,
            Path = work.Path,
            Begun = HelloSentAt!.Value,
            FirstMessage = _initHello,
            Finish = work.InitDone,
            Agreement = Agreement,
        };
    }

    public void Dispose()
    {
        _noise?.Dispose();
        _noise = null;
    }

    public void AddTo(StateDigestBuilder digest)
    {
        digest.Add(Path);
        digest.Add(Deadline);
        digest.Add(Agreement is null ? default : Agreement.Transcript);
        digest.Add(Embedded);
        digest.Add(_answers.Count);
        digest.Add(HelloSentAt);
        digest.Add(_initHello);
        digest.Add(_resendAt);
        digest.Add(_freshAt);
    }
}
