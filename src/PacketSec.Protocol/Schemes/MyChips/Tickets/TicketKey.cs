using System.Diagnostics.CodeAnalysis;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.MyChips.Tickets;

/// <summary>Ed25519 keys as tickets have them: 32 bytes, and never of small order.</summary>
internal static class TicketKey
{
    public const int Size = Ed25519PrivateKey.Size;

    public static PublicKey Check(PublicKey key, string parameter)
    {
        ArgumentNullException.ThrowIfNull(key, parameter);
        return key.Type == PublicKeyType.Ed25519 && !key.IsSmallOrder
            ? key
            : throw new ArgumentException("The key must be an Ed25519 key that is not of small order.", parameter);
    }

    //= spec/mychips.md#ticket-weak-key
    public static bool TryRead(scoped ref WireReader reader, [NotNullWhen(true)] out PublicKey? key)
    {
        key = reader.TryReadBytes(Size, out var bytes) ? PublicKey.FromEd25519(bytes) : null;
        return key is not null && !key.IsSmallOrder;
    }
}
