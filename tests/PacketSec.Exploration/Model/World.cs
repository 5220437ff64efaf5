namespace PacketSec.Exploration.Model;

/// <summary>What happens in a step, or on a way, that is no part of the state that it leads to.</summary>
[Flags]
internal enum Happened : byte
{
    /// <summary>The attempt of A failed.</summary>
    FailedA = 1,
    FailedB = 2,

    /// <summary>A refused an answer, because it has as many unconfirmed sessions as it may.</summary>
    RefusedA = 4,
    RefusedB = 8,
}

/// <summary>A state of the exploration: two sides, what is in flight between them, and what may still happen. Changes only inside a step.</summary>
internal sealed class World
{
    private const int Copies = 2;
    private const int MostCompleted = 3;

    private readonly Configuration _configuration;
    private readonly Side[] _sides;

    // By receiver, in the order of a fair network.
    private readonly Packet[][] _inFlight;
    private readonly Transitions _transitions;
    private byte[] _used;
    private readonly bool _isFair;

    private World(Configuration configuration, Transitions transitions, Side[] sides, Packet[][] inFlight, byte[] used)
    {
        _configuration = configuration;
        _transitions = transitions;
        _sides = sides;
        _inFlight = inFlight;
        _used = used;
    }

    private World(World other, bool isFair)
        : this(other._configuration, other._transitions, [other._sides[0], other._sides[1]], [other._inFlight[0], other._inFlight[1]], other._used)
        => _isFair = isFair;

    // What was used of the bounds of a configuration; the last two tell what happened.
    private enum Use
    {
        ConnectA,
        ConnectB,
        CancelA,
        CancelB,
        RestartA,
        RestartB,
        Duplicates,
        Forgeries,
        ForgedA,
        ForgedB = ForgedA + 2,
        Completed = ForgedB + 2,
        Expired,
        Count,
    }

    public IReadOnlyList<Side> Sides => _sides;

    /// <summary>Gets a value indicating whether nothing is in flight.</summary>
    public bool IsSilent => _inFlight[0].Length + _inFlight[1].Length == 0;

    /// <summary>Gets a value indicating whether nothing will happen by itself.</summary>
    public bool IsQuiet => IsSilent && _sides[0].IsQuiet && _sides[1].IsQuiet;

    /// <summary>Gets what is delivered next where nothing is lost: the first packet of either direction, or the last.</summary>
    public Step FairDelivery
    {
        get
        {
            var isLast = _configuration.IsReordered;
            var toA = isLast
                ? _inFlight[0] is [.., var lastA] && (_inFlight[1] is not [.., var lastB] || lastA.CompareTo(lastB) >= 0)
                : _inFlight[0] is [var a, ..] && (_inFlight[1] is not [var b, ..] || a.CompareTo(b) <= 0);
            var side = (byte)(toA ? 0 : 1);
            return new(StepKind.Deliver, side, isLast ? (byte)(_inFlight[side].Length - 1) : (byte)0);
        }
    }

    /// <summary>Gets what happened in the step that led here. How a state was come to is no part of it.</summary>
    public Happened Happened { get; private set; }

    /// <summary>Gets how many handshakes were completed by a finish that verified.</summary>
    public int Completed => _used[(int)Use.Completed];

    /// <summary>Gets a value indicating whether an attempt failed, or a session whose finish was sent was given up with it.</summary>
    public bool HasExpired => _used[(int)Use.Expired] != 0;

    /// <summary>Gets a value indicating whether an application gave up, or a side restarted.</summary>
    public bool IsDisturbed => _used.AsSpan((int)Use.CancelA, 4).ContainsAnyExcept((byte)0);

    /// <summary>Gets a value indicating whether a stranger interfered.</summary>
    public bool IsForged => _used[(int)Use.Forgeries] > 0;

    /// <summary>Gets 128 bits that are the same exactly when everything is that matters for what can happen from here.</summary>
    public UInt128 Key
    {
        get
        {
            var mixer = new Mixer(7);
            mixer.Add(_sides[0].Key);
            mixer.Add(_sides[1].Key);
            mixer.Add(_used);
            foreach (var packets in _inFlight)
            {
                mixer.Add(packets.Length);
                foreach (var packet in packets)
                {
                    mixer.Add(packet.Hash);
                }
            }

            return mixer.Value;
        }
    }

