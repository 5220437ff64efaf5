using System.Net;
using PacketSec.Protocol.Identity;

namespace PacketSec;

/// <summary>An identity that a handshake has proved and that asks for a channel. Immutable.</summary>
/// <param name="PeerId">Its peer ID: compare it with the IDs of a list of your own.</param>
/// <param name="PublicKey">Its public key.</param>
/// <param name="RemoteEndPoint">The address that it has at the moment.</param>
public sealed record PeerIdentity(PeerId PeerId, PublicKey PublicKey, IPEndPoint RemoteEndPoint);
