using PacketSec.Crypto;
using PacketSec.Protocol.Identity;

namespace PacketSec.Protocol.Schemes;

/// <summary>What the handshakes of an endpoint share, whatever their scheme. Immutable and thread-safe.</summary>
internal sealed record SchemeContext(ICryptoProvider Crypto, IRandomSource Random, IdentityKey Identity, NetworkKey? NetworkKey = null);