    public static World Begin(Configuration configuration)
        => new(configuration, new(), [new(new(configuration, 0), 0), new(new(configuration, 1), 0)], [[], []], new byte[(int)Use.Count]);

    public IReadOnlyList<Packet> InFlightTo(int side) => _inFlight[side];

    /// <summary>Adds everything that can happen.</summary>
    public void AddSteps(List<Step> steps)
    {
        for (byte side = 0; side < 2; side++)
        {
            AddPackets(steps, side);
            if (_sides[side].Until is not null)
            {
                steps.Add(new(StepKind.Timer, side));
            }

            var party = _sides[side].Place.Party;
            if (Left(Use.ConnectA, side, party.Connects) && !_sides[side].Wants && !Shares(side))
            {
                steps.Add(new(StepKind.Connect, side));
            }

            if (Left(Use.CancelA, side, party.Cancels) && _sides[side].Wants)
            {
                steps.Add(new(StepKind.Cancel, side));
            }

            if (Left(Use.RestartA, side, party.Restarts) && _sides[side].Attempts > 0)
            {
                steps.Add(new(StepKind.Restart, side));
            }

            if (_used[(int)Use.Forgeries] < _configuration.Forgeries)
            {
                AddForgeries(steps, side, party);
            }
        }
    }

    /// <summary>Returns the state after a step.</summary>
    public World Apply(Step step)
    {
        var next = new World(this, isFair: false);
        next.Do(step);
        return next;
    }

    /// <summary>
    /// Returns the state after the next thing that happens where nothing is lost and both clocks go at the same rate: a packet arrives, or time
    /// passes to the next timer of either.
    /// </summary>
    public World ApplyFair()
    {
        var next = new World(this, isFair: true);
        if (!IsSilent)
        {
            next.Do(FairDelivery);
            return next;
        }

        var intervals = Math.Min(_sides[0].Until ?? long.MaxValue, _sides[1].Until ?? long.MaxValue);
        for (var side = 0; side < 2; side++)
        {
            next.Make(side, new(StepKind.Timer, Intervals: intervals));
        }

        return next;
    }

    /// <summary>Lets the application of a side begin again, whatever the bounds say.</summary>
    public World Reconnect(int side)
    {
        var next = new World(this, isFair: true);
        next.Set(Use.Expired, 0);
        next.Make(side, new(StepKind.Connect));
        return next;
    }

    /// <summary>Whether the other side can receive what a side sends now, on its newest session.</summary>
    public bool IsHeld(int side) => _sides[side].Sessions is [.., var newest] && _sides[1 - side].Holds(newest.Keys);

    /// <summary>Whether a side's newest session is confirmed at the other.</summary>
    public bool IsShared(int side) => _sides[side].Sessions is [.., var newest] && _sides[1 - side].Sessions.Any(session => session.Keys == newest.Keys);

    /// <summary>Returns a name that means nothing yet: as good as a random one.</summary>
    public ulong Fresh(ulong basis)
    {
        for (ulong i = 0; ; i++)
        {
            var name = Mixer.Name(basis, i, 4);
            if (!_sides[0].Knows(name) && !_sides[1].Knows(name)
                && !Array.Exists(_inFlight, packets => Array.Exists(packets, packet => packet.Keys.Initiator == name || packet.Keys.Responder == name)))
            {
                return name;
            }
        }
    }

    // An application that has a channel dials no second one; a channel whose peer has forgotten its sessions starts over.
    private bool Shares(int side)
    {
        foreach (var session in _sides[side].Sessions)
        {
            if (_sides[1 - side].Holds(session.Keys))
            {
                return true;
            }
        }

        return false;
    }

    private bool Left(Use what, int side, int limit) => _used[(int)what + side] < limit;

