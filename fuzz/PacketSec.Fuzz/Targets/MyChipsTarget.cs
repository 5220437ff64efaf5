using PacketSec.Fuzz.Engine;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Wire;

namespace PacketSec.Fuzz.Targets;

/// <summary>What an initiator of <c>mychips-1</c> claims in its first message, and the packet that names a site.</summary>
internal sealed class MyChipsTarget : FuzzTarget
{
    public override string Name => "mychips";

    public override string Property => "a claim, a packet that names a site, and a site ID have one form each; whatever is read is written the same";

    public override int MaxInputSize => MyChipsScheme.MaxFirst + 1;

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        "N"u8.ToArray(), "K"u8.ToArray(), [0xff, 0x01], [0x80, 0x02], [0x31], [0xaf, 0x02], [0xb0, 0x02], "tally"u8.ToArray(), "b@4000"u8.ToArray(),
        [0xc2, 0x85], [0xc0, 0x80], new byte[32],
    ];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        if (ClaimPayload.TryRead(input, out var claim))
        {
            trace.Reach(1, (claim.UserAddress.Length == 0 ? 0 : 1) + (claim.Purpose.Length == 0 ? 0 : 2) + (claim.Certificate.IsEmpty ? 0 : 4));
            Span<byte> written = stackalloc byte[ClaimPayload.MaxSize];
            var writer = new WireWriter(written);
            writer.WriteBytes(claim.Token);
            writer.WriteBytes(claim.Key.Ed25519);
            TicketText.Write(ref writer, claim.UserAddress);
            TicketText.Write(ref writer, claim.Purpose);
            if (!claim.Certificate.IsEmpty)
            {
                writer.WriteDelimited(claim.Certificate);
            }

            Require(writer.Written.SequenceEqual(input), "a claim is written as it was read");

            var rest = input.Length - ClaimPayload.Length(claim.UserAddress, claim.Purpose, 0);
            Require(!ClaimPayload.TryRead(input[..^1], out _), "a claim that is cut is none");
            Require(ClaimPayload.TryRead(input[..^rest], out var bare) && bare.Certificate.IsEmpty, "a claim is one without its certificate too");
        }

        if (SitePacket.TryRead(input, out var packet))
        {
            trace.Reach(2, FuzzTrace.Magnitude(packet.Name.Length));
            byte[] whole = [.. SitePacket.WriteFront(packet.Name), Letters.Known, .. packet.Message];
            Require(whole.AsSpan().SequenceEqual(input), "a packet that names a site is written as it was read");
            Require(input.StartsWith(packet.Front), "the front is the packet's");
        }

        if (SitePacket.TryReadId(input, out var siteId))
        {
            trace.Reach(3, FuzzTrace.Magnitude(siteId.Length));
            Require(PsecFrame.ToBytes(siteId).AsSpan().SequenceEqual(input), "a site ID is written as it was read");
        }
    }
}
