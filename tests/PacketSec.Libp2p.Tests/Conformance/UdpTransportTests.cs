using System.Net;
using System.Net.Sockets;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Psec;
using PacketSec.Libp2p.Transports;

namespace PacketSec.Libp2p.Tests.Conformance;

/// <summary>The suite over PSEC and the sockets of the loopback interface.</summary>
[Collection(SocketsCollection.Name)]
public sealed class UdpTransportTests : TransportSuite
{
    private readonly Socket _silent = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

    public UdpTransportTests() => _silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));

    protected override ITransport CreateTransport() => new PacketSecTransport(new() { Identity = PacketSecIdentity.Generate() });

    protected override Multiaddress NewListenAddress() => Multiaddress.Parse("/ip4/127.0.0.1/udp/0");

    protected override Multiaddress SilentAddress() => Multiaddress.FromEndPoint((IPEndPoint)_silent.LocalEndPoint!);

    protected override void CloseNetwork() => _silent.Dispose();
}
