using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.NoiseXX;

namespace PacketSec.Protocol.Schemes.NoiseXX;

/// <summary>What both roles of <c>noise-xx-1</c> make and check. Thread-safe.</summary>
internal sealed class NoiseXXContext(SchemeContext context, byte[] directTranscript)
{
    // DigestInfo of SHA-256 (RFC 8017, section 9.2, note 1).
    private static ReadOnlySpan<byte> Sha256DigestInfo
        => [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

    private static ReadOnlySpan<byte> SignaturePrefix => "noise-libp2p-static-key:"u8;

    public ICryptoProvider Crypto => context.Crypto;

    /// <summary>Begins a Noise handshake, bound to the negotiation's transcript, or to that of direct mode.</summary>
    //= spec/noise-xx.md#prologue
    public HandshakeState NewHandshake(bool initiator, Agreement? agreement) => new(
        context.Crypto,
        context.Random,
        new HandshakeConfig
        {
            Protocol = NoiseXXScheme.Noise,
            Initiator = initiator,
            Prologue = Transcript(agreement).ToArray(),
            LocalStatic = context.Identity.AgreementKey,
        });

    public ReadOnlySpan<byte> Transcript(Agreement? agreement) => agreement is null ? directTranscript : agreement.Transcript;

    /// <summary>Makes the payload that binds the own identity to the static key of the handshake.</summary>
    //= spec/noise-xx.md#claim-signature
    public byte[] MakeClaim()
    {
        var identity = context.Identity;
        var signature = new byte[Ed25519PrivateKey.SignatureSize];
        identity.SigningKey.Sign(SignedBytes(identity.AgreementKey.PublicKey), signature);
        var claim = new IdentityClaim(identity.PublicKey.ToProtobuf(), signature);
        var bytes = new byte[claim.EncodedLength];
        WireMessage.Write(claim, bytes);
        return bytes;
    }

    /// <summary>Checks what the other side says of itself in its encrypted payload.</summary>
    /// <param name="payload">The payload.</param>
    /// <param name="remoteStatic">The static key that the handshake showed.</param>
    /// <param name="key">The identity that it proves.</param>
    public DropReason CheckClaim(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> remoteStatic, out PublicKey? key)
    {
        key = null;
        if (!WireMessage.TryRead<IdentityClaim>(payload, out var claim))
        {
            return DropReason.Malformed;
        }

        //= spec/noise-xx.md#claim-key
        if (!PublicKey.TryReadProtobuf(claim.Key, out key))
        {
            return DropReason.UnsupportedKey;
        }

        //= spec/noise-xx.md#own-key
        if (key.Equals(context.Identity.PublicKey))
        {
            return DropReason.OwnKey;
        }

        return Verify(key, SignedBytes(remoteStatic), claim.Signature) ? DropReason.None : DropReason.BadSignature;
    }

    private static byte[] SignedBytes(ReadOnlySpan<byte> staticKey) => [.. SignaturePrefix, .. staticKey];

    private bool Verify(PublicKey key, byte[] signed, ReadOnlySpan<byte> signature)
    {
        if (key.Type == PublicKeyType.Ed25519)
        {
            return Crypto.VerifyEd25519(key.Ed25519, signed, signature);
        }

        var digest = new byte[HashAlgorithm.Sha256.HashSize()];
        Crypto.Hash(HashAlgorithm.Sha256, signed, default, digest);
        return key.Type == PublicKeyType.Rsa
            ? Crypto.VerifyRsaPkcs1Raw(key.PublicKeyInfo, [.. Sha256DigestInfo, .. digest], signature)
            : Crypto.VerifyEcdsaP256(key.PublicKeyInfo, digest, signature);
    }
}
