using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;

namespace PacketSec.Exploration.Model;

/// <summary>
/// One of two peers: the negotiator as it is shipped, and around it the books that the machines of a scheme keep, with terms in place of
/// cryptography. It changes only inside a step, and is shared by all states afterwards.
/// </summary>
internal sealed partial class Side
{
    private readonly Place _place;
    private readonly Negotiator _negotiator;
    private Waiting[] _waiting = [];
    private Unconfirmed[] _unconfirmed = [];
    private Pending[] _pending = [];
    private Established[] _sessions = [];
    private long _clock;
    private int _attempts;
    private ulong _embedded;
    private ulong _cookie;
    private bool _dialsDirect;
    private bool _standardOnly;
    private UInt128? _key;

    public Side(Place place, int attempts)
    {
        _place = place;
        _attempts = attempts;
        _negotiator = place.NewNegotiator();
    }

    private Side(Side other)
    {
        _place = other._place;
        _negotiator = other._negotiator.Clone();
        _waiting = other._waiting;
        _unconfirmed = other._unconfirmed;
        _pending = other._pending;
        _sessions = other._sessions;
        _clock = other._clock;
        _attempts = other._attempts;
        _embedded = other._embedded;
        _cookie = other._cookie;
        _dialsDirect = other._dialsDirect;
        _standardOnly = other._standardOnly;
    }

    public Place Place => _place;

    public int Index => _place.Index;

    public int Attempts => _attempts;

    public Negotiator Negotiator => _negotiator;

    public IReadOnlyList<Established> Sessions => _sessions;

    /// <summary>Gets a value indicating whether its application waits for a session.</summary>
    public bool Wants => _negotiator.Own is not null || _dialsDirect;

    /// <summary>Gets the intervals until its attempt fails unless something comes.</summary>
    public long Left
    {
        get
        {
            var left = _negotiator.Own is { } own ? ToUnits(own.Deadline) - _clock : DirectLeft;
            return _negotiator.Own is { State: OwnProposalState.Rejected, RejectedAt: { } at } rejected
                ? Math.Min(left, ToUnits(rejected.RejectDue ?? at + _place.Context.Times.RejectPatience) - _clock)
                : left;
        }
    }

    /// <summary>Gets the intervals until a timer is due; null when none is.</summary>
    public long? Until
    {
        get
        {
            var next = long.MaxValue;
            if (_negotiator.NextDeadline is { } deadline)
            {
                next = ToUnits(deadline);
            }

            foreach (var waiting in _waiting)
            {
                next = waiting.IsDue ? Math.Min(next, waiting.ResendAt) : next;
                next = waiting.Agreement is null ? Math.Min(next, waiting.Deadline) : next;
            }

            foreach (var session in _unconfirmed)
            {
                next = Math.Min(next, session.Repeats ? Math.Min(session.ResendAt, session.Deadline) : session.Deadline);
            }

            foreach (var pending in _pending)
            {
                next = Math.Min(next, pending.ForgetAt);
            }


            // What is remembered for the life of a session is remembered for good here.
            return next - _clock <= _place.Configuration.Attempt ? Math.Max(0, next - _clock) : null;
        }
    }

    /// <summary>Gets a value indicating whether it will do nothing by itself but forget.</summary>
    public bool IsQuiet => !Wants && !Array.Exists(_waiting, waiting => waiting.IsDue) && !Array.Exists(_unconfirmed, session => session.Repeats);

    /// <summary>Gets 128 bits that are the same exactly when everything is that matters; times count from now.</summary>
    public UInt128 Key => _key ??= MakeKey();

    private long DirectLeft
        => Array.Find(_waiting, waiting => waiting.Agreement is null)?.Deadline - _clock
            ?? Array.Find(_unconfirmed, session => session.Agreement is null)?.Deadline - _clock ?? 0;

    private Instant Now => new(_clock * (Place.Interval.Ticks * 100));

    private Weakness Weakness => _place.Configuration.Weakness;

    public Side Clone() => new(this);

    public override string ToString()
        => $"{Name} {_negotiator.Own?.State.ToString() ?? "idle"}, {string.Join("+", _negotiator.Remotes.Select(remote => remote.State))}, "
            + $"{_waiting.Length} waiting, {_unconfirmed.Length} unconfirmed, {_pending.Length} pending, {_sessions.Length} sessions";

    /// <summary>Whether a session is held, confirmed or not, so that packets on it can be received.</summary>
    public bool Holds(Keys keys)
        => Array.Exists(_sessions, session => session.Keys == keys) || Array.Exists(_unconfirmed, session => session.Keys == keys);

