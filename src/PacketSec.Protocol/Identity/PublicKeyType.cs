namespace PacketSec.Protocol.Identity;

/// <summary>The kinds of identity keys a peer may have. PacketSec's own identities are Ed25519.</summary>
public enum PublicKeyType
{
    /// <summary>Ed25519 (RFC 8032).</summary>
    Ed25519,

    /// <summary>ECDSA on the curve P-256.</summary>
    EcdsaP256,

    /// <summary>RSA with a modulus of 2048 to 4096 bits.</summary>
    Rsa,
}
