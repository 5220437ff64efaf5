using System.Diagnostics.CodeAnalysis;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.MyChips.Tickets;

/// <summary>One use of a ticket. Immutable.</summary>
/// <param name="Key">The initiator's key.</param>
/// <param name="Time">When, in seconds since 1970 in UTC.</param>
public sealed record TicketUse(PublicKey Key, long Time)
{
    /// <summary>For how many seconds the key that used a ticket is answered by it.</summary>
    public const long AgainSeconds = 600;

    /// <summary>The largest stored form in bytes.</summary>
    internal const int MaxStoredSize = 64 + TicketHash.Size + TicketKey.Size + Varint.MaxStrictLength;

    private static ReadOnlySpan<byte> Head => "psec-ticket-use-1\n"u8;

    internal static TicketUse Of(TicketClaim claim) => new(claim.InitiatorKey, claim.Now);

    /// <summary>Whether the use is recent enough for its key to be answered again.</summary>
    //= spec/mychips.md#ticket-again
    internal bool IsRecent(long now) => now - Time <= AgainSeconds;

    internal bool IsBy(PublicKey key) => Key.SharesMontgomeryForm(key);

    /// <summary>Returns the use as it stands in a file.</summary>
    internal byte[] ToStored(TicketHash hash)
    {
        var stored = new byte[Head.Length + TicketHash.Size + TicketKey.Size + Varint.Length((ulong)Time)];
        var writer = new WireWriter(stored);
        writer.WriteBytes(Head);
        writer.WriteBytes(hash.Bytes);
        writer.WriteBytes(Key.Ed25519);
        writer.WriteVarint((ulong)Time);
        return stored;
    }

    /// <summary>Reads a use from its file.</summary>
    //= spec/mychips.md#store-files
    internal static bool TryReadStored(ReadOnlySpan<byte> stored, TicketHash hash, [NotNullWhen(true)] out TicketUse? use)
    {
        use = null;
        var reader = new WireReader(stored);
        if (!reader.TryReadBytes(Head.Length, out var head) || !head.SequenceEqual(Head)
            || !reader.TryReadBytes(TicketHash.Size, out var of) || !of.SequenceEqual(hash.Bytes)
            || !TicketKey.TryRead(ref reader, out var key) || !reader.TryReadVarint(out var time) || !reader.IsAtEnd)
        {
            return false;
        }

        use = new(key, (long)time);
        return true;
    }
}
