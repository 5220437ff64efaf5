using System.Runtime.CompilerServices;
using PacketSec.Protocol.Identity;

namespace PacketSec.Protocol.Routing;

/// <summary>
/// Which peers an address belongs to. Readers take no lock: each shard is an array that is replaced and never changed. Writers are excluded by
/// their caller.
/// </summary>
/// <remarks>
/// Open addressing, with the routes in the slots: a datagram reads one place in memory, which can be asked for ahead (<see cref="Fetch"/>).
/// </remarks>
internal sealed class RouteTable
{
    // A write copies one shard: with 16,384 channels that is 32 or 64 slots.
    private const int ShardBits = 10;
    private const int Shards = 1 << ShardBits;
    private const int FirstSize = 4;

    private Table _table = new(FirstSize);

    /// <summary>Asks for the place of an address, a datagram or two before <see cref="TryFind"/>.</summary>
    public void Fetch(in NetworkAddress remote)
    {
        var table = Volatile.Read(ref _table);
        var hash = unchecked((uint)remote.GetHashCode());
        var slots = Volatile.Read(ref table.Shards[hash % Shards]);
        var size = Unsafe.SizeOf<Slot>();
        var offset = (2 * sizeof(long)) + (table.Home(hash) * size);
        CacheLines.Fetch(slots, sizeof(long), sizeof(long));
        CacheLines.Fetch(slots, offset, offset + size - 1);
    }

    public RouteEntry? Find(in NetworkAddress remote) => TryFind(remote, out var route) ? route.Entry : null;

    public bool TryFind(in NetworkAddress remote, out Route route)
    {
        var table = Volatile.Read(ref _table);
        var hash = unchecked((uint)remote.GetHashCode());
        var slots = Volatile.Read(ref table.Shards[hash % Shards]);

        // There is always an empty slot.
        for (var i = table.Home(hash); slots[i].Route.Entry is not null; i = (i + 1) & (slots.Length - 1))
        {
            ref readonly var slot = ref slots[i];
            if (slot.Remote.Address == remote.Address && slot.Remote.Port == remote.Port && slot.Remote.ScopeId == remote.ScopeId)
            {
                route = slot.Route;
                return true;
            }
        }

        route = default;
        return false;
    }

    public void Set(in NetworkAddress remote, RouteEntry? entry)
    {
        var shard = unchecked((uint)remote.GetHashCode()) % Shards;
        var routes = new List<Slot>(_table.Size);
        foreach (ref readonly var slot in _table.Shards[shard].AsSpan())
        {
            if (slot.Route.Entry is not null && slot.Remote != remote)
            {
                routes.Add(slot);
            }
        }

        if (entry is not null)
        {
            routes.Add(new(remote, new Route(entry)));
        }

        if (!_table.TryReplace(shard, routes))
        {
            Grow(shard, routes);
        }
    }

    // All shards have one size, so that a reader finds a slot without a look at the shard. The hash spreads addresses: one shard is full when
    // most are well filled.
    private void Grow(uint full, List<Slot> routes)
    {
        var size = _table.Size;
        Table grown;
        do
        {
            size *= 2;
            grown = new Table(size);
            for (var i = 0u; i < Shards; i++)
            {
                _ = i != full && !grown.TryReplace(i, [.. _table.Shards[i].Where(slot => slot.Route.Entry is not null)]);
            }
        }
        while (!grown.TryReplace(full, routes));

        Volatile.Write(ref _table, grown);
    }

    private readonly record struct Slot(NetworkAddress Remote, Route Route);

    /// <summary>Shards of one size, a power of two.</summary>
    private sealed class Table
    {
        private readonly Slot[] _empty;

        public Table(int size)
        {
            Size = size;
            _empty = new Slot[size];
            Array.Fill(Shards, _empty);
        }

        public int Size { get; }

        public Slot[][] Shards { get; } = new Slot[RouteTable.Shards][];

        // The hash is seeded per process, so nobody can aim addresses at one shard or slot.
        public int Home(uint hash) => (int)((hash >> ShardBits) & ((uint)Size - 1));

        /// <summary>Replaces a shard; false when it would be more than three quarters full.</summary>
        public bool TryReplace(uint shard, List<Slot> routes)
        {
            if (routes.Count * 4 > Size * 3)
            {
                return false;
            }

            var slots = routes.Count == 0 ? _empty : new Slot[Size];
            foreach (var route in routes)
            {
                var i = Home(unchecked((uint)route.Remote.GetHashCode()));
                while (slots[i].Route.Entry is not null)
                {
                    i = (i + 1) & (Size - 1);
                }

                slots[i] = route;
            }

            Volatile.Write(ref Shards[shard], slots);
            return true;
        }
    }
}

/// <summary>The peers of one address and whether a handshake that others began is under way there. Immutable.</summary>
/// <param name="Peers">The peers, at most <see cref="ImplementationLimits.PeersPerAddress"/>.</param>
/// <param name="HalfOpen">Whether a handshake is half-open.</param>
internal sealed record RouteEntry(RoutePeer[] Peers, bool HalfOpen)
{
    /// <summary>Gets a value indicating whether a session lives there.</summary>
    public bool HasSession
    {
        get
        {
            foreach (var peer in Peers)
            {
                if (peer.HasSession)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Whether sessions that hold the address live there, and none of them is an identity's.</summary>
    //= spec/sessions.md#identity-address
    public bool IsHeldByAnother(PeerId identity)
    {
        var held = false;
        foreach (var peer in Peers)
        {
            if (peer.Holds && peer.Identity.Equals(identity))
            {
                return false;
            }

            held |= peer.Holds;
        }

        return held;
    }
}

/// <summary>
/// Which peers an address belongs to, as a driver sees it: each in turn is offered the datagram.
/// </summary>
public readonly struct Route
{
    private readonly RouteEntry? _entry;
    private readonly object? _firstOwner;
    private readonly PeerHandle _first;
    private readonly int _count;
    private readonly bool _halfOpen;

    internal Route(RouteEntry entry)
    {
        _entry = entry;
        (_first, _firstOwner) = entry.Peers.Length > 0 ? (entry.Peers[0].Handle, entry.Peers[0].Owner) : default;
        _count = entry.Peers.Length;
        _halfOpen = entry.HalfOpen;
    }

    /// <summary>Gets the number of peers.</summary>
    public int Count => _count;

    /// <summary>Gets a value indicating whether a handshake that others began is half-open there, so that unclaimed data may be early data.</summary>
    public bool HasHalfOpen => _halfOpen;

    internal RouteEntry? Entry => _entry;

    /// <summary>Gets a peer.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    public PeerHandle this[int index] => index == 0 && _count > 0 ? _first : _entry!.Peers[index].Handle;

    /// <summary>Gets what the driver named as the owner of a peer (<see cref="EndpointMachine.HandleRouteChange"/>), so that it need not look it up.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    public object? OwnerOf(int index) => index == 0 && _count > 0 ? _firstOwner : _entry!.Peers[index].Owner;
}

/// <summary>One peer at an address.</summary>
/// <param name="Handle">The peer.</param>
/// <param name="Identity">Its identity.</param>
/// <param name="HasSession">Whether a session of it lives there.</param>
/// <param name="Holds">Whether one of these keeps other identities from the address.</param>
/// <param name="Owner">What the driver named as its owner.</param>
internal readonly record struct RoutePeer(PeerHandle Handle, PeerId Identity, bool HasSession, bool Holds, object? Owner);
