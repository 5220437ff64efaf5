using PacketSec.Libp2p.Datagrams;
using PacketSec.Libp2p.Transports;

namespace PacketSec.Libp2p.Hosting;

/// <summary>Serves a stream that a peer opened; the stream is disposed when the task is complete, and reset when it fails.</summary>
/// <param name="connection">The connection that the stream belongs to.</param>
/// <param name="stream">The stream, behind the agreement on its protocol.</param>
/// <param name="cancellationToken">Cancelled when the host ends.</param>
public delegate Task StreamHandler(PeerConnection connection, IStream stream, CancellationToken cancellationToken);

/// <summary>Serves a flow that a peer opened; the flow ends when the task is complete.</summary>
/// <param name="connection">The connection that the flow belongs to.</param>
/// <param name="flow">The flow.</param>
/// <param name="cancellationToken">Cancelled when the host ends.</param>
public delegate Task FlowHandler(PeerConnection connection, DatagramFlow flow, CancellationToken cancellationToken);
