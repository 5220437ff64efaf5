using System.Text;
using System.Text.Json;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;

namespace PacketSec.Cli.Vectors;

/// <summary>The parts of P2PKE below its messages: keys, signatures, timestamps.</summary>
internal static class IdentityVectors
{
    public static void ReplayKeys(JsonElement root, VectorTally tally)
    {
        foreach (var entry in root.Items("keys"))
        {
            tally.Check(entry.Text("name"), crypto =>
            {
                if (!PublicKey.TryRead(entry.Hex("public_x509"), out var key))
                {
                    return false;
                }

                var id = P2pkePeerId.FromPublicKey(key, crypto);
                var holds = id.Bytes.SequenceEqual(entry.Hex("peer_id")) && id.ToString() == entry.Text("peer_id_text");
                if (!entry.TryGetProperty("seed", out _))
                {
                    // Identities of PacketSec are Ed25519: other private keys are not read.
                    return holds && !IdentityKey.TryImport(entry.Hex("private_pkcs8"), crypto, out _);
                }

                if (!IdentityKey.TryImport(entry.Hex("private_pkcs8"), crypto, out var identity))
                {
                    return false;
                }

                using (identity)
                {
                    return holds && identity.Seed.SequenceEqual(entry.Hex("seed")) && identity.PublicKey.Equals(key)
                        && key.Ed25519.SequenceEqual(entry.Hex("public_raw"));
                }
            });
        }
    }

    public static void ReplaySignatures(JsonElement root, VectorTally tally)
    {
        var index = 0;
        foreach (var entry in root.Items("prehash"))
        {
            tally.Check($"prehash {index++}", crypto =>
            {
                var prehash = new byte[P2pkeSignature.PrehashSize];
                P2pkeSignature.Prehash(crypto, Purpose(entry), entry.Hex("data"), prehash);
                return prehash.AsSpan().SequenceEqual(entry.Hex("prehash"));
            });
        }

        var keys = tally.Sibling("keys.json").Items("keys").ToDictionary(key => key.Text("name"));
        index = 0;
        foreach (var entry in root.Items("signatures"))
        {
            var owner = keys[entry.Text("key")];
            tally.Check($"signature {index++}", crypto =>
            {
                var signature = entry.Hex("sig");
                if (!PublicKey.TryRead(owner.Hex("public_x509"), out var key)
                    || P2pkeSignature.Verify(crypto, key, Purpose(entry), entry.Hex("data"), signature) != entry.Flag("valid"))
                {
                    return false;
                }

                if (!entry.Flag("valid") || key.Type != PublicKeyType.Ed25519)
                {
                    return true;
                }

                using var signer = crypto.ImportEd25519PrivateKey(owner.Hex("seed"));
                var made = new byte[signature.Length];
                P2pkeSignature.Sign(crypto, signer, Purpose(entry), entry.Hex("data"), made);
                return made.AsSpan().SequenceEqual(signature);
            });
        }
    }

    public static void ReplayTai64n(JsonElement root, VectorTally tally)
    {
        foreach (var entry in root.Items("encode"))
        {
            var bytes = new byte[Tai64n.Size];
            Tai64n.FromUnixTime(entry.GetProperty("unix_seconds").GetInt64(), entry.GetProperty("nanoseconds").GetUInt32()).WriteTo(bytes);
            tally.Check(entry.Text("utc"), bytes.AsSpan().SequenceEqual(entry.Hex("tai64n")));
        }

        foreach (var entry in root.Items("parse"))
        {
            tally.Check($"parse '{entry.Text("tai64n")}'", Tai64n.TryRead(entry.Hex("tai64n"), out _) == entry.Flag("reference_accepts"));
        }
    }

    private static byte[] Purpose(JsonElement entry) => Encoding.ASCII.GetBytes(entry.Text("purpose"));
}
