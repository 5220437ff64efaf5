using System.Security.Cryptography;
using PacketSec.Protocol.Schemes;

namespace PacketSec.Interop.Peers;

/// <summary>Which schemes two peers speak, and how.</summary>
internal sealed record Speech
{
    private const string Hiding = "secret-handshake-1";

    public static readonly Speech P2pke = new() { Name = "", Schemes = ["p2pke-1"] };

    public static readonly Speech NoiseXx = new() { Name = "noise-xx", Schemes = ["noise-xx-1"] };

    /// <summary>A dial that proposes nothing else hides its peer ID by itself.</summary>
    public static readonly Speech Secret = new() { Name = "secret", Schemes = [Hiding] };

    public static readonly Speech SecretShown = Secret with { Name = "secret-shown", Hidden = false };

    public static readonly Speech SecretNetwork = Secret with { Name = "secret-network", HasNetworkKey = true };

    /// <summary>The listener prefers them the other way round.</summary>
    public static readonly Speech Mixed = new() { Name = "mixed", Schemes = ["noise-xx-1", "p2pke-1"], IsReversed = true };

    public static readonly Speech MixedSecret = new() { Name = "mixed-secret", Schemes = [Hiding, "p2pke-1", "noise-xx-1"], IsReversed = true };

    private static readonly byte[] NetworkKeyBytes = RandomNumberGenerator.GetBytes(NetworkKey.Size);
    private static readonly NetworkKey Network = new(NetworkKeyBytes);

    /// <summary>Gets what it is called in the matrix; empty for what peers speak by default.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the schemes, in order of preference; direct mode has the first one.</summary>
    public required IReadOnlyList<string> Schemes { get; init; }

    /// <summary>Gets whether proposals hide the peer ID; null leaves it to the peer.</summary>
    public bool? Hidden { get; init; }

    public bool HasNetworkKey { get; init; }

    /// <summary>Gets a value indicating whether who is dialled has the schemes in the opposite order.</summary>
    public bool IsReversed { get; init; }

    /// <summary>Gets what the other side speaks, where that is not the same.</summary>
    public Speech? Other { get; init; }

    /// <summary>Gets what the listener speaks, or the right one of two that dial.</summary>
    public Speech OfListener => Other ?? (IsReversed ? this with { Schemes = [.. Schemes.Reverse()] } : this);

    /// <summary>Gets a value indicating whether every identity is hidden until it is proven.</summary>
    public bool OnlyHides => Schemes.All(scheme => scheme == Hiding);

    /// <summary>Gets a value indicating whether proposals carry a peer ID that stands for nobody.</summary>
    public bool HidesIds => Hidden ?? OnlyHides;

    public bool IsMixture => !OnlyHides && Schemes.Contains(Hiding);

    /// <summary>Gets the network's key for an endpoint. It lives as long as this program.</summary>
    public NetworkKey? KeyOfNetwork => HasNetworkKey ? Network : null;

    /// <summary>Returns the options of the Go peer.</summary>
    /// <param name="identity">Whose folder takes the file with the network's key.</param>
    public IEnumerable<string> Arguments(PeerKey identity)
    {
        yield return "--scheme";
        yield return string.Join(',', Schemes);
        if (Hidden is { } hidden)
        {
            yield return $"--hidden={(hidden ? "true" : "false")}";
        }

        if (IsMixture)
        {
            yield return "--allow-mixture";
        }

        if (HasNetworkKey)
        {
            var file = Path.ChangeExtension(identity.Path, ".network");
            File.WriteAllText(file, Convert.ToHexStringLower(NetworkKeyBytes));
            yield return "--network-key";
            yield return file;
        }
    }
}
