using PacketSec.Crypto;
using PacketSec.Fuzz.Engine;
using PacketSec.Protocol.Identity;

namespace PacketSec.Fuzz.Targets;

/// <summary>Public keys as DER and as protobuf, and the verification under whatever key was accepted.</summary>
internal sealed class PublicKeyTarget : FuzzTarget
{
    private static readonly byte[] Signature = [.. Enumerable.Range(0, 64).Select(i => (byte)i)];

    public override string Name => "public-key";

    public override string Property => "a key that is accepted has one encoding in each format, and verifying under it never throws";

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        Convert.FromHexString("302a300506032b6570032100"),
        Convert.FromHexString("3059301306072a8648ce3d020106082a8648ce3d03010703420004"),
        Convert.FromHexString("300d06092a864886f70d0101010500"),
        Convert.FromHexString("30820122"),
        Convert.FromHexString("0382010f00"),
        Convert.FromHexString("0282010100"),
        Convert.FromHexString("0203010001"),
        Convert.FromHexString("08011220"),
        Convert.FromHexString("0800"),
        Convert.FromHexString("0803"),
    ];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        if (PublicKey.TryRead(input, out var key))
        {
            trace.Reach(1, (int)key.Type);
            Require(key.PublicKeyInfo.SequenceEqual(input), "a key is kept byte for byte");
            Check(key, trace);
        }
        else
        {
            trace.Reach(2, Depth(input));
        }

        if (PublicKey.TryReadProtobuf(input, out key))
        {
            trace.Reach(3, (int)key.Type);
            Require(key.ToProtobuf().AsSpan().SequenceEqual(input), "a key is written as it was read");
            Check(key, trace);
        }
    }

    private static void Check(PublicKey key, FuzzTrace trace)
    {
        Require(PublicKey.TryReadProtobuf(key.ToProtobuf(), out var copy) && copy.Equals(key), "a key is read from its protobuf");
        Require(PublicKey.TryRead(key.PublicKeyInfo, out copy) && copy.Equals(key), "a key is read from its DER");
        Require(key.SharesMontgomeryForm(copy), "a key shares its own Montgomery form");
        trace.Reach(4, key.IsSmallOrder ? 1 : 0);
        foreach (var crypto in CryptoProvider.Available)
        {
            Require(!P2pkeSignature.Verify(crypto, key, P2pkeSignature.Timestamp, default, Signature), "a made-up signature verifies under no key");
        }
    }

    // How many nested DER heads stand in front.
    private static int Depth(ReadOnlySpan<byte> input)
    {
        var reader = new DerReader(input);
        var depth = 0;
        while (depth < 4 && reader.TryReadSequence(out var inner))
        {
            depth++;
            reader = inner;
        }

        return depth;
    }
}
