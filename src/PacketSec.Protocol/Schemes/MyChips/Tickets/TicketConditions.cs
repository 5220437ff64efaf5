using System.Diagnostics.CodeAnalysis;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.MyChips.Tickets;

/// <summary>When, how often, for what and by whom a ticket may be used. Immutable; what is out of bounds throws <see cref="ArgumentException"/>.</summary>
public sealed record TicketConditions
{
    /// <summary>The latest not-after: the end of the year 9999.</summary>
    public const long LatestNotAfter = 253_402_300_799;

    /// <summary>The most uses.</summary>
    public const int MostUses = ushort.MaxValue;

    internal const int MaxEncodedSize = 9 + 3 + 2 + TicketText.MaxSize + 1 + 2 + TicketText.MaxSize;

    /// <summary>Gets the last second in which the ticket is taken, since 1970 in UTC.</summary>
    public required long NotAfter
    {
        get;
        init => field = value is >= 0 and <= LatestNotAfter
            ? value
            : throw new ArgumentOutOfRangeException(nameof(NotAfter), value, $"Not-after is 0 to {LatestNotAfter} seconds.");
    }

    /// <summary>Gets how often the ticket serves, once by default.</summary>
    public int Uses
    {
        get;
        init => field = value is >= 1 and <= MostUses
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Uses), value, $"A ticket has 1 to {MostUses} uses.");
    } = 1;

    /// <summary>Gets what the ticket is for, up to 255 bytes of UTF-8 without control characters; empty by default.</summary>
    public string Purpose
    {
        get;
        init => field = TicketText.Check(value, 0, nameof(Purpose));
    } = "";

    /// <summary>Gets whom the ticket serves, by default whoever has it.</summary>
    public TicketBinding Binding
    {
        get;
        init => field = value ?? throw new ArgumentNullException(nameof(Binding));
    } = TicketBinding.None;

    internal int EncodedLength
        => Varint.Length((ulong)NotAfter) + Varint.Length((ulong)Uses) + TicketText.EncodedLength(Purpose) + Binding.EncodedLength;

    /// <summary>Says whether the ticket is past its last second.</summary>
    /// <param name="now">The time in seconds since 1970 in UTC.</param>
    //= spec/mychips.md#ticket-expiry
    public bool IsExpired(long now) => now > NotAfter;

    /// <summary>Tells why a claim is none of this ticket's at all, whatever the time and its uses; null where it may be.</summary>
    internal TicketOutcome? Refuse(TicketClaim claim)
        => claim.Purpose != Purpose ? TicketOutcome.PurposeDiffers : Binding.Fits(claim) ? null : TicketOutcome.BoundToAnother;

    internal static bool TryRead(scoped ref WireReader reader, [NotNullWhen(true)] out TicketConditions? conditions)
    {
        conditions = null;
        if (!reader.TryReadVarint(out var notAfter) || notAfter > LatestNotAfter || !reader.TryReadVarint(out var uses) || uses is 0 or > MostUses
            || !TicketText.TryRead(ref reader, 0, out var purpose) || !TicketBinding.TryRead(ref reader, out var binding))
        {
            return false;
        }

        conditions = new() { NotAfter = (long)notAfter, Uses = (int)uses, Purpose = purpose, Binding = binding! };
        return true;
    }

    internal void WriteTo(ref WireWriter writer)
    {
        writer.WriteVarint((ulong)NotAfter);
        writer.WriteVarint((ulong)Uses);
        TicketText.Write(ref writer, Purpose);
        Binding.WriteTo(ref writer);
    }
}
