using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.MyChips.Tickets;

/// <summary>Whom a ticket serves: whoever has it, one initiator's key, or one user's address. Immutable.</summary>
public sealed record TicketBinding
{
    private const byte NoneKind = 0;
    private const byte KeyKind = 1;
    private const byte UserKind = 2;

    private TicketBinding(PublicKey? key, string? userAddress)
    {
        Key = key;
        UserAddress = userAddress;
    }

    /// <summary>Gets the binding of a ticket that serves whoever has it.</summary>
    public static TicketBinding None { get; } = new(null, null);

    /// <summary>Gets the one initiator's key; null when the ticket is bound to none.</summary>
    public PublicKey? Key { get; }

    /// <summary>Gets the one user's address; null when the ticket is bound to none.</summary>
    public string? UserAddress { get; }

    /// <summary>Gets the exact number of bytes <see cref="WriteTo"/> writes.</summary>
    internal int EncodedLength => 1 + (Key is null ? 0 : TicketKey.Size) + (UserAddress is null ? 0 : TicketText.EncodedLength(UserAddress));

    /// <summary>Binds a ticket to an initiator's key. The initiator proves it.</summary>
    /// <param name="key">An Ed25519 key.</param>
    /// <exception cref="ArgumentException">The key is of another kind, or of small order.</exception>
    public static TicketBinding ToKey(PublicKey key) => new(TicketKey.Check(key, nameof(key)), null);

    /// <summary>Binds a ticket to a user's address, which the initiator says and does not prove.</summary>
    /// <param name="address">The address: 1 to 255 bytes of UTF-8 without control characters.</param>
    /// <exception cref="ArgumentException">The address is empty, too long, or no text.</exception>
    public static TicketBinding ToUser(string address) => new(null, TicketText.Check(address, 1, nameof(address)));

    /// <summary>Whether the ticket serves an initiator.</summary>
    /// <param name="claim">Who claims.</param>
    //= spec/mychips.md#ticket-binding
    internal bool Fits(TicketClaim claim)
        => (Key is null || Key.SharesMontgomeryForm(claim.InitiatorKey)) && (UserAddress is null || UserAddress == claim.UserAddress);

    internal static bool TryRead(scoped ref WireReader reader, out TicketBinding? binding)
    {
        binding = null;
        if (!reader.TryReadByte(out var kind))
        {
            return false;
        }

        if (kind == NoneKind)
        {
            binding = None;
        }
        else if (kind == KeyKind && TicketKey.TryRead(ref reader, out var key))
        {
            binding = new(key, null);
        }
        else if (kind == UserKind && TicketText.TryRead(ref reader, 1, out var address))
        {
            binding = new(null, address);
        }

        return binding is not null;
    }

    internal void WriteTo(ref WireWriter writer)
    {
        writer.WriteByte(Key is not null ? KeyKind : UserAddress is not null ? UserKind : NoneKind);
        if (Key is not null)
        {
            writer.WriteBytes(Key.Ed25519);
        }

        if (UserAddress is not null)
        {
            TicketText.Write(ref writer, UserAddress);
        }
    }
}
