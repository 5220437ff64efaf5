using PacketSec.Fuzz.Engine;

namespace PacketSec.Fuzz.Targets;

/// <summary>All targets, in the order of their names.</summary>
internal static class AllTargets
{
    public static IReadOnlyList<FuzzTarget> List { get; } =
    [
        new IdentifyTarget(),
        new MultiaddressTarget(),
        new MultistreamTarget(),
        new MyChipsTarget(),
        new NegotiatorTarget(),
        new NoiseHandshakeTarget(),
        new NoiseXXClaimTarget(),
        new P2pkeBodiesTarget(),
        new PeerIdTarget(),
        new PrivateKeyTarget(),
        new PsecAcceptTarget(),
        new PsecProposalTarget(),
        new PublicKeyTarget(),
        new SecretHandshakeTarget(),
        new StreamConnectionTarget(),
        new StreamFramesTarget(),
        new TicketTarget(),
        new VarintTarget(),
    ];

    public static FuzzTarget? Find(string name) => List.FirstOrDefault(target => target.Name == name);
}
