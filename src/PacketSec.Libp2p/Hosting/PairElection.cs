namespace PacketSec.Libp2p.Hosting;

/// <summary>What is to be done after something happened to one of the connections of a pair.</summary>
internal enum PairActionKind
{
    /// <summary>The connection is the one of the pair from here on.</summary>
    Choose,

    /// <summary>The connection is one too many: it is closed as a duplicate.</summary>
    Refuse,

    /// <summary>The chosen connection has a rival: find out whether its peer still answers.</summary>
    Probe,
}

/// <summary>One thing to do.</summary>
/// <param name="Kind">What.</param>
/// <param name="Connection">With which connection.</param>
/// <typeparam name="T">A connection.</typeparam>
internal readonly record struct PairAction<T>(PairActionKind Kind, T Connection);

/// <summary>
/// Which of several connections to one peer survives: section 5 of <c>spec/libp2p.md</c>. One of the two sides leads and chooses; the other follows what
/// the leader shows by the streams that it opens, so that both keep the same one whatever the network does to the order of things.
/// </summary>
/// <remarks>No clock, no task, not safe for several threads at once: the owner does what the returned actions say.</remarks>
/// <param name="leads">Whether this side is the leader.</param>
/// <typeparam name="T">A connection, compared by reference.</typeparam>
internal sealed class PairElection<T>(bool leads)
    where T : class
{
    /// <summary>How many connections to one peer there may be, the chosen one included.</summary>
    public const int MaxConnections = 5;

    private readonly List<Rival> _waiting = [];
    private T? _probed;

    /// <summary>Gets the connection of the pair, or null.</summary>
    public T? Chosen { get; private set; }

    /// <summary>Gets whether there is no connection at all.</summary>
    public bool IsEmpty => Chosen is null && _waiting.Count == 0;

    /// <summary>A connection was established, whoever dialled it. Idempotent.</summary>
    public IReadOnlyList<PairAction<T>> Established(T connection)
    {
        if (ReferenceEquals(connection, Chosen) || Find(connection) is not null)
        {
            return [];
        }

        //= spec/libp2p.md#pair-bound
        if (_waiting.Count + (Chosen is null ? 0 : 1) >= MaxConnections)
        {
            return [new(PairActionKind.Refuse, connection)];
        }

        //= spec/libp2p.md#pair-first
        if (leads && Chosen is null)
        {
            return Choose(connection);
        }

        _waiting.Add(new(connection));
        return leads ? Probe() : [];
    }

    /// <summary>The peer opened a stream on a connection: when it leads, that is its choice.</summary>
    public IReadOnlyList<PairAction<T>> PeerOpenedStream(T connection)
    {
        if (leads || Find(connection) is not { } rival)
        {
            return [];
        }

        //= spec/libp2p.md#pair-follow
        rival.IsShown = true;
        return Chosen is null || rival.CameAfterChosen ? Choose(connection) : [];
    }

    /// <summary>The peer of a probed connection answered in time, or did not.</summary>
    public IReadOnlyList<PairAction<T>> Probed(T connection, bool answered)
    {
        if (!ReferenceEquals(connection, _probed))
        {
            return [];
        }

        _probed = null;
        if (_waiting.Count == 0)
        {
            return [];
        }

        if (!ReferenceEquals(connection, Chosen))
        {
            return Probe();
        }

        //= spec/libp2p.md#pair-duplicate
        return answered ? RefuseWaiting() : [.. Choose(_waiting[^1].Connection), .. RefuseWaiting()];
    }

    /// <summary>The leader did not show its choice in time: it may be a host that does not know of choices.</summary>
    //= spec/libp2p.md#pair-unshown
    public IReadOnlyList<PairAction<T>> NotShown(T connection)
    {
        if (leads || Find(connection) is not { } rival)
        {
            return [];
        }

        if (Chosen is null)
        {
            return Choose(connection);
        }

        _waiting.Remove(rival);
        return [new(PairActionKind.Refuse, connection)];
    }

    /// <summary>A connection is over.</summary>
    public IReadOnlyList<PairAction<T>> Ended(T connection)
    {
        if (!ReferenceEquals(connection, Chosen))
        {
            _waiting.RemoveAll(rival => ReferenceEquals(rival.Connection, connection));
            return [];
        }

        Chosen = null;
        var next = leads ? _waiting.LastOrDefault() : _waiting.LastOrDefault(rival => rival.IsShown);
        return next is null ? [] : Choose(next.Connection);
    }

    private List<PairAction<T>> Choose(T connection)
    {
        var actions = new List<PairAction<T>>();
        if (Chosen is { } former)
        {
            actions.Add(new(PairActionKind.Refuse, former));
        }

        Chosen = connection;
        _waiting.RemoveAll(rival => ReferenceEquals(rival.Connection, connection));
        foreach (var rival in _waiting)
        {
            rival.CameAfterChosen = false;
        }

        actions.Insert(0, new(PairActionKind.Choose, connection));
        return actions;
    }

    private List<PairAction<T>> RefuseWaiting()
    {
        var actions = _waiting.ConvertAll(rival => new PairAction<T>(PairActionKind.Refuse, rival.Connection));
        _waiting.Clear();
        return actions;
    }

    private PairAction<T>[] Probe()
    {
        if (_probed is not null || Chosen is null)
        {
            return [];
        }

        _probed = Chosen;
        return [new(PairActionKind.Probe, Chosen)];
    }

    private Rival? Find(T connection) => _waiting.Find(rival => ReferenceEquals(rival.Connection, connection));

    private sealed class Rival(T connection)
    {
        public T Connection { get; } = connection;

        /// <summary>Gets or sets whether the leader opened a stream on it.</summary>
        public bool IsShown { get; set; }

        /// <summary>Gets or sets whether it was established when the chosen one was chosen already: a choice that is shown late is not newer.</summary>
        public bool CameAfterChosen { get; set; } = true;
    }
}
