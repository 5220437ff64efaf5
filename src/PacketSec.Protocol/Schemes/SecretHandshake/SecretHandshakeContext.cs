using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using HashAlgorithm = PacketSec.Crypto.HashAlgorithm;

namespace PacketSec.Protocol.Schemes.SecretHandshake;

/// <summary>What every handshake of an endpoint shares, as this scheme uses it. Thread-safe, and nothing but a view of the context.</summary>
internal readonly struct SecretHandshakeContext(SchemeContext shared)
{
    private const int KeySize = X25519PrivateKey.Size;

    private static readonly byte[] NoNetwork = new byte[KeySize];

    public ICryptoProvider Crypto => shared.Crypto;

    public IdentityKey Identity => shared.Identity;

    public bool HasNetworkKey => shared.NetworkKey is not null;

    /// <summary>Gets N: the digest of the network key, or zeros.</summary>
    public ReadOnlySpan<byte> Network => shared.NetworkKey is { } key ? key.Digest(Crypto) : NoNetwork;

    /// <summary>Returns T: that of an agreement, or of direct mode.</summary>
    public ReadOnlySpan<byte> Transcript(Agreement? agreement) => agreement is null ? SecretHandshakeScheme.DirectTranscript(Crypto) : agreement.Transcript;

    /// <summary>Begins the Noise handshake of the initiator, who knows whom it calls.</summary>
    //= spec/secret-handshake.md#prologue
    public HandshakeState Call(Agreement? agreement, Callee callee) => new(Crypto, shared.Random, new HandshakeConfig
    {
        Protocol = SecretHandshakeScheme.Noise,
        Initiator = true,
        Prologue = Prologue(agreement, callee.Key),
        LocalStatic = Identity.AgreementKey,
        RemoteStatic = callee.Montgomery,
    });

    /// <summary>Begins that of the responder, whose ephemeral key is made of the keys of the minute.</summary>
    public HandshakeState Accept(Agreement? agreement, X25519PrivateKey ephemeral) => new(Crypto, shared.Random, new HandshakeConfig
    {
        Protocol = SecretHandshakeScheme.Noise,
        Initiator = false,
        Prologue = Prologue(agreement, Identity.PublicKey),
        LocalStatic = Identity.AgreementKey,
        LocalEphemeral = ephemeral,
    });

    /// <summary>Writes the network's MAC behind a message; nothing without a network key.</summary>
    /// <param name="message">The message without its MAC.</param>
    /// <param name="ephemeral">For an answer, the ephemeral key that it answers.</param>
    /// <param name="mac">16 bytes with a network key, else none.</param>
    //= spec/secret-handshake.md#network-mac
    public void WriteMac(ReadOnlySpan<byte> message, ReadOnlySpan<byte> ephemeral, Span<byte> mac)
    {
        if (shared.NetworkKey is { } key)
        {
            Span<byte> full = stackalloc byte[32];
            Crypto.Hmac(HashAlgorithm.Sha256, key.Span, message, ephemeral, full);
            full[..SecretHandshakeScheme.MacSize].CopyTo(mac);
        }
    }

    /// <summary>Whether a message is from within the network; always without a network key.</summary>
    public bool IsOfNetwork(ReadOnlySpan<byte> message, ReadOnlySpan<byte> ephemeral, ReadOnlySpan<byte> mac)
    {
        if (!HasNetworkKey)
        {
            return mac.IsEmpty;
        }

        Span<byte> expected = stackalloc byte[SecretHandshakeScheme.MacSize];
        WriteMac(message, ephemeral, expected);
        return CryptographicOperations.FixedTimeEquals(expected, mac);
    }

    private byte[] Prologue(Agreement? agreement, PublicKey responder)
    {
        var prologue = new byte[3 * KeySize];
        Transcript(agreement).CopyTo(prologue);
        Network.CopyTo(prologue.AsSpan(KeySize));
        responder.Ed25519.CopyTo(prologue.AsSpan(2 * KeySize));
        return prologue;
    }
}
