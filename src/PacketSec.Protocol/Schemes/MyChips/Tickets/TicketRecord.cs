using System.Diagnostics.CodeAnalysis;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.MyChips.Tickets;

/// <summary>What a responder keeps of a ticket that it issued: never the token. Immutable.</summary>
/// <param name="Hash">SHA-256 of the token.</param>
/// <param name="Conditions">When, how often, for what and by whom it may be used.</param>
/// <param name="UsesSoFar">How often it was used, at the time when the record was made.</param>
public sealed record TicketRecord(TicketHash Hash, TicketConditions Conditions, int UsesSoFar = 0)
{
    /// <summary>The largest stored form in bytes.</summary>
    internal const int MaxStoredSize = 64 + TicketHash.Size + TicketConditions.MaxEncodedSize;

    /// <summary>Gets how often it can still be used, if it has not expired.</summary>
    public int UsesLeft => Conditions.Uses - UsesSoFar;

    private static ReadOnlySpan<byte> Head => "psec-ticket-1\n"u8;

    /// <summary>Returns the record as it stands in a file; uses have files of their own.</summary>
    internal byte[] ToStored()
    {
        var stored = new byte[Head.Length + TicketHash.Size + Conditions.EncodedLength];
        var writer = new WireWriter(stored);
        writer.WriteBytes(Head);
        writer.WriteBytes(Hash.Bytes);
        Conditions.WriteTo(ref writer);
        return stored;
    }

    /// <summary>Reads a record from its file.</summary>
    //= spec/mychips.md#store-files
    internal static bool TryReadStored(ReadOnlySpan<byte> stored, TicketHash hash, [NotNullWhen(true)] out TicketRecord? record)
    {
        record = null;
        var reader = new WireReader(stored);
        if (!reader.TryReadBytes(Head.Length, out var head) || !head.SequenceEqual(Head)
            || !reader.TryReadBytes(TicketHash.Size, out var of) || !of.SequenceEqual(hash.Bytes)
            || !TicketConditions.TryRead(ref reader, out var conditions) || !reader.IsAtEnd)
        {
            return false;
        }

        record = new(hash, conditions);
        return true;
    }
}
