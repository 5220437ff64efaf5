using PacketSec.Libp2p.Transports;

namespace PacketSec.Libp2p.Tests.Conformance;

/// <summary>Two transports with a connection between them.</summary>
internal sealed record Pair(ITransport Dialler, ITransport Acceptor, IListener Listener, IConnection Dialled, IConnection Accepted);
