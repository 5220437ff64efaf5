using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Tests.Simulated;
using PacketSec.Libp2p.Transports;

namespace PacketSec.Libp2p.Tests.Conformance;

/// <summary>The suite over connection machines on a network that loses, reorders and repeats packets.</summary>
public sealed class SimulatedTransportTests : TransportSuite
{
    private readonly SimulatedWorld _world = new(seed: 50);

    protected override ITransport CreateTransport() => new SimulatedTransport(_world, TestPeers.Next());

    protected override Multiaddress NewListenAddress() => Multiaddress.Parse("/ip4/10.0.0.1/udp/0/psec");

    protected override Multiaddress SilentAddress() => Multiaddress.Parse("/ip4/10.0.0.2/udp/9/psec");

    protected override void CloseNetwork() => _world.Dispose();
}
