using System.Text;
using PacketSec.Fuzz.Engine;
using PacketSec.Libp2p.Addresses;

namespace PacketSec.Fuzz.Targets;

/// <summary>Multiaddresses as text and as bytes.</summary>
internal sealed class MultiaddressTarget : FuzzTarget
{
    public override string Name => "multiaddress";

    public override string Property => "an address has one encoding and one canonical text, and each is read as the other";

    public override int MaxInputSize => Multiaddress.MaxTextLength + 16;

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        [0x04, 0x7f, 0x00, 0x00, 0x01], [0x29], [0x35], [0x36], [0x37], [0x91, 0x02], [0xa5, 0x03], [0x81, 0x80, 0xc0, 0x01], [0x82, 0x80, 0xc0, 0x01],
        "/ip4/"u8.ToArray(), "/ip6/"u8.ToArray(), "/dns/"u8.ToArray(), "/dns4/"u8.ToArray(), "/dns6/"u8.ToArray(), "/udp/"u8.ToArray(),
        "/p2p/"u8.ToArray(), "/psec"u8.ToArray(), "/psec-scheme/"u8.ToArray(), "::"u8.ToArray(), "p2pke-1"u8.ToArray(),
    ];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        if (Multiaddress.TryRead(input, out var read))
        {
            trace.Reach(1, read.Components.Count);
            Require(read.Bytes.SequenceEqual(input), "the bytes are kept as they are");
            Check(read, trace);
        }

        CheckText(Encoding.UTF8.GetString(input), trace);
        CheckText(Encoding.Latin1.GetString(input), trace);
    }

    private static void CheckText(string text, FuzzTrace trace)
    {
        var isAddress = Multiaddress.TryParse(text, out var address, out var error);
        Require(isAddress == error is null, "what is refused has a reason");
        if (address is not null)
        {
            trace.Reach(2, address.Components.Count);
            Check(address, trace);
        }
    }

    private static void Check(Multiaddress address, FuzzTrace trace)
    {
        Require(address.Components.Count is > 0 and <= Multiaddress.MaxComponents && address.Bytes.Length <= Multiaddress.MaxSize, "the bounds hold");
        Require(Multiaddress.TryParse(address.ToString(), out var parsed), "the canonical text is read");
        Require(parsed.Equals(address) && parsed.ToString() == address.ToString(), "the canonical text means the same address");
        Require(Multiaddress.TryRead(address.Bytes, out var read) && read.Equals(address), "the bytes are read");
        Require(read.GetHashCode() == parsed.GetHashCode(), "equal addresses have equal hash codes");
        foreach (var component in address.Components)
        {
            trace.Reach(3, (int)component.Protocol);
        }

        if (PsecTarget.TryFrom(address, out var target))
        {
            trace.Reach(4, target.Schemes.Count);
            Require(target.Port is >= 0 and <= ushort.MaxValue, "a port is one");
            Require(target.Peer is null == address.PeerId is null, "the peer is that of the address");
        }
    }
}
