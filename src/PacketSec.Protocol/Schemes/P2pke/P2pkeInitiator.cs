using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.P2pke;

/// <summary>
/// One attempt to initiate <c>p2pke-1</c> in direct mode: sends InitHello, again and afresh, until a RespHello is accepted or the deadline has
/// passed. Pure: the peer machine owns the clock, the work and the sending.
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
    private readonly TimeSpan _rtt;
    private HandshakeState? _noise;
    private byte[] _initHello = [];
    private Instant _resendAt;
    private Instant _freshAt;
    private TimeSpan _freshInterval;
    private int _working;
    private long _generation;

    public P2pkeInitiator(P2pkeContext context, WallClock wallClock, PathAddress path, Instant now, TimeSpan? rtt)
    {
        _context = context;
        _wallClock = wallClock;
        _rtt = rtt ?? TimeSpan.Zero;
        _freshInterval = _rtt * 3 > MinFresh ? _rtt * 3 : MinFresh;
        Path = path;
        Deadline = now + SpecLimits.DialDeadline;
    }

    public PathAddress Path { get; }

    //= spec/p2pke.md#dial-deadline
    public Instant Deadline { get; }

    /// <summary>Gets when the latest InitHello was sent first; null while the first one is being made.</summary>
    public Instant? HelloSentAt { get; private set; }

    /// <summary>Gets or sets whether a copy of the InitHello waits to be sent.</summary>
    public bool PendingHello { get; set; }

    public ReadOnlySpan<byte> InitHello => _initHello;

    /// <summary>Gets when <see cref="HandleTimeout"/> has something to do; null while an InitHello is being made.</summary>
    public Instant? NextAction => HelloSentAt is null ? null : Instant.Min(_resendAt, _freshAt);

    /// <summary>Whether its latest InitHello is later than another handshake's first message, or still to be made.</summary>
    public bool IsLaterThan(Instant begun) => HelloSentAt is null || HelloSentAt > begun;

    /// <summary>Starts making an InitHello with a fresh ephemeral key.</summary>
    //= spec/p2pke.md#timestamp-encoding
    public InitHelloWork BeginHello(Instant now, long attemptId)
        => new(_context, Tai64n.FromDateTimeOffset(DateTimeOffset.UnixEpoch + _wallClock.ToUnixTime(now))) { AttemptId = attemptId };

    /// <summary>Takes a fresh InitHello; the one before it counts no more.</summary>
    //= spec/p2pke.md#init-hello-latest
    public void Install(Instant now, InitHelloWork work, IRandomSource random)
    {
        _noise?.Dispose();
        _noise = work.TakeNoise();
        _initHello = work.InitHello;
        _generation++;
        _working = 0;
        PendingHello = true;
        HelloSentAt = now;
        _resendAt = now + Jitter.Lengthen(FirstResend, random);
        _freshAt = now + Jitter.Lengthen(_freshInterval, random);
        _freshInterval *= 2;
    }

    /// <summary>Resends or asks for a fresh InitHello, whichever is due.</summary>
    /// <returns>True when a fresh one is to be made.</returns>
    //= spec/p2pke.md#init-hello-resend
    //= spec/p2pke.md#init-hello-fresh
    public bool HandleTimeout(Instant now, IRandomSource random)
    {
        if (HelloSentAt is null)
        {
            return false;
        }

        if (now >= _freshAt)
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
    public DropReason TryBeginCheck(in PathAddress path, ReadOnlySpan<byte> respHello, PeerId expected, long attemptId, out RespHelloWork? work)
    {
        work = null;
        if (_noise is null)
        {
            return DropReason.NoHandshake;
        }

        if (_working >= ImplementationLimits.PeerWork)
        {
            return DropReason.WorkFull;
        }

        _working++;
        work = new(_context, _noise.Clone(), respHello.ToArray(), expected)
        {
            AttemptId = attemptId,
            Generation = _generation,
            Path = path,
        };

        return DropReason.None;
    }

    /// <summary>Takes a checked RespHello; false when a fresh InitHello has overtaken it.</summary>
    public bool IsCurrent(RespHelloWork work)
    {
        if (work.Generation != _generation)
        {
            return false;
        }

        _working--;
        return true;
    }

    public EstablishedSession ToSession(RespHelloWork work)
    {
        var (send, receive) = work.TakeKeys();
        return new(SessionRole.Initiator, send, receive)
        {
            RemoteKey = work.RemoteKey!,
            RemotePeer = work.RemotePeer!,
            Path = work.Path,
            Begun = HelloSentAt!.Value,
            FirstMessage = _initHello,
            Finish = work.InitDone,
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
        digest.Add(HelloSentAt);
        digest.Add(_initHello);
        digest.Add(_resendAt);
        digest.Add(_freshAt);
    }
}