    private void AddPackets(List<Step> steps, byte side)
    {
        var packets = _inFlight[side];
        for (byte i = 0; i < packets.Length; i++)
        {
            if (i > 0 && packets[i].Hash == packets[i - 1].Hash)
            {
                continue;
            }

            steps.Add(new(StepKind.Deliver, side, i));
            if (_configuration.Drops)
            {
                steps.Add(new(StepKind.Drop, side, i));
            }

            var isAlone = i + 1 >= packets.Length || packets[i + 1].Hash != packets[i].Hash;
            if (_used[(int)Use.Duplicates] < _configuration.Duplicates && isAlone && packets.Length < _configuration.InFlight)
            {
                steps.Add(new(StepKind.Duplicate, side, i));
            }
        }
    }

    private void AddForgeries(List<Step> steps, byte side, Party party)
    {
        foreach (var forgery in party.Forgeries)
        {
            var (part, bit) = ForgedBit(side, forgery);
            if ((_used[part] & bit) != 0)
            {
                continue;
            }

            for (byte i = 0; i < Stranger.Choices(_sides[side], forgery); i++)
            {
                steps.Add(new(StepKind.Forge, side, i, forgery));
            }
        }
    }

    private static (int Part, byte Bit) ForgedBit(int side, Forgery forgery)
        => ((int)(side == 0 ? Use.ForgedA : Use.ForgedB) + ((int)forgery / 8), (byte)(1 << ((int)forgery % 8)));

    private void Do(Step step)
    {
        int side = step.Side;
        switch (step.Kind)
        {
            case StepKind.Deliver:
                var packet = _inFlight[side][step.Index];
                Remove(side, step.Index);
                Make(side, new(StepKind.Deliver, packet));
                break;
            case StepKind.Drop:
                Remove(side, step.Index);
                break;
            case StepKind.Duplicate:
                Add(Use.Duplicates);
                _inFlight[side] = [.. _inFlight[side][..step.Index], _inFlight[side][step.Index], .. _inFlight[side][step.Index..]];
                break;
            case StepKind.Timer:
                Make(side, new(StepKind.Timer, Intervals: _sides[side].Until ?? 0));
                break;
            case StepKind.Connect:
                Add(Use.ConnectA + side);
                Make(side, new(StepKind.Connect));
                break;
            case StepKind.Cancel:
                Add(Use.CancelA + side);
                Make(side, new(StepKind.Cancel));
                break;
            case StepKind.Restart:
                Add(Use.RestartA + side);
                _sides[side] = new(_sides[side].Place, _sides[side].Attempts);
                break;
            case StepKind.Forge:
                Add(Use.Forgeries);
                var (part, bit) = ForgedBit(side, step.Forgery);
                Set((Use)part, (byte)(_used[part] | bit));
                Make(side, new(StepKind.Deliver, Stranger.Make(_sides[side], step.Forgery, step.Index)));
                break;
        }
    }

    private void Make(int side, Move move)
    {
        var made = _transitions.Make(this, _sides[side], move);
        _sides[side] = made.Next;
        foreach (var packet in made.Sent)
        {
            Send(1 - side, packet);
        }

        if (made.Completed && Completed < MostCompleted)
        {
            Add(Use.Completed);
        }

        if (made.Expired && !HasExpired)
        {
            Set(Use.Expired, 1);
        }

        Happened |= made.Failed ? (Happened)((int)Happened.FailedA << side) : default;
        Happened |= made.Refused ? (Happened)((int)Happened.RefusedA << side) : default;
    }

    private void Send(int to, Packet packet)
    {
        var packets = _inFlight[to];
        var copies = 0;
        var place = 0;
        for (var i = 0; i < packets.Length; i++)
        {
            copies += packets[i].Hash == packet.Hash ? 1 : 0;
            place += packets[i].CompareTo(packet) <= 0 ? 1 : 0;
        }

        if (copies < Copies && (_isFair || packets.Length < _configuration.InFlight))
        {
            _inFlight[to] = [.. packets[..place], packet, .. packets[place..]];
        }
    }

    private void Remove(int side, int index) => _inFlight[side] = [.. _inFlight[side][..index], .. _inFlight[side][(index + 1)..]];

    private void Add(Use use) => Set(use, (byte)(_used[(int)use] + 1));

    private void Set(Use use, byte value)
    {
        _used = [.. _used];
        _used[(int)use] = value;
    }
}
