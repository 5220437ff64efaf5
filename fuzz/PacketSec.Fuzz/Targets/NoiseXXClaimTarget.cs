using PacketSec.Crypto;
using PacketSec.Fuzz.Engine;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.NoiseXX;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.NoiseXX;

namespace PacketSec.Fuzz.Targets;

/// <summary>What the other side of <c>noise-xx-1</c> says of itself, once it is decrypted.</summary>
internal sealed class NoiseXXClaimTarget : FuzzTarget
{
    private static readonly IdentityKey Identity = IdentityKey.FromSeed(new byte[32], CryptoProvider.Default);
    private static readonly NoiseXXContext Context = new NoiseXXScheme().NewContext(new(CryptoProvider.Default, new NoRandom(), Identity));
    private static readonly byte[] Static = Identity.AgreementKey.PublicKey.ToArray();

    public override string Name => "noise-xx-claim";

    public override string Property => "a claim is read or refused for a reason, what is read is written in its canonical form, and only a signature proves";

    public override int MaxInputSize => 1024;

    public override IReadOnlyList<byte[]> Dictionary { get; } = [[0x0a, 0x24, 0x08, 0x01, 0x12, 0x20], [0x12, 0x40], [0x0a], [0x12], [0x22, 0x00]];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        var reason = Context.CheckClaim(input, Static, out var key);
        trace.Reach(1, (int)reason);
        var reads = WireMessage.TryRead<IdentityClaim>(input, out var claim);
        Require(reads == (reason != DropReason.Malformed), "what does not parse is malformed, and nothing else is");
        Require(reason is DropReason.None or DropReason.OwnKey or DropReason.BadSignature == key is not null, "a reason behind the key comes with the key");
        if (!reads)
        {
            return;
        }

        trace.Reach(2, FuzzTrace.Magnitude(claim.Key.Length));
        trace.Reach(3, FuzzTrace.Magnitude(claim.Signature.Length));
        var written = new byte[claim.EncodedLength];
        Require(WireMessage.Write(claim, written) == written.Length, "the announced length is the written one");
        Require(
            WireMessage.TryRead<IdentityClaim>(written, out var again) && again.Key.SequenceEqual(claim.Key) && again.Signature.SequenceEqual(claim.Signature),
            "the canonical form says the same");
    }

    // Claims are made without any.
    private sealed class NoRandom : IRandomSource
    {
        public void Fill(Span<byte> destination) => throw new NotSupportedException();
    }
}
