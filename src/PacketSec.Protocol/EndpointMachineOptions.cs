using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes;

namespace PacketSec.Protocol;

/// <summary>What an <see cref="EndpointMachine"/> is made of.</summary>
public sealed class EndpointMachineOptions
{
    /// <summary>Gets the cryptographic provider.</summary>
    public required ICryptoProvider Crypto { get; init; }

    /// <summary>Gets the source of all randomness.</summary>
    public required IRandomSource Random { get; init; }

    /// <summary>Gets the own identity; it outlives the machine.</summary>
    public required IdentityKey Identity { get; init; }

    /// <summary>Gets the key of the network that <c>secret-handshake-1</c> is spoken in; null for none. It outlives the machine.</summary>
    public NetworkKey? NetworkKey { get; init; }

    /// <summary>Gets the scheme that first messages of strangers are served by; null serves none.</summary>
    public string? DirectScheme { get; init; }

    /// <summary>Gets the schemes that proposals of others are accepted for; none by default.</summary>
    public IReadOnlyList<string> Schemes { get; init; } = [];

    /// <summary>Gets a value indicating whether schemes that hide identities may be served beside others, which give them away.</summary>
    public bool AllowMixture { get; init; }

    /// <summary>Gets the longest proposal sent, UDP payload in bytes: 256 to 65,507; a first packet that makes it longer is left out.</summary>
    public int MaxDatagramSize { get; init; } = ImplementationLimits.DatagramSize;

    /// <summary>Gets a value indicating whether the application is asked before an identity gets a channel.</summary>
    public bool AskApplication { get; init; }

    /// <summary>Gets how many channels others may have opened at once: 1 or more.</summary>
    public int InboundChannels { get; init; } = ImplementationLimits.InboundChannels;

    /// <summary>
    /// Gets the sites known by name and their Ed25519 keys, for <c>mychips-1</c>; null where there are none. It is read by any thread while the machine
    /// lives: a concurrent dictionary may change meanwhile.
    /// </summary>
    public IReadOnlyDictionary<string, PublicKey>? Sites { get; init; }

    /// <summary>Gets the schemes that there are.</summary>
    internal SchemeCatalogue Catalogue { get; init; } = SchemeCatalogue.Default;
}
