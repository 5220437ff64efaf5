using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.SecretHandshake;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Tests.Scenarios;

namespace PacketSec.Simulation.Tests.Schemes;

/// <summary>Hosts that speak <c>secret-handshake-1</c>, and its first words.</summary>
internal static class SecretPair
{
    public const string Name = SecretHandshakeScheme.SchemeName;
    public const uint Message1 = 0x00000008;
    public const uint Message2 = 0x80000009;
    public const uint Message3 = 0x0000000A;

    /// <summary>A host that is called, and calls, without negotiation.</summary>
    public static HostOptions Direct(NetworkKey? network = null) => new()
    {
        DirectScheme = Name,
        NetworkKey = network,
    };

    /// <summary>A host that proposes the scheme under a hidden peer ID, and accepts it.</summary>
    public static HostOptions Negotiated(NetworkKey? network = null, bool embed = false) => new()
    {
        DirectScheme = null,
        Schemes = [Name],
        Proposal = new() { Schemes = [Name], HidePeerId = true, EmbedFirstPacket = embed },
        NetworkKey = network,
    };

    public static Pair New(ulong seed, LinkConditions? conditions = null, HostOptions? a = null, HostOptions? b = null)
        => new(seed, conditions, a ?? Direct(), b ?? Direct());

    public static void RunUntilOpen(this Pair pair, double withinSeconds = 12)
        => pair.Check(pair.World.RunUntil(() => pair.AIsOpen && pair.BIsOpen, TimeSpan.FromSeconds(withinSeconds)), "the channel did not open at both ends");
}
