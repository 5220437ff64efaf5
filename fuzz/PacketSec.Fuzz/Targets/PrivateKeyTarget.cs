using PacketSec.Crypto;
using PacketSec.Fuzz.Engine;
using PacketSec.Protocol.Identity;

namespace PacketSec.Fuzz.Targets;

/// <summary>Private keys as files hold them: PEM, PKCS#8, protobuf.</summary>
internal sealed class PrivateKeyTarget : FuzzTarget
{
    public override string Name => "private-key";

    public override string Property => "a key that is read is written in each format and read again as the same key";

    public override int MaxInputSize => Ed25519KeyFormat.MaxFileSize + 16;

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        "-----BEGIN PRIVATE KEY-----\n"u8.ToArray(),
        "\n-----END PRIVATE KEY-----\n"u8.ToArray(),
        "MC4CAQAwBQYDK2VwBCIEI"u8.ToArray(),
        Convert.FromHexString("302e020100300506032b657004220420"),
        Convert.FromHexString("3051020101300506032b657004220420"),
        Convert.FromHexString("812100"),
        Convert.FromHexString("08011240"),
    ];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        Span<byte> seed = stackalloc byte[IdentityKey.SeedSize];
        Span<byte> publicKey = stackalloc byte[IdentityKey.SeedSize];
        var isPem = Ed25519KeyFormat.TryReadPem(input, seed, publicKey, out _);
        var isPkcs8 = Ed25519KeyFormat.TryReadPkcs8(input, seed, publicKey, out var repeats);
        var isProtobuf = Ed25519KeyFormat.TryReadProtobuf(input, seed, publicKey, out _);
        trace.Reach(1, (isPem ? 1 : 0) + (isPkcs8 ? 2 : 0) + (isProtobuf ? 4 : 0) + (repeats ? 8 : 0));
        Require(!(isPkcs8 && isProtobuf), "no bytes are a key in two formats");
        if (!IdentityKey.TryImport(input, CryptoProvider.Default, out var identity))
        {
            return;
        }

        using (identity)
        {
            trace.Reach(2, isPem ? 1 : 0);
            Require(isPem || isPkcs8 || isProtobuf, "what is imported is in one of the formats");
            foreach (var written in new[] { identity.ExportPem(), identity.ExportProtobuf() })
            {
                Require(IdentityKey.TryImport(written, CryptoProvider.Default, out var copy), "a key that is written is read");
                using (copy)
                {
                    Require(copy.Seed.SequenceEqual(identity.Seed) && copy.PeerId.Equals(identity.PeerId), "and it is the same key");
                }
            }
        }
    }
}
