using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.P2pke;

namespace PacketSec.Protocol.Schemes.P2pke;

/// <summary>What every handshake of an endpoint shares, and the claims that both roles make and check. Thread-safe.</summary>
internal sealed class P2pkeContext(ICryptoProvider crypto, IRandomSource random, IdentityKey identity)
{
    public P2pkeContext(SchemeContext context)
        : this(context.Crypto, context.Random, context.Identity)
    {
    }

    public ICryptoProvider Crypto => crypto;

    public IRandomSource Random => random;

    public IdentityKey Identity => identity;

    /// <summary>Begins a Noise handshake, bound to the negotiation's transcript where there was one.</summary>
    //= spec/p2pke.md#psec-prologue
    public HandshakeState NewHandshake(bool initiator, Agreement? agreement) => new(
        crypto,
        random,
        new HandshakeConfig
        {
            Protocol = P2pkeScheme.Noise,
            Initiator = initiator,
            Prologue = agreement is null ? default : agreement.Transcript.ToArray(),
        });

    /// <summary>Checks a claim's key and signature; the key comes back parsed.</summary>
    public DropReason Verify(in AuthClaim claim, ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> data, out PublicKey? key)
    {
        var reason = ParseKey(claim, out key);
        if (reason != DropReason.None)
        {
            return reason;
        }

        //= spec/p2pke.md#signature-prehash
        return P2pkeSignature.Verify(crypto, key!, purpose, data, claim.Signature) ? DropReason.None : DropReason.BadSignature;
    }

    /// <summary>Parses a claim's key and refuses one's own.</summary>
    public DropReason ParseKey(in AuthClaim claim, out PublicKey? key)
    {
        key = null;
        //= spec/p2pke.md#missing-claim
        if (!claim.IsComplete)
        {
            return DropReason.Malformed;
        }

        //= spec/p2pke.md#key-types
        if (!PublicKey.TryRead(claim.Key, out key))
        {
            return DropReason.UnsupportedKey;
        }

        //= spec/p2pke.md#own-key
        return key.Equals(identity.PublicKey) ? DropReason.OwnKey : DropReason.None;
    }

    /// <summary>Makes the wire form of a claim by the own key.</summary>
    public byte[] Sign(ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> data)
    {
        var signature = new byte[Ed25519PrivateKey.SignatureSize];
        P2pkeSignature.Sign(crypto, identity.SigningKey, purpose, data, signature);
        return signature;
    }

    public static byte[] Encode<T>(in T message)
        where T : struct, IWireMessage<T>, allows ref struct
    {
        var bytes = new byte[message.EncodedLength];
        var writer = new WireWriter(bytes);
        message.WriteTo(ref writer);
        return bytes;
    }

    /// <summary>Whether a public key yields zero with any private key: told apart only after a handshake failed, for the right drop reason.</summary>
    public bool IsLowOrder(ReadOnlySpan<byte> publicKey)
    {
        Span<byte> scalar = stackalloc byte[X25519PrivateKey.Size];
        Span<byte> secret = stackalloc byte[X25519PrivateKey.Size];
        scalar.Fill(1);
        using var key = crypto.ImportX25519PrivateKey(scalar);
        return !key.TryAgree(publicKey, secret);
    }
}
