using System.Text;
using PacketSec.Crypto;
using PacketSec.Fuzz.Engine;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Fuzz.Targets;

/// <summary>Tickets as bytes and as text, and what a store keeps of them.</summary>
internal sealed class TicketTarget : FuzzTarget
{
    private static readonly TicketHash Hash = TicketHash.Of(default, CryptoProvider.Default);

    public override string Name => "ticket";

    public override string Property => "a ticket, its text, and a stored ticket and use have one form each; whatever is read is written the same";

    public override int MaxInputSize => Ticket.MaxEncodedSize + 1;

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        [0x01, 0x00], [0x01, 0x08], [0xff, 0x01], [0x80, 0x02], [0xff, 0xff, 0x03], "\u000e127.0.0.1:4001"u8.ToArray(), "\u0008[::1]:99"u8.ToArray(),
        "psec-ticket:"u8.ToArray(), "psec-ticket-1\n"u8.ToArray(), "psec-ticket-use-1\n"u8.ToArray(), Hash.Bytes.ToArray(), [0xc2, 0x85], [0xc0, 0x80],
    ];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        if (Ticket.TryRead(input, out var ticket))
        {
            using (ticket)
            {
                Check(ticket, input, trace);
            }
        }

        CheckText(Encoding.UTF8.GetString(input), trace);
        if (TicketRecord.TryReadStored(input, Hash, out var record))
        {
            trace.Reach(3, record.Conditions.Binding.EncodedLength);
            Require(record.ToStored().AsSpan().SequenceEqual(input), "a stored ticket is written as it was read");
        }

        if (TicketUse.TryReadStored(input, Hash, out var use))
        {
            trace.Reach(4, FuzzTrace.Magnitude((int)Math.Min(use.Time, int.MaxValue)));
            Require(use.ToStored(Hash).AsSpan().SequenceEqual(input), "a stored use is written as it was read");
        }
    }

    private static void Check(Ticket ticket, ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        trace.Reach(1, ticket.Addresses.Count);
        trace.Reach(2, ticket.Conditions.Binding.Key is not null ? 1 : ticket.Conditions.Binding.UserAddress is not null ? 2 : 0);
        Require(ticket.Encode().AsSpan().SequenceEqual(input), "a ticket is written as it was read");
        Require(!Ticket.TryRead(input[..^1], out _), "a ticket that is cut is none");
        Require(!Ticket.TryRead([.. input, 0], out _), "a ticket with a byte behind it is none");
        Require(Ticket.TryParse(ticket.ToLink(), out var copy, out _), "a ticket is read from its link");
        using (copy)
        {
            Require(copy.Encode().AsSpan().SequenceEqual(input), "a link holds the whole ticket");
        }
    }

    private static void CheckText(string text, FuzzTrace trace)
    {
        if (!Ticket.TryParse(text, out var ticket, out var problem))
        {
            trace.Reach(5, problem.Length);
            return;
        }

        using (ticket)
        {
            trace.Reach(6);
            var read = text.Trim();
            Require(
                read == ticket.ToText() || (read.StartsWith(Ticket.LinkPrefix, StringComparison.OrdinalIgnoreCase) && read[Ticket.LinkPrefix.Length..] == ticket.ToText()),
                "a text is written as it was read");
        }
    }
}