    /// <summary>Whether an ephemeral key's name means something here.</summary>
    public bool Knows(ulong ephemeral)
        => _embedded == ephemeral
            || Array.Exists(_waiting, waiting => waiting.Keys.Initiator == ephemeral)
            || Array.Exists(_unconfirmed, session => session.Keys.Initiator == ephemeral || session.Keys.Responder == ephemeral)
            || Array.Exists(_pending, pending => pending.Keys.Initiator == ephemeral || pending.Keys.Responder == ephemeral)
            || Array.Exists(_sessions, session => session.Keys.Initiator == ephemeral || session.Keys.Responder == ephemeral);

    /// <summary>Returns what is wrong with this side by itself, or null.</summary>
    public string? FindFault()
    {
        if (_negotiator.Own is { } own && own.Deadline <= Now)
        {
            return $"an attempt of {Name} outlives its deadline";
        }

        if (_negotiator.Own is null && Array.Exists(_waiting, waiting => waiting.Agreement is not null))
        {
            return $"a handshake of {Name} outlives its attempt";
        }

        if (Array.Exists(_unconfirmed, session => session.Deadline <= _clock))
        {
            return $"an unconfirmed session of {Name} outlives its deadline";
        }

        return _pending.Length > ImplementationLimits.HandshakesPerAddress
            || _negotiator.Remotes.Count(remote => remote.State != RemoteProposalState.Over) > ImplementationLimits.ProposalsPerAddress
            ? $"{Name} keeps more than its bounds allow"
            : null;
    }

    public string Name => Index == 0 ? "A" : "B";

    private static long ToUnits(Instant instant) => instant.Nanoseconds / (Place.Interval.Ticks * 100);

    private UInt128 MakeKey()
    {
        var mixer = new Mixer((ulong)Index);
        mixer.Add(_attempts);
        mixer.Add(_embedded);
        mixer.Add(_cookie);
        mixer.Add(_dialsDirect);
        mixer.Add(_standardOnly);
        if (_negotiator.Own is { } own)
        {
            AddOwn(ref mixer, own);
        }

        foreach (var remote in _negotiator.Remotes)
        {
            mixer.Add(Place.ReadName(remote.Digest));
            mixer.Add((long)remote.State);
            mixer.Add(Place.ReadName(remote.Agreement.Transcript));
            mixer.Add(remote.WeLead);
            mixer.Add(_place.Configuration.Forgets && remote.State != RemoteProposalState.Over ? ToUnits(remote.ForgetAt) - _clock : 0);
        }

        AddBooks(ref mixer);
        return mixer.Value;
    }

    // The normal form is a function of the attempt, and the first packet and the cookie are named beside it.
    private void AddOwn(ref Mixer mixer, OwnProposal own)
    {
        mixer.Add((long)own.State + 100);
        mixer.Add(ToUnits(own.Deadline) - _clock);
        mixer.Add(own.Standard is null ? 0 : Place.ReadName(own.Standard.Transcript));
        mixer.Add(own.Leading is null ? 0 : Place.ReadName(own.Leading.Transcript));
        mixer.Add(own.Accepted);
        mixer.Add(own.Simultaneous);
        mixer.Add(own.NothingCommon);
        mixer.Add(own.State == OwnProposalState.Joining ? ToUnits(own.JoinUntil) - _clock : 0);
        mixer.Add(own.NextCopy is { } next ? ToUnits(next) - _clock : -1);
        mixer.Add(own.RejectedAt is { } at ? ToUnits(at) - _clock : -1);
        mixer.Add(own.RejectedAt is null ? 0 : own.Copies - own.CopiesAtReject);
        mixer.Add(own.RejectDue is { } due ? ToUnits(due) - _clock : -1);
        mixer.Add(own.Retries);
    }

    private void AddBooks(ref Mixer mixer)
    {
        mixer.Add((ulong)((_waiting.Length << 24) | (_unconfirmed.Length << 16) | (_pending.Length << 8) | _sessions.Length));
        foreach (var waiting in _waiting)
        {
            waiting.Keys.AddTo(ref mixer);
            mixer.Add(waiting.IsSent);
            mixer.Add(waiting.IsDue ? waiting.ResendAt - _clock : -1);
            mixer.Add(waiting.Answers);
            mixer.Add(waiting.Agreement is null ? waiting.Deadline - _clock : 0);
        }

        foreach (var session in _unconfirmed)
        {
            session.Keys.AddTo(ref mixer);
            mixer.Add(session.Repeats ? session.ResendAt - _clock : -1);
            mixer.Add(session.Deadline - _clock);
        }

        foreach (var pending in _pending)
        {
            pending.Keys.AddTo(ref mixer);
            mixer.Add(_place.Configuration.Forgets ? pending.ForgetAt - _clock : 0);
            mixer.Add(pending.IsClosed);
        }

        foreach (var session in _sessions)
        {
            session.Keys.AddTo(ref mixer);
            mixer.Add(session.IsInitiator);
        }
    }
}
