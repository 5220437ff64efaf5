using PacketSec.Protocol.Identity;

namespace PacketSec.Protocol.Routing;

/// <summary>
/// Which peers an address belongs to. Readers take no lock: each shard is a dictionary that is replaced and never changed. Writers are
/// excluded by their caller.
/// </summary>
internal sealed class RouteTable
{
    // A write copies one shard: with 16,384 channels that is 64 entries.
    private const int Shards = 256;

    private readonly Dictionary<NetworkAddress, RouteEntry>[] _shards = new Dictionary<NetworkAddress, RouteEntry>[Shards];

    public RouteTable() => Array.Fill(_shards, []);

    public RouteEntry? Find(in NetworkAddress remote)
        => Volatile.Read(ref _shards[ShardOf(remote)]).GetValueOrDefault(remote);

    public void Set(in NetworkAddress remote, RouteEntry? entry)
    {
        ref var shard = ref _shards[ShardOf(remote)];
        var copy = new Dictionary<NetworkAddress, RouteEntry>(shard);
        if (entry is null)
        {
            copy.Remove(remote);
        }
        else
        {
            copy[remote] = entry;
        }

        Volatile.Write(ref shard, copy);
    }

    public IEnumerable<KeyValuePair<NetworkAddress, RouteEntry>> Entries => _shards.SelectMany(shard => shard);

    // The hash is seeded per process, so nobody can aim addresses at one shard.
    private static int ShardOf(in NetworkAddress remote) => remote.GetHashCode() & (Shards - 1);
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

    /// <summary>Whether sessions live there, and none of them is an identity's.</summary>
    public bool IsHeldByAnother(PeerId identity)
    {
        var held = false;
        foreach (var peer in Peers)
        {
            if (peer.HasSession && peer.Identity.Equals(identity))
            {
                return false;
            }

            held |= peer.HasSession;
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

    internal Route(RouteEntry? entry) => _entry = entry;

    /// <summary>Gets the number of peers.</summary>
    public int Count => _entry?.Peers.Length ?? 0;

    /// <summary>Gets a value indicating whether a handshake that others began is half-open there, so that unclaimed data may be early data.</summary>
    public bool HasHalfOpen => _entry?.HalfOpen ?? false;

    /// <summary>Gets a peer.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    public PeerHandle this[int index] => _entry!.Peers[index].Handle;

    /// <summary>Gets what the driver named as the owner of a peer (<see cref="EndpointMachine.HandleRouteChange"/>), so that it need not look it up.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    public object? OwnerOf(int index) => _entry!.Peers[index].Owner;
}

/// <summary>One peer at an address.</summary>
internal readonly record struct RoutePeer(PeerHandle Handle, PeerId Identity, bool HasSession, object? Owner);
