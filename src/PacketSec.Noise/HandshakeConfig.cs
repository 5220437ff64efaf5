using PacketSec.Crypto;

namespace PacketSec.Noise;

/// <summary>
/// What one side brings to a handshake. The keys stay the caller's: they must live until the handshake and all its clones are complete or
/// disposed, and the engine never disposes them.
/// </summary>
/// <remarks>
/// A key that the pattern has no use for is refused: silently ignored, it would promise an authentication that does not take place.
/// </remarks>
public sealed class HandshakeConfig
{
    /// <summary>Gets the protocol.</summary>
    public required NoiseProtocol Protocol { get; init; }

    /// <summary>Gets whether this side is the initiator, who sends the first message.</summary>
    public required bool Initiator { get; init; }

    /// <summary>Gets data that both sides must have identically; any length, authenticated and not sent. Copied by its hash.</summary>
    public ReadOnlyMemory<byte> Prologue { get; init; }

    /// <summary>Gets the own static key; required exactly when the pattern has one for this side.</summary>
    public X25519PrivateKey? LocalStatic { get; init; }

    /// <summary>
    /// Gets a fixed ephemeral key. <b>Leave it null</b>, so that each handshake draws its own from the random source.
    /// </summary>
    /// <remarks>
    /// DANGER: two handshakes with one ephemeral key lose forward secrecy between them, and, where the other side's keys repeat too, encrypt
    /// different payloads under the same key and nonce, which gives away both payloads and the key that authenticates. It exists for
    /// published vectors, and for a caller that derives the key of each attempt afresh and keeps a record that it serves one handshake only.
    /// </remarks>
    public X25519PrivateKey? LocalEphemeral { get; init; }

    /// <summary>Gets the remote static public key, 32 bytes; required exactly when the pattern has it as a pre-message.</summary>
    public ReadOnlyMemory<byte> RemoteStatic { get; init; }

    /// <summary>Gets the pre-shared keys, 32 bytes each, one for each psk modifier, in the order of the modifiers.</summary>
    public IReadOnlyList<SecretKey> PreSharedKeys { get; init; } = [];

    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(Protocol);
        ArgumentNullException.ThrowIfNull(PreSharedKeys);
        var pattern = Protocol.Pattern;
        RequireExactly(pattern.HasStatic(Initiator), LocalStatic is not null, "a local static key");
        var remoteIsKnown = Initiator ? pattern.ResponderStaticIsKnown : pattern.InitiatorStaticIsKnown;
        RequireExactly(remoteIsKnown, !RemoteStatic.IsEmpty, "a remote static key beforehand");
        if (LocalEphemeral is not null && !pattern.HasEphemeral(Initiator))
        {
            throw new ArgumentException($"{pattern.Name} has no local ephemeral key on this side.");
        }

        if (RemoteStatic.Length is not (0 or X25519PrivateKey.Size))
        {
            throw new ArgumentException($"The remote static key has {X25519PrivateKey.Size} bytes.");
        }

        const int PskSize = NoiseProtocol.PreSharedKeySize;
        if (PreSharedKeys.Count != pattern.PskCount || PreSharedKeys.Any(key => key?.Length != PskSize))
        {
            throw new ArgumentException($"{pattern.Name} takes {pattern.PskCount} pre-shared keys of {PskSize} bytes.");
        }
    }

    private void RequireExactly(bool wanted, bool given, string what)
    {
        if (wanted != given)
        {
            throw new ArgumentException($"{Protocol.Pattern.Name} {(wanted ? "needs" : "has no use for")} {what} on this side.");
        }
    }
}
