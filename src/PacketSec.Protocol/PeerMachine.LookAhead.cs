using PacketSec.Protocol.Sessions;

namespace PacketSec.Protocol;

/// <content>
/// For drivers that hold several datagrams at once: asks for what the later ones need while the earlier ones are opened. With thousands of peers
/// that send in turn, a datagram would else wait for memory four or five times. Each datagram takes one step while those before it are opened:
/// the place in the table of routes, then <see cref="Fetch"/>, <see cref="FetchState"/> and <see cref="FetchKeys"/>. These are
/// hints: nothing changes, and any thread may ask at any time, without the peer's exclusion and for a peer that has ended.
/// </content>
public sealed partial class PeerMachine
{
    // From the references that a packet follows to the counters.
    private const int FirstRead = 18 * sizeof(long);
    private const int LastRead = 37 * sizeof(long) - 1;

    /// <summary>Asks for a machine, which is not read: it need not be near.</summary>
    internal static void Fetch(PeerMachine machine)
    {
        // A call reads the beginning to see that it is not null.
        CacheLines.Fetch(machine, 0, 0);
        CacheLines.Fetch(machine, FirstRead, LastRead);
    }

    /// <summary>Asks for what the machine refers to, one datagram after <see cref="Fetch"/>.</summary>
    internal void FetchState()
    {
        if (_lastOpened is { } session)
        {
            Session.Fetch(session);
        }
    }

    /// <summary>Asks for its deadlines too, for who looks after them; together with <see cref="FetchState"/>.</summary>
    internal void FetchTimers() => Timers.Fetch(_timers);

    /// <summary>Asks for what its session refers to, one datagram after <see cref="FetchState"/>.</summary>
    internal void FetchKeys() => _lastOpened?.FetchParts();

    /// <summary>Asks for what sealing on its session reads, in place of <see cref="FetchKeys"/>.</summary>
    internal void FetchSendKey() => _lastOpened?.FetchSendKey();
}
