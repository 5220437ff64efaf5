using System.Text;
using PacketSec.Crypto;
using PacketSec.Fuzz.Engine;
using PacketSec.Protocol.Identity;

namespace PacketSec.Fuzz.Targets;

/// <summary>Peer IDs as text and as bytes.</summary>
internal sealed class PeerIdTarget : FuzzTarget
{
    public override string Name => "peer-id";

    public override string Property => "an ID has one multihash, one base58 text and one CID; whatever is read is written the same";

    public override int MaxInputSize => 160;

    public override IReadOnlyList<byte[]> Dictionary { get; } =
        [[0x00, 0x24, 0x08, 0x01, 0x12, 0x20], [0x12, 0x20], [0x00, 0x2a], "12D3KooW"u8.ToArray(), "Qm"u8.ToArray(), "bafz"u8.ToArray()];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        if (PeerId.TryRead(input, out var read))
        {
            trace.Reach(1, read.IsInline ? read.Multihash.Length : -1);
            Require(read.Multihash.SequenceEqual(input), "a multihash is kept byte for byte");
            Check(read, trace);
        }

        CheckText(Encoding.UTF8.GetString(input), trace);
        CheckText(Encoding.Latin1.GetString(input), trace);
    }

    private static void CheckText(string text, FuzzTrace trace)
    {
        if (PeerId.TryParse(text, out var id))
        {
            var isCid = text == id.ToCidString();
            trace.Reach(2, isCid ? 1 : 0);
            Require(isCid || text == id.ToString(), "a text is written as it was read");
            Check(id, trace);
        }

        if (P2pkePeerId.TryParse(text, out var p2pke))
        {
            trace.Reach(3);
            Require(p2pke.ToString() == text, "a P2PKE ID is written as it was read");
        }
    }

    private static void Check(PeerId id, FuzzTrace trace)
    {
        Require(PeerId.TryParse(id.ToString(), out var first) && first.Equals(id), "an ID is read from its base58 text");
        Require(PeerId.TryParse(id.ToCidString(), out var second) && second.Equals(id), "an ID is read from its CID");
        Require(id.GetHashCode() == second.GetHashCode(), "equal IDs have equal hash codes");
        if (id.TryGetPublicKey(out var key))
        {
            trace.Reach(4, (int)key.Type);
            Require(PeerId.FromPublicKey(key, CryptoProvider.Default).Equals(id), "the key in an ID has that ID");
        }
    }
}
