using PacketSec.Cli.Net;
using PacketSec.Libp2p;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Psec;
using PacketSec.Libp2p.Transports;
using PacketSec.Protocol.Identity;

namespace PacketSec.Cli.P2p;

/// <summary>Dials the one peer of a command, as all commands do: with their options, and their errors.</summary>
internal sealed class DialTransport(LocalEndpoint local, IReadOnlyList<PeerAddress> addresses, PacketSecConnectOptions dial) : ITransport
{
    public PeerId LocalPeerId => local.Endpoint.PeerId;

    public bool Matches(Multiaddress address) => address is not null && PsecTarget.TryFrom(address, out _);

    public async Task<IConnection> DialAsync(Multiaddress remote, CancellationToken cancellationToken = default)
        => new TransportConnection(PacketSecConnection.Open(
            await local.ConnectAsync(addresses, dial, cancellationToken), new() { MaxUnidirectionalStreams = 0 }));

    public Task<IListener> ListenAsync(Multiaddress local, CancellationToken cancellationToken = default)
        => throw new Libp2pException(Libp2pError.UnsupportedAddress, "A command that dials does not listen.");

    // The endpoint is the command's own.
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
