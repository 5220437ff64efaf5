using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;

namespace PacketSec.Protocol.Schemes.MyChips;

/// <summary>What the handshakes of an endpoint share. Thread-safe.</summary>
internal sealed class MyChipsContext(SchemeContext context, byte[] directTranscript)
{
    private static readonly NoiseProtocol WithTicket = NoiseProtocol.Parse("Noise_IK_25519_ChaChaPoly_BLAKE2b");
    private static readonly NoiseProtocol OneWay = NoiseProtocol.Parse("Noise_N_25519_ChaChaPoly_BLAKE2b");
    private static readonly NoiseProtocol Known = NoiseProtocol.Parse("Noise_KK_25519_ChaChaPoly_BLAKE2b");

    public ICryptoProvider Crypto => context.Crypto;

    public IdentityKey Identity => context.Identity;

    public SchemeContext Shared => context;

    /// <summary>Begins the handshake of an <c>I</c>; the responder learns the other's key from it.</summary>
    public HandshakeState NewWithTicket(Agreement? agreement, ReadOnlyMemory<byte> responder = default)
        => New(WithTicket, !responder.IsEmpty, Transcript(agreement).ToArray(), Identity.AgreementKey, responder);

    /// <summary>Tells whether a handshake is that of an <c>I</c>.</summary>
    public static bool IsWithTicket(HandshakeState noise) => noise.Protocol == WithTicket;

    /// <summary>Begins the one message that names a site.</summary>
    public HandshakeState NewOneWay(Agreement? agreement, ReadOnlyMemory<byte> responder = default)
        => New(OneWay, !responder.IsEmpty, Transcript(agreement).ToArray(), responder.IsEmpty ? Identity.AgreementKey : null, responder);

    /// <summary>Begins the handshake of two that know each other.</summary>
    /// <param name="initiator">Whether this side begins.</param>
    /// <param name="agreement">What it is bound to; null is direct mode.</param>
    /// <param name="remote">The other's X25519 key.</param>
    /// <param name="front">What stands before the message in its packet; empty where it stands alone.</param>
    //= spec/mychips.md#prologue
    public HandshakeState NewKnown(bool initiator, Agreement? agreement, ReadOnlyMemory<byte> remote, ReadOnlySpan<byte> front)
    {
        var prologue = new byte[Agreement.TranscriptSize + (front.IsEmpty ? 0 : HashAlgorithm.Sha256.HashSize())];
        Transcript(agreement).CopyTo(prologue);
        if (!front.IsEmpty)
        {
            Crypto.Hash(HashAlgorithm.Sha256, front, default, prologue.AsSpan(Agreement.TranscriptSize));
        }

        return New(Known, initiator, prologue, Identity.AgreementKey, remote);
    }

    /// <summary>Maps an identity to its static key.</summary>
    /// <returns>False when it is no Ed25519 key, or one that nothing can be agreed with.</returns>
    //= spec/mychips.md#static-keys
    public static bool TryMap(PublicKey key, out byte[] staticKey)
    {
        staticKey = new byte[X25519PrivateKey.Size];
        return key.Type == PublicKeyType.Ed25519 && EdwardsToMontgomery.TryMap(key.Ed25519, staticKey);
    }

    /// <summary>Does what an answer costs (<c>e, ee, se</c> and the keys) where there is nobody to answer: the bytes are nobody's keys.</summary>
    //= spec/mychips.md#equal-work
    public void PretendAnswer(Span<byte> answer, Span<byte> first, Span<byte> second)
    {
        using var symmetric = SymmetricState.Initialize(Crypto, Known);
        Span<byte> scalar = stackalloc byte[X25519PrivateKey.Size];
        Span<byte> secret = stackalloc byte[X25519PrivateKey.Size];
        context.Random.Fill(scalar);
        using var ephemeral = Crypto.ImportX25519PrivateKey(scalar);
        symmetric.MixHash(ephemeral.PublicKey);
        for (var i = 0; i < 2; i++)
        {
            ephemeral.TryAgree(Identity.AgreementKey.PublicKey, secret);
            symmetric.MixKey(secret);
        }

        symmetric.EncryptAndHash(default, answer[X25519PrivateKey.Size..]);
        symmetric.Split(first, second);
    }

    private HandshakeState New(NoiseProtocol protocol, bool initiator, byte[] prologue, X25519PrivateKey? local, ReadOnlyMemory<byte> remote) => new(
        Crypto,
        context.Random,
        new HandshakeConfig { Protocol = protocol, Initiator = initiator, Prologue = prologue, LocalStatic = local, RemoteStatic = remote });

    private ReadOnlySpan<byte> Transcript(Agreement? agreement) => agreement is null ? directTranscript : agreement.Transcript;
}
