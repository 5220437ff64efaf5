using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using PacketSec.Simulation;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Contestants;

/// <summary>Finds the handshakes of a scheme in a recording.</summary>
internal delegate IEnumerable<NoiseView> ViewFinder(WireView wire);

/// <summary>A scheme of the core, in direct mode or under PSEC.</summary>
internal sealed class SchemeContestant(ViewFinder views) : Contestant
{
    public const string Direct = "direct";
    public const string Psec = "PSEC";

    public override bool IsControl => IsWeakened;

    /// <summary>Gets a value indicating whether it is used as nobody should, and must lose.</summary>
    public bool IsWeakened { get; init; }

    /// <summary>Gets a value indicating whether the proposal names nobody.</summary>
    public bool HidesPeerId { get; init; }

    public override IParty Join(World world, PartySetup setup) => new MachineParty(world, setup, Mode == Direct
        ? new HostOptions { DirectScheme = Scheme }
        : new HostOptions
        {
            DirectScheme = null,
            Schemes = [Scheme],
            Proposal = new ProposalOptions { Schemes = [Scheme], HidePeerId = HidesPeerId },
        });

    public override bool IsTransport(ReadOnlySpan<byte> datagram) => base.IsTransport(datagram) && !PsecFrame.IsFrame(datagram);

    public override IEnumerable<NoiseView> Views(IReadOnlyList<RecordedDatagram> recording) => views(new(Scheme, recording));
}
