using System.Net;
using PacketSec.Cli.Net;

namespace PacketSec.Cli.Forward;

/// <summary>What a side does for its peer, and within what bounds.</summary>
internal sealed record ForwardPolicy
{
    /// <summary>The TCP connections, and the flows, over one connection.</summary>
    public const int DefaultCount = 1024;

    /// <summary>Gets the targets that may be connected to on the peer's behalf.</summary>
    public IReadOnlyList<HostPort> Targets { get; init; } = [];

    /// <summary>Gets the ports that may be opened on the peer's behalf.</summary>
    public IReadOnlyList<int> ListenPorts { get; init; } = [];

    /// <summary>Gets whether ports may be opened on other addresses than loopback.</summary>
    public bool IsPublic { get; init; }

    /// <summary>Gets how many TCP connections there may be over a connection.</summary>
    public int MostConnections { get; init; } = DefaultCount;

    /// <summary>Gets how many flows there may be over a connection.</summary>
    public int MostFlows { get; init; } = DefaultCount;

    /// <summary>Gets after which silence a flow ends.</summary>
    public TimeSpan FlowIdle { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Gets the clock that measures the silence of flows.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    //= spec/forward.md#forward-permit
    public bool Permits(string host, int port) => Targets.Any(target => target.Port == port && IsSame(target, host));

    //= spec/forward.md#forward-permit-listen
    public bool PermitsListening(int port) => ListenPorts.Contains(port);

    //= spec/forward.md#forward-loopback
    public bool MayBind(IPAddress address) => IsPublic || IPAddress.IsLoopback(address);

    private static bool IsSame(HostPort target, string host) => target.Address is { } address
        ? IPAddress.TryParse(host, out var asked) && asked.Equals(address)
        : string.Equals(target.Host, host, StringComparison.OrdinalIgnoreCase);
}
