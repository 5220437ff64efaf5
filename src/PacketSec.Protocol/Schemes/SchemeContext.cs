using PacketSec.Crypto;
using PacketSec.Protocol.Identity;

namespace PacketSec.Protocol.Schemes;

/// <summary>What the handshakes of an endpoint share, whatever their scheme. Immutable and thread-safe.</summary>
internal sealed record SchemeContext(ICryptoProvider Crypto, IRandomSource Random, IdentityKey Identity, NetworkKey? NetworkKey = null)
{
    /// <summary>Gets the name by which other sites know this one; null where none do.</summary>
    public string? SiteId { get; init; }

    /// <summary>Gets the keys of the sites known here; null where there are none.</summary>
    public IReadOnlyDictionary<string, PublicKey>? Sites { get; init; }

    /// <summary>Gets what an initiator tells of its user once the keys are agreed on.</summary>
    public ReadOnlyMemory<byte> Certificate { get; init; }

    /// <summary>Gets a value indicating whether an initiator with a ticket tells it in its first message already.</summary>
    public bool CertificateWithTicket { get; init; }
}
