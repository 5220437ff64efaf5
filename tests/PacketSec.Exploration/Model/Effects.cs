namespace PacketSec.Exploration.Model;

/// <summary>What a side does to the world while it takes a move.</summary>
internal sealed class Effects(World world)
{
    private readonly List<Packet> _sent = [];

    public IReadOnlyList<Packet> Sent => _sent;

    /// <summary>Gets how many fresh names were drawn.</summary>
    public int Draws { get; private set; }

    /// <summary>Gets what the last fresh name was made from.</summary>
    public ulong Basis { get; private set; }

    /// <summary>Gets the last fresh name.</summary>
    public ulong Name { get; private set; }

    /// <summary>Gets or sets a value indicating whether a finish verified.</summary>
    public bool Completed { get; set; }

    /// <summary>Gets or sets a value indicating whether an attempt failed, or a session whose finish was sent was given up with it.</summary>
    public bool Expired { get; set; }

    /// <summary>Gets or sets a value indicating whether an attempt failed that its application waited for.</summary>
    public bool Failed { get; set; }

    /// <summary>Gets or sets a value indicating whether an answer was refused, because there are as many unconfirmed sessions as there may be.</summary>
    public bool Refused { get; set; }

    public void Send(Packet packet) => _sent.Add(packet);

    /// <summary>Returns a name that means nothing yet: as good as a random one.</summary>
    public ulong Fresh(ulong basis)
    {
        Draws++;
        Basis = basis;
        Name = world.Fresh(basis);
        return Name;
    }
}

/// <summary>What happens to one side.</summary>
/// <param name="Kind">What.</param>
/// <param name="Packet">The packet that arrives.</param>
/// <param name="Intervals">The time that passes.</param>
internal readonly record struct Move(StepKind Kind, Packet? Packet = null, long Intervals = 0);

/// <summary>What a move leads to.</summary>
internal sealed record Transition(Side Next, Packet[] Sent, bool Completed, bool Expired, bool Failed, bool Refused)
{
    /// <summary>Gets what a fresh name is made from, on which the rest depends; 0 for none.</summary>
    public ulong Basis { get; init; }
}

/// <summary>
/// All moves of sides that were ever made. Far fewer states of a side than of both and what is between them come up, so most steps of an
/// exploration are found here, and the rest runs the negotiator.
/// </summary>
internal sealed class Transitions
{
    private readonly Dictionary<UInt128, Transition> _known = [];
    private readonly Dictionary<UInt128, Side> _sides = [];

    public Transition Make(World world, Side side, Move move)
    {
        var mixer = new Mixer((ulong)move.Kind);
        mixer.Add(side.Key);
        mixer.Add(move.Packet?.Hash ?? 0);
        mixer.Add(move.Intervals);
        var key = mixer.Value;
        if (_known.TryGetValue(key, out var known))
        {
            if (known.Basis == 0)
            {
                return known;
            }

            mixer.Add(world.Fresh(known.Basis));
            if (_known.TryGetValue(mixer.Value, out var named))
            {
                return named;
            }
        }

        var effects = new Effects(world);
        var next = side.Clone();
        next.Take(effects, move);
        if (!_sides.TryGetValue(next.Key, out var shared))
        {
            shared = next;
            _sides.Add(next.Key, next);
        }

        var made = new Transition(shared, [.. effects.Sent], effects.Completed, effects.Expired, effects.Failed, effects.Refused)
        {
            Basis = effects.Basis,
        };
        if (effects.Draws > 1)
        {
            return made;
        }

        _known[key] = made;
        if (effects.Draws == 1)
        {
            var withName = new Mixer((ulong)move.Kind);
            withName.Add(side.Key);
            withName.Add(move.Packet?.Hash ?? 0);
            withName.Add(move.Intervals);
            withName.Add(effects.Name);
            _known[withName.Value] = made;
        }

        return made;
    }
}
