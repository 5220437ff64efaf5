using System.Diagnostics.CodeAnalysis;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;

namespace PacketSec.Protocol.Schemes.SecretHandshake;

/// <summary>Whom an initiator calls: an Ed25519 key and its Montgomery form. Public data.</summary>
internal sealed class Callee
{
    private readonly byte[] _montgomery = new byte[X25519PrivateKey.Size];

    private Callee(PublicKey key) => Key = key;

    public PublicKey Key { get; }

    public ReadOnlyMemory<byte> Montgomery => _montgomery;

    /// <summary>Returns the key of a peer ID that was checked.</summary>
    public static Callee Find(PeerId peer) => TryCreate(peer, out var callee) ? callee : throw new ArgumentException("The peer ID was not checked.", nameof(peer));

    /// <summary>Finds the key to call in a peer ID.</summary>
    /// <returns>False when the ID holds no Ed25519 key that could be called.</returns>
    //= spec/secret-handshake.md#dial-key
    //= spec/secret-handshake.md#static-key
    public static bool TryCreate(PeerId peer, [NotNullWhen(true)] out Callee? callee)
    {
        callee = peer.TryGetPublicKey(out var key) && key.Type == PublicKeyType.Ed25519 ? new Callee(key) : null;
        if (callee is not null && !EdwardsToMontgomery.TryMap(callee.Key.Ed25519, callee._montgomery))
        {
            callee = null;
        }

        return callee is not null;
    }
}
