namespace PacketSec.Protocol;

/// <summary>
/// For drivers that hold several datagrams at once: asks for what the later ones need while the earlier ones are opened. With thousands of peers
/// that send in turn, a datagram would else wait for memory four or five times. One step for each datagram, four datagrams ahead:
/// <see cref="Route"/>, then <see cref="EndpointMachine.TryRoute"/> and <see cref="Machine"/>, then <see cref="State"/>, then <see cref="Keys"/>.
/// </summary>
/// <remarks>Hints only: nothing changes, any thread may ask at any time, without the peer's exclusion, and for a peer that has ended.</remarks>
internal static class LookAhead
{
    // From the references that a packet follows to the flags behind them; see the fields of the machine.
    private const int FirstHot = 16 * sizeof(long);
    private const int LastHot = FirstHot + CacheLines.Size - 1;

    /// <summary>The first step: the place of an address in the table.</summary>
    public static void Route(EndpointMachine endpoint, in NetworkAddress remote) => endpoint.FetchRoute(remote);

    /// <summary>The second step: the machine itself, which is not read.</summary>
    public static void Machine(PeerMachine machine) => CacheLines.Fetch(machine, FirstHot, LastHot);

    /// <summary>The third step: what the machine refers to.</summary>
    public static void State(PeerMachine machine) => machine.FetchState();

    /// <summary>The last step: what its session refers to.</summary>
    public static void Keys(PeerMachine machine) => machine.FetchKeys();
}
