using System.Text.Json;
using PacketSec.Protocol.Schemes.NoiseXX;
using PacketSec.Protocol.Schemes.SecretHandshake;

namespace PacketSec.Cli.Vectors;

/// <summary>A format of vector files.</summary>
/// <param name="Name">The name, as the reports print it.</param>
/// <param name="Matches">Whether a JSON file is of this format.</param>
/// <param name="Replay">Replays a file.</param>
internal sealed record VectorFormat(string Name, Func<JsonElement, bool> Matches, Action<JsonElement, VectorTally> Replay)
{
    /// <summary>Gets all formats; the first that matches serves.</summary>
    public static IReadOnlyList<VectorFormat> All { get; } =
    [
        new("noise", root => root.TryGetProperty("vectors", out var vectors)
            && vectors.EnumerateArray().Any(vector => vector.TryGetProperty("protocol_name", out _)), NoiseVectors.Replay),
        Named("p2pke-session-1", SessionVectors.Replay),
        Named("p2pke-keys-1", IdentityVectors.ReplayKeys),
        Named("p2pke-signatures-1", IdentityVectors.ReplaySignatures),
        Named("p2pke-tai64n-1", IdentityVectors.ReplayTai64n),
        Named("p2pke-replay-1", ReplayWindowVectors.Replay),
        Named("p2pke-handshake-edge-1", HandshakeEdgeVectors.Replay),
        Named(NoiseXXScheme.SchemeName, NoiseXXVectors.Replay),
        Named(SecretHandshakeScheme.SchemeName, SecretHandshakeVectors.Replay),
        Wycheproof("XDH", WycheproofVectors.ReplayX25519),
        Wycheproof("EDDSA", WycheproofVectors.ReplayEd25519),
        Wycheproof("CHACHA20-POLY1305", WycheproofVectors.ReplayChaChaPoly),
        Wycheproof("AES-GCM", WycheproofVectors.ReplayAesGcm),
        Wycheproof("HKDF-SHA-256", WycheproofVectors.ReplayHkdfSha256),
        Wycheproof("HKDF-SHA-512", WycheproofVectors.ReplayHkdfSha512),
        Wycheproof("HMACSHA256", WycheproofVectors.ReplayHmacSha256),
    ];

    private static VectorFormat Named(string format, Action<JsonElement, VectorTally> replay)
        => new(format, root => root.TryGetProperty("format", out var name) && name.GetString() == format, replay);

    private static VectorFormat Wycheproof(string algorithm, Action<JsonElement, VectorTally> replay)
        => new(
            $"wycheproof {algorithm}",
            root => root.TryGetProperty("testGroups", out _) && root.TryGetProperty("algorithm", out var name) && name.GetString() == algorithm,
            replay);
}
